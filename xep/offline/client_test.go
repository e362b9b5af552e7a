package offline_test

import (
	"encoding/xml"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
)

// patience is the deadline of every wait; it is reached in failures only.
const patience = 60 * time.Second

// client is a session that is written to and read as tests of many messages
// need it; plays show the rest.
type client struct {
	t    testing.TB
	conn net.Conn
	dec  *xml.Decoder
}

// received is a stanza, as far as it matters here.
type received struct {
	XMLName   xml.Name
	ID        string `xml:"id,attr"`
	H         string `xml:"h,attr"`
	Type      string `xml:"type,attr"`
	Content   string `xml:",chardata"`
	Condition *struct {
		Text string `xml:"text"`
		Full *struct {
		} `xml:"service-unavailable"`
	} `xml:"error"`
	Delay *struct {
		From string `xml:"from,attr"`
	} `xml:"urn:xmpp:delay delay"`
}

// login opens a session of a user whose password is "secret".
func login(t testing.TB, conn net.Conn, user, resource string) *client {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn}
	t.Cleanup(func() { _ = conn.Close() })
	c.open()
	c.authenticate(user)
	c.open()
	c.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%s</resource></bind></iq>", resource)
	if r := c.next(); r.Type != "result" {
		t.Fatalf("%s: bind: %+v", user, r)
	}
	return c
}

func (c *client) authenticate(user string) {
	c.t.Helper()
	send := func(xml string) error {
		c.send("%s", xml)
		return nil
	}
	next := func() (name, text string, err error) {
		r := c.next()
		return r.XMLName.Local, r.Content, nil
	}
	if err := testsasl.Login(sasl.SCRAMSHA1, sasl.ClientConfig{Username: user, Password: "secret"}, send, next); err != nil {
		c.t.Fatalf("%s: %v", user, err)
	}
}

func (c *client) open() {
	c.t.Helper()
	c.dec = xml.NewDecoder(c.conn)
	c.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>")
	c.next() // features
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, format, args...); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next element at the first level.
func (c *client) next() received {
	c.t.Helper()
	r, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// answer is next, past requests for acknowledgements, which come when nothing was
// acknowledged for some seconds, so on a slow machine between any two elements.
func (c *client) answer() received {
	c.t.Helper()
	for {
		if r := c.next(); r.XMLName.Local != "r" {
			return r
		}
	}
}

func (c *client) read() (r received, err error) {
	err = stanzatest.Next(c.dec, &r)
	return r, err
}

// sync returns when the server has dealt with all that was sent: it answers a
// request that nobody handles. Nothing else may come before.
func (c *client) sync() {
	c.t.Helper()
	c.send("<iq type='get' id='sync' to='localhost'><x xmlns='urn:x'/></iq>")
	if r := c.answer(); r.ID != "sync" {
		c.t.Fatalf("instead of an answer: %+v", r)
	}
}

// chat sends messages with the numbers from, from+1, … to-1.
func (c *client) chat(to string, from, end int, body string) {
	c.t.Helper()
	for n := from; n < end; n++ {
		c.send("<message to='%s' type='chat' id='%d'><body>%s</body></message>", to, n, body)
	}
}

// expect reads messages with the numbers from, from+1, … end-1.
func (c *client) expect(from, end int) {
	c.t.Helper()
	for n := from; n < end; n++ {
		if r := c.answer(); r.ID != fmt.Sprint(n) {
			c.t.Fatalf("message %d: %+v", n, r)
		}
	}
}
