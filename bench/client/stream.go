package client

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/parser"
)

// Namespaces of the negotiation.
const (
	nsClient     = "jabber:client"
	nsTLS        = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL       = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind       = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession    = "urn:ietf:params:xml:ns:xmpp-session"
	nsStream     = "http://etherx.jabber.org/streams"
	nsManagement = "urn:xmpp:sm:3"
	nsRoster     = "jabber:iq:roster"
)

// ErrRefused is wrapped by errors about something that the server said no to.
var ErrRefused = errors.New("refused by the server")

// features are what matters of <stream:features/>.
type features struct {
	startTLS, session, management bool
	mechanisms                    []string
	mechanisms2                   []string // of SASL2
}

// open begins a stream (RFC 6120 §4.2) and returns what is offered.
func (l *login) open() (*features, error) {
	l.restart()
	if err := l.Send([]byte(l.header())); err != nil {
		return nil, err
	}
	if err := l.greeted(); err != nil {
		return nil, err
	}
	var got features
	return &got, l.next(func(f *parser.Frame) error {
		if !f.Element().Is(nsStream, "features") {
			return unexpected(f, "stream features")
		}
		for e := range f.Element().Children() {
			got.take(e)
		}
		return nil
	})
}

// take notes one of the features.
func (got *features) take(e parser.Element) {
	switch {
	case e.Is(nsTLS, "starttls"):
		got.startTLS = true
	case e.Is(nsSession, "session"):
		got.session = e.Child("", "optional").IsZero()
	case e.Is(nsManagement, "sm"):
		got.management = true
	case e.Is(nsSASL, "mechanisms"):
		for m := range e.Children() {
			got.mechanisms = append(got.mechanisms, string(m.AppendText(nil)))
		}
	case e.Is(nsSASL2, "authentication"):
		for m := range e.Children() {
			if string(m.Local()) == "mechanism" {
				got.mechanisms2 = append(got.mechanisms2, string(m.AppendText(nil)))
			}
		}
	}
}

// restart expects a new stream.
func (l *login) restart() {
	l.stream = parser.Stream{}
	l.stream.SetLimits(l.opts.stanzaLimits())
}

func (l *login) header() string {
	return "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream +
		"' version='1.0' to='" + l.opts.Domain + "'>"
}

// greeted takes the server's stream header.
func (l *login) greeted() error {
	return l.next(func(f *parser.Frame) error {
		if f.Kind() != parser.StreamOpen {
			return unexpected(f, "a stream header")
		}
		return nil
	})
}

// next waits for one frame. It reads no further than that, because TLS may
// begin behind it.
func (l *login) next(take func(*parser.Frame) error) error {
	for {
		var inner error
		done, err := l.scan(func(f *parser.Frame) bool {
			inner = take(f)
			return false
		})
		if done {
			return inner
		}
		if err == nil {
			err = l.fill()
		}
		if err != nil {
			return err
		}
	}
}

// request sends and waits for the named element, which it gives to take. Once a resource
// is bound, others may write to it before the answer: that is passed over.
func (l *login) request(xml, namespace, local string, take func(*parser.Frame) error) error {
	if err := l.Send([]byte(xml)); err != nil {
		return err
	}
	for {
		passed := false
		err := l.next(func(f *parser.Frame) error {
			switch {
			case f.Element().Is(namespace, local):
				if take != nil {
					return take(f)
				}
				return nil
			case l.JID != "" && f.Kind() == parser.Stanza && string(f.Namespace()) == nsClient:
				passed = true
				return nil
			}
			return unexpected(f, "<"+local+"/>")
		})
		if err != nil || !passed {
			return err
		}
	}
}

func unexpected(f *parser.Frame, want string) error {
	raw := string(f.Raw())
	if len(raw) > 300 {
		raw = raw[:300] + "…"
	}
	if f.Kind() == parser.StreamClose {
		raw = "the end of the stream"
	}
	return fmt.Errorf("%w: want %s, got %s", ErrRefused, want, raw)
}
