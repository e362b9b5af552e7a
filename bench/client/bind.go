package client

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/parser"
)

// errNoResult is an IQ that was answered by an error.
var errNoResult = errors.New("IQ error")

// bind is RFC 6120 §7 and what clients do right behind it.
func (l *login) bind(f *features) error {
	resource := ""
	if l.Account.Resource != "" {
		resource = "<resource>" + l.Account.Resource + "</resource>"
	}
	err := l.query("<iq type='set' id='bind'><bind xmlns='"+nsBind+"'>"+resource+"</bind></iq>", func(f *parser.Frame) error {
		l.JID = string(f.Element().Child(nsBind, "bind").Child(nsBind, "jid").AppendText(nil))
		if l.JID == "" {
			return unexpected(f, "a JID")
		}
		return nil
	})
	if err == nil && f.session { // COMPAT(RFC 3921 servers): the session is not marked optional
		err = l.query("<iq type='set' id='session'><session xmlns='"+nsSession+"'/></iq>", nil)
	}
	if err == nil && l.opts.StreamManagement {
		if !f.management {
			return fmt.Errorf("%w: stream management is not offered", ErrRefused)
		}
		err = l.enable()
	}
	if err == nil && l.opts.Carbons {
		err = l.query("<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>", nil)
	}
	return err
}

// roster asks for the roster.
func (l *login) roster() error {
	err := l.query("<iq type='get' id='roster'><query xmlns='"+nsRoster+"'/></iq>", nil)
	if errors.Is(err, errNoResult) {
		return nil // a server without rosters has answered, too
	}
	return err
}

// query sends an IQ and waits for its result, passing over what else the
// server sends.
func (l *login) query(xml string, take func(*parser.Frame) error) error {
	if err := l.Send([]byte(xml)); err != nil {
		return err
	}
	for {
		done := false
		err := l.next(func(f *parser.Frame) error {
			if l.manage(f) {
				return nil
			}
			switch kind, _ := f.Type(); {
			case f.Kind() != parser.Stanza || string(f.Local()) != "iq" && string(f.Namespace()) == nsStream:
				return unexpected(f, "a result")
			case string(f.Local()) == "iq" && string(kind) == "error":
				return fmt.Errorf("%w: %w", errNoResult, unexpected(f, "a result"))
			case string(f.Local()) == "iq" && string(kind) == "result":
				done = true
				if take != nil {
					return take(f)
				}
			}
			return nil
		})
		if err != nil || done {
			return err
		}
	}
}
