package engine_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/s2s"
)

const (
	nsDialback = "jabber:server:dialback"
	evilHeader = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='" + nsStream + "' xmlns:db='" + nsDialback +
		"' from='evil.example' to='b.example' version='1.0'>"
)

// evil is a server with a good certificate for evil.example that connects to b.
func (w *world) evil(t *testing.T, b *server) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", b.addr("s2s"), patience)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, conn)
	c.send(evilHeader)
	c.expect("features")
	c.startTLS(&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{*w.CA.For(t, "evil.example")}})
	c.dec = newDecoder(c)
	c.send(evilHeader)
	c.expect("features")
	return c
}

// proved is evil behind SASL EXTERNAL: it may speak as evil.example to b.example.
func (w *world) proved(t *testing.T, b *server) *client {
	t.Helper()
	c := w.evil(t, b)
	c.send("<auth xmlns='%s' mechanism='EXTERNAL'>=</auth>", nsSASL)
	c.expect("success")
	c.dec = newDecoder(c)
	c.send(evilHeader)
	c.expect("features")
	return c
}

// A server that was proved speaks for itself only, and harms nobody else.
func TestFederationEvil(t *testing.T) {
	w := newWorld(t)
	b := w.server(nil, "b.example", "bb.example")
	w.server(nil, "a.example")
	bob := b.as(t, "bob@b.example/2")
	for _, x := range []struct{ name, says, condition string }{
		{"lies about from", "<message from='alice@a.example' to='bob@b.example'><body>x</body></message>", "invalid-from"},
		{"speaks as us", "<message from='bob@bb.example' to='bob@b.example'><body>x</body></message>", "invalid-from"},
		{"speaks to another domain", "<message from='u@evil.example' to='bob@bb.example'><body>x</body></message>", "not-authorized"},
		{"relays", "<message from='u@evil.example' to='alice@a.example'><body>x</body></message>", "host-unknown"},
		{"garbage", "\x00\x01\x02", "not-well-formed"},
		{"too large", "<message from='u@evil.example' to='bob@b.example'>" + strings.Repeat("x", 300_000), "policy-violation"},
		{"entities", "<!DOCTYPE x [<!ENTITY y 'z'>]>", "restricted-xml"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := w.proved(t, b)
			c.send("<message from='u@evil.example' to='%s' id='good'/>", bob.jid)
			if n := bob.expect("message"); n.attr("from") != "u@evil.example" {
				t.Fatalf("bob got %s", n)
			}
			sent := make(chan struct{})
			go func() { // beside reading: the server may end the stream in the middle of it
				defer close(sent)
				_, _ = io.WriteString(c.conn, x.says)
			}()
			n, err := c.read()
			for err == nil && n.XMLName.Local != "error" {
				n, err = c.read()
			}
			if err != nil || n.child(x.condition).XMLName.Local == "" {
				t.Fatalf("got %v, %v; want %s", n, err, x.condition)
			}
			bob.expectNothing()
			_ = c.conn.Close()
			<-sent
		})
	}
}

// A key that a.example has not made does not let anybody speak for it.
func TestFederationForgedKey(t *testing.T) {
	w := newWorld(t)
	b := w.server(nil, "b.example")
	w.server(nil, "a.example")
	c := w.evil(t, b)
	c.send("<db:result from='a.example' to='b.example'>0123456789abcdef</db:result>")
	if n := c.expect("result"); n.attr("type") != "invalid" {
		t.Fatalf("got %s", n)
	}
	c.expectEnd()
}

// One who does not read costs a bounded backlog; then senders are told.
func TestFederationStalled(t *testing.T) {
	t.Parallel() // it waits
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w.Point("evil.example", enginetest.Target(l.Addr().String(), true))
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*w.CA.For(t, "evil.example")}, NextProtos: []string{"xmpp-server"}})
		_, _ = fmt.Fprintf(c, "<stream:stream xmlns='jabber:server' xmlns:stream='%s' xmlns:db='%s' from='evil.example' to='a.example' id='i' version='1.0'>"+
			"<stream:features/><db:result from='evil.example' to='a.example' type='valid'/>", nsStream, nsDialback)
		buf := make([]byte, 4096) // what is negotiated is read, and then nothing
		for seen := ""; !strings.Contains(seen, "</db:result>"); {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			seen += string(buf[:n])
		}
		_, _ = fmt.Fprint(c, "<db:result from='evil.example' to='a.example' type='valid'/>")
	}()
	a := w.server(func(c *engine.Config) { c.Federation.QueueBytes = 128 << 10 }, "a.example")
	alice := a.as(t, "alice@a.example/1")
	body, bounced := strings.Repeat("x", 8<<10), false
	for i := 0; !bounced && i < 10_000; i++ {
		alice.send("<message to='u@evil.example' id='m%d'><body>%s</body></message>", i, body)
		for _, n := range alice.sync() {
			if n.child("error").child("resource-constraint").XMLName.Local == "" {
				t.Fatalf("got %s", n)
			}
			bounced = true
		}
	}
	if !bounced {
		t.Error("everything was taken")
	}
	if n := a.Stats().OutboundBytes; n > 1<<20 {
		t.Errorf("%d bytes are held", n)
	}
}

// One who says nothing is not waited for longer than it may take, and the next
// target has its turn.
func TestFederationSilent(t *testing.T) {
	t.Parallel() // it waits
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := w.server(nil, "b.example")
	w.Point("b.example", enginetest.Target(l.Addr().String(), false), enginetest.Target(b.addr("s2s"), false))
	a := w.server(func(c *engine.Config) { c.Limits.PreAuthTime = 3 * time.Second }, "a.example")
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "late")
	if r := a.record(t, "b.example"); r.State != s2s.Connected || !strings.Contains(story(r), "connection-timeout") {
		t.Errorf("%+v\n%s", r, story(r))
	}
}

// A flood for somebody who is there arrives; the stream is slowed down, not lost.
func TestFederationFlood(t *testing.T) {
	w := newWorld(t)
	b := w.server(nil, "b.example")
	bob := b.as(t, "bob@b.example/2")
	c := w.proved(t, b)
	const count = 5000
	go func() {
		for i := range count {
			c.send("<message from='u@evil.example' to='%s' id='%d'/>", bob.jid, i)
		}
	}()
	for i := range count {
		if n := bob.expect("message"); n.attr("id") != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", n, i)
		}
	}
}
