package client

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
)

// Mechanisms are those that clients know, the best first.
var Mechanisms = [...]string{sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain}

func (l *login) mechanism(offered []string) (string, error) {
	wanted := Mechanisms[:]
	if l.opts.Mechanism != "" {
		wanted = []string{l.opts.Mechanism}
	}
	for _, m := range wanted {
		if slices.Contains(offered, m) {
			return m, nil
		}
	}
	return "", fmt.Errorf("%w: it offers %v to log in, not %s", ErrRefused, offered, strings.Join(wanted, " or "))
}

// authenticate is RFC 6120 §6.
func (l *login) authenticate(offered []string) error {
	name, err := l.mechanism(offered)
	if err != nil {
		return err
	}
	c, err := sasl.NewClient(name, sasl.ClientConfig{Username: l.Account.User, Password: l.Account.Password, Keys: &l.opts.keys})
	if err != nil {
		return err
	}
	out := "<auth xmlns='" + nsSASL + "' mechanism='" + name + "'>" + encode(c.First()) + "</auth>"
	for {
		if err := l.Send([]byte(out)); err != nil {
			return err
		}
		var answer []byte
		success := false
		err := l.next(func(f *parser.Frame) error {
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(f.Element().AppendText(nil)), "="))
			switch e := f.Element(); {
			case err != nil:
				return fmt.Errorf("SASL: %w", err)
			case e.Is(nsSASL, "success"):
				success = true
				return c.Finish(data)
			case e.Is(nsSASL, "challenge"):
				answer, err = c.Next(data)
				return err
			}
			return unexpected(f, "<success/>")
		})
		if err != nil || success {
			return err
		}
		out = "<response xmlns='" + nsSASL + "'>" + encode(answer) + "</response>"
	}
}

func encode(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}
