package client

import (
	"context"
	"errors"
	"strings"

	"github.com/xylem-im/xylem/parser"
)

const nsVersion = "jabber:iq:version"

// SoftwareVersion logs in and asks the server what it is (XEP-0092). "" when it
// does not say.
func SoftwareVersion(ctx context.Context, opts *Options, a Account) (version string, err error) {
	s, err := enter(ctx, opts, a, func(l *login, ctx context.Context) error {
		if err := l.negotiate(ctx); err != nil {
			return err
		}
		err := l.query("<iq type='get' id='version' to='"+opts.Domain+"'><query xmlns='"+nsVersion+"'/></iq>", func(f *parser.Frame) error {
			q := f.Element().Child(nsVersion, "query")
			var words []string
			for _, name := range []string{"name", "version"} {
				if text := strings.TrimSpace(string(q.Child(nsVersion, name).AppendText(nil))); text != "" {
					words = append(words, text)
				}
			}
			version = strings.Join(words, " ")
			return nil
		})
		if errors.Is(err, errNoResult) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", err
	}
	_ = s.Close() // the server's answer to that is not waited for
	s.Abort()
	return version, nil
}
