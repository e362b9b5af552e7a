package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
)

// patience bounds every wait, so that a fault fails and does not hang.
const patience = 60 * time.Second

// TestEmbed runs the program: two users log in over TCP, a message arrives
// stamped with its sender, and the hook has seen it.
func TestEmbed(t *testing.T) {
	address, news := start(t)

	alice := dial(t, address)
	alice.login(sasl.SCRAMSHA256, "alice", "phone")
	bob := dial(t, address)
	bob.login(sasl.SCRAMSHA1, "bob", "desk")

	alice.send(`<message to='bob@localhost/desk' type='chat' id='m1'><body>Bark &amp; leaf</body></message>`)
	got := bob.next()
	if got.XMLName.Local != "message" || got.From != "alice@localhost/phone" || got.ID != "m1" || got.Body != "Bark & leaf" {
		t.Errorf("bob got %+v", got)
	}
	if line, want := receive(t, news), "alice@localhost/phone to bob@localhost/desk: Bark & leaf\n"; line != want {
		t.Errorf("the hook told %q, want %q", line, want)
	}
}

// TestStrangers shows that the function is asked: who is not in its map,
// or has another password, does not get in.
func TestStrangers(t *testing.T) {
	address, _ := start(t)
	for _, try := range []struct{ mechanism, user, password string }{
		{sasl.Plain, "alice", "secret"}, // never offered without TLS
		{sasl.SCRAMSHA1, "alice", "guess"},
		{sasl.SCRAMSHA256, "alice", "guess"},
		{sasl.SCRAMSHA256, "mallory", "secret"},
	} {
		if dial(t, address).authenticate(try.mechanism, try.user, try.password) {
			t.Errorf("%+v: let in", try)
		}
	}
}

// TestAddressInUse: a program that cannot listen ends with the reason.
func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := serve(t.Context(), taken.Addr().String(), io.Discard); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("serve at a taken address: %v", err)
	}
}

// lines is an io.Writer that hands over each line.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// start runs the program for the time of the test and returns its address and
// what it tells from then on.
func start(t *testing.T) (address string, news lines) {
	t.Helper()
	news = make(lines, 16)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, "127.0.0.1:0", news) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	address, ok := strings.CutPrefix(receive(t, news), "listening on ")
	if !ok {
		t.Fatal("the program does not tell where it listens")
	}
	return strings.TrimSpace(address), news
}

func receive(t *testing.T, news <-chan string) string {
	t.Helper()
	select {
	case line := <-news:
		return line
	case <-time.After(patience):
		t.Fatal("no news")
		return ""
	}
}

// client is a client that knows no more of XMPP than this test needs.
type client struct {
	t    *testing.T
	conn net.Conn
	dec  *xml.Decoder
}

// element is what the server sends below <stream:stream>.
type element struct {
	XMLName xml.Name
	From    string `xml:"from,attr"`
	Type    string `xml:"type,attr"`
	ID      string `xml:"id,attr"`
	Body    string `xml:"body"`
	Text    string `xml:",chardata"`
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn}
	c.open()
	return c
}

// open sends a stream header and reads the answer up to the features.
func (c *client) open() {
	c.t.Helper()
	c.send(`<?xml version='1.0'?><stream:stream xmlns='jabber:client' ` +
		`xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>`)
	c.dec = xml.NewDecoder(c.conn)
	for {
		token, err := c.dec.Token()
		if err != nil {
			c.t.Fatal(err)
		}
		if _, ok := token.(xml.StartElement); ok {
			break
		}
	}
	if got := c.next(); got.XMLName.Local != "features" {
		c.t.Fatalf("got %+v, want features", got)
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// next reads the next element.
func (c *client) next() element {
	c.t.Helper()
	var got element
	if err := c.dec.Decode(&got); err != nil {
		c.t.Fatal(err)
	}
	return got
}

// authenticate holds a whole SASL exchange and tells whether it succeeded.
func (c *client) authenticate(mechanism, user, password string) bool {
	c.t.Helper()
	send := func(xml string) error {
		c.send(xml)
		return nil
	}
	next := func() (name, text string, err error) {
		got := c.next()
		return got.XMLName.Local, got.Text, nil
	}
	err := testsasl.Login(mechanism, sasl.ClientConfig{Username: user, Password: password}, send, next)
	if err != nil && !errors.Is(err, testsasl.ErrRefused) {
		c.t.Fatal(err)
	}
	return err == nil
}

// login authenticates, opens the second stream and binds a resource.
func (c *client) login(mechanism, user, resource string) {
	c.t.Helper()
	if !c.authenticate(mechanism, user, "secret") {
		c.t.Fatalf("%s was not let in", user)
	}
	c.open()
	c.send(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>` +
		resource + `</resource></bind></iq>`)
	if got := c.next(); got.XMLName.Local != "iq" || got.ID != "b" || got.Type != "result" {
		c.t.Fatalf("binding: %+v", got)
	}
}
