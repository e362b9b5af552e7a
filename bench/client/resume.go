package client

import (
	"context"
	"fmt"

	"github.com/xylem-im/xylem/parser"
)

// enable turns stream management on, XEP-0198 §3.
func (l *login) enable() error {
	resume := ""
	if l.opts.Resumable {
		resume = " resume='true'"
	}
	err := l.request("<enable xmlns='"+nsManagement+"'"+resume+"/>", nsManagement, "enabled", func(f *parser.Frame) error {
		if id, ok := f.Attr("id"); ok {
			l.resume = string(parser.Unescape(id))
		}
		return nil
	})
	l.managed = err == nil
	return err
}

// Reconnect continues a session whose connection was cut on a new one (XEP-0198
// §5). old must not be receiving any more. ErrRefused when the server does not
// know it, or never said that it could be resumed.
func Reconnect(ctx context.Context, opts *Options, old *Session) (*Session, error) {
	if old.resume == "" {
		return nil, fmt.Errorf("%s: %w: the session cannot be resumed", old.Account.User, ErrRefused)
	}
	return enter(ctx, opts, old.Account, func(l *login, ctx context.Context) error {
		f, err := l.prove(ctx)
		if err != nil {
			return err
		}
		if !f.management {
			return fmt.Errorf("%w: stream management is not offered", ErrRefused)
		}
		request := fmt.Sprintf("<resume xmlns='%s' h='%d' previd='%s'/>", nsManagement, old.handled, escape(old.resume))
		if err := l.request(request, nsManagement, "resumed", nil); err != nil {
			return err
		}
		l.timings.Bind = l.lap()
		l.JID, l.managed, l.resume, l.handled = old.JID, true, old.resume, old.handled
		return nil
	})
}

func escape(s string) []byte { return parser.AppendAttr(nil, s) }
