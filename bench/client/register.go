package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/parser"
)

// ErrExists is returned by Register for an account that is there already.
var ErrExists = errors.New("client: account exists")

const nsRegister = "jabber:iq:register"

// Register makes an account by in-band registration (XEP-0077 §3.1).
func Register(ctx context.Context, opts *Options, a Account) error {
	ctx, cancel := context.WithTimeout(ctx, opts.timeout())
	defer cancel()
	l, err := dial(ctx, opts, a)
	if err != nil {
		return err
	}
	defer l.Abort()
	stop := context.AfterFunc(ctx, func() { _ = l.tcp.Close() })
	defer stop()
	if _, err := l.openSecure(ctx); err != nil {
		return fmt.Errorf("%s: %w", a.User, err)
	}
	xml := "<iq type='set' id='reg'><query xmlns='" + nsRegister + "'><username>" + a.User +
		"</username><password>" + a.Password + "</password></query></iq>"
	if err := l.Send([]byte(xml)); err != nil {
		return err
	}
	return l.next(func(f *parser.Frame) error {
		kind, _ := f.Type()
		switch {
		case string(kind) == "result":
			return nil
		case !f.Element().Child("", "error").Child("", "conflict").IsZero():
			return ErrExists
		}
		return unexpected(f, "a result")
	})
}
