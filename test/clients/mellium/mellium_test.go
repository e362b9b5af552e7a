//go:build clients

package mellium_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	"mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stanza"
)

const password = "secret" // of all accounts

// entries are the two ways into a server.
var entries = []struct {
	name     string
	variable string // environment: HOST:PORT
	direct   bool   // TLS at once
}{
	{"STARTTLS", "XYLEM_C2S", false},
	{"DirectTLS", "XYLEM_C2S_TLS", true},
}

func tlsConfig(t *testing.T) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(os.Getenv("XYLEM_CA"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("XYLEM_CA holds no certificate")
	}
	return &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"xmpp-client"}}
}

// dial logs in; without a resource in address the server makes one.
func dial(ctx context.Context, t *testing.T, entry int, address, secret string, mechanisms ...sasl.Mechanism) (*xmpp.Session, error) {
	t.Helper()
	e := entries[entry]
	cfg := tlsConfig(t)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", os.Getenv(e.variable))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	features := []xmpp.StreamFeature{xmpp.SASL("", secret, mechanisms...), xmpp.BindResource()}
	rw := conn
	if e.direct {
		secure := tls.Client(conn, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			t.Fatal(err)
		}
		rw = secure
	} else {
		cfg.NextProtos = nil
		features = append([]xmpp.StreamFeature{xmpp.StartTLS(cfg)}, features...)
	}
	return xmpp.NewClientSession(ctx, jid.MustParse(address), rw, features...)
}

// client is a logged-in session whose messages arrive in a channel.
type client struct {
	*xmpp.Session
	messages chan message
}

type message struct {
	stanza.Message
	Body  string    `xml:"body"`
	Delay *struct{} `xml:"urn:xmpp:delay delay"` // stored while nobody was there, by a test before this one
}

func login(ctx context.Context, t *testing.T, entry int, address string, mechanisms ...sasl.Mechanism) *client {
	t.Helper()
	if len(mechanisms) == 0 {
		mechanisms = []sasl.Mechanism{sasl.ScramSha256Plus, sasl.ScramSha256, sasl.ScramSha1}
	}
	s, err := dial(ctx, t, entry, address, password, mechanisms...)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	c := &client{Session: s, messages: make(chan message, 1000)}
	served := make(chan error, 1)
	go func() { served <- s.Serve(xmpp.HandlerFunc(c.handle)) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", address, err)
		}
		<-served
	})
	if err := s.Send(ctx, stanza.Presence{}.Wrap(nil)); err != nil {
		t.Fatal(err)
	}
	return c
}

// handle takes messages; IQs that it leaves alone the library answers with an error.
func (c *client) handle(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
	if start.Name.Local != "message" {
		return nil
	}
	var m message
	d := xml.NewTokenDecoder(xmlstream.MultiReader(xmlstream.Token(*start), t))
	if err := d.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if m.Delay == nil {
		c.messages <- m
	}
	return nil
}

func (c *client) say(ctx context.Context, to jid.JID, body string) error {
	text := xmlstream.Wrap(xmlstream.Token(xml.CharData(body)), xml.StartElement{Name: xml.Name{Local: "body"}})
	return c.Send(ctx, stanza.Message{To: to, Type: stanza.ChatMessage}.Wrap(text))
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestLogin(t *testing.T) {
	for i, e := range entries {
		for _, m := range []sasl.Mechanism{sasl.ScramSha256Plus, sasl.ScramSha256, sasl.ScramSha1Plus, sasl.ScramSha1, sasl.Plain} {
			t.Run(e.name+"/"+m.Name, func(t *testing.T) {
				c := login(limited(t), t, i, "alice@localhost", m)
				if got := c.LocalAddr(); got.Bare().String() != "alice@localhost" || got.Resourcepart() == "" {
					t.Errorf("bound to %s", got)
				}
				if c.ConnectionState().Version != tls.VersionTLS13 {
					t.Errorf("TLS version %x", c.ConnectionState().Version)
				}
			})
		}
	}
}

func TestWrongPassword(t *testing.T) {
	for i, e := range entries {
		t.Run(e.name, func(t *testing.T) {
			_, err := dial(limited(t), t, i, "alice@localhost", "guess", sasl.ScramSha256, sasl.ScramSha1)
			if err == nil {
				t.Fatal("let in with a wrong password")
			}
			if err.Error() == "" || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) {
				t.Errorf("refused without saying so: %v", err)
			}
			t.Log(err)
		})
	}
}

func TestMessages(t *testing.T) {
	for i, e := range entries {
		t.Run(e.name, func(t *testing.T) {
			ctx := limited(t)
			alice, bob := login(ctx, t, i, "alice@localhost"), login(ctx, t, 1-i, "bob@localhost")
			const n = 100
			for k := range n {
				if err := alice.say(ctx, bob.LocalAddr(), fmt.Sprintf("%d Привет 🌍 <&>", k)); err != nil {
					t.Fatal(err)
				}
			}
			for k := range n {
				m := next(ctx, t, bob)
				if want := fmt.Sprintf("%d Привет 🌍 <&>", k); m.Body != want || !m.From.Equal(alice.LocalAddr()) {
					t.Fatalf("%q from %s, want %q from %s", m.Body, m.From, want, alice.LocalAddr())
				}
			}
		})
	}
}

func next(ctx context.Context, t *testing.T, c *client) message {
	t.Helper()
	select {
	case m := <-c.messages:
		return m
	case <-ctx.Done():
		t.Fatalf("%s: no message: %v", c.LocalAddr(), ctx.Err())
	}
	panic("unreachable")
}

func TestIQ(t *testing.T) {
	ctx := limited(t)
	alice, bob := login(ctx, t, 0, "alice@localhost"), login(ctx, t, 1, "bob@localhost")
	nowhere, err := bob.LocalAddr().WithResource("nowhere")
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]jid.JID{
		"Server": jid.MustParse("localhost"), "OwnAccount": {}, "OtherClient": bob.LocalAddr(), "NoSuchResource": nowhere,
	} {
		t.Run(name, func(t *testing.T) {
			payload := xmlstream.Wrap(nil, xml.StartElement{Name: xml.Name{Space: "urn:xylem:test:unknown", Local: "query"}})
			err := alice.UnmarshalIQElement(ctx, payload, stanza.IQ{Type: stanza.GetIQ, To: to}, nil)
			var se stanza.Error
			if !errors.As(err, &se) || se.Condition != stanza.ServiceUnavailable && se.Condition != stanza.FeatureNotImplemented {
				t.Errorf("answer %v, want service-unavailable", err)
			}
		})
	}
}
