package offline_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/offline"
)

// startManaged runs a server with the accounts alice and bob.
func startManaged(t *testing.T, l engine.Limits, store storage.Driver) *enginetest.Server {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Store: store, Limits: l,
		Extensions: enginetest.All(presence, offline.New(many))})
	s.AddUser("alice@localhost", "secret")
	s.AddUser("bob@localhost", "secret")
	return s
}

// manage turns on stream management.
func (c *client) manage() {
	c.t.Helper()
	c.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	if r := c.next(); r.XMLName.Local != "enabled" {
		c.t.Fatalf("got %+v", r)
	}
}

// expectAsked is expect, between requests for acknowledgements: one at least, at the
// latest behind the last message.
func (c *client) expectAsked(from, end int) {
	c.t.Helper()
	asked := 0
	for n := from; n < end; n++ {
		r := c.next()
		for ; r.XMLName.Local == "r"; r = c.next() {
			asked++
		}
		if r.ID != strconv.Itoa(n) {
			c.t.Fatalf("message %d: %+v", n, r)
		}
	}
	if asked == 0 {
		if r := c.next(); r.XMLName.Local != "r" {
			c.t.Fatalf("got %+v, want a request for an acknowledgement", r)
		}
	}
}

// A stored message is removed when its recipient has acknowledged it, not when
// it was written.
func TestStoredUntilAcknowledged(t *testing.T) {
	s := startManaged(t, engine.Limits{ResumeWindow: -1}, nil)
	alice := login(t, s.Dial(), "alice", "a")
	const count = 300
	alice.chat("bob@localhost", 0, count, "hello")
	alice.sync()
	for round, first := range []int{0, 0, 128} {
		bob := login(t, s.Dial(), "bob", "b")
		bob.manage()
		bob.send("<presence/>")
		bob.expectAsked(first, first+128) // one page, then it waits
		switch round {
		case 0: // gone without a word
		case 1:
			bob.send("<a xmlns='urn:xmpp:sm:3' h='128'/>")
			bob.expectAsked(128, 256)
		default:
			bob.send("<a xmlns='urn:xmpp:sm:3' h='128'/>")
			bob.expectAsked(256, count)
			bob.send("<a xmlns='urn:xmpp:sm:3' h='172'/>")
		}
		_ = bob.conn.Close()
	}
	bob := login(t, s.Dial(), "bob", "c")
	bob.send("<presence/>")
	bob.sync()
}

// What a client has acknowledged of a page does not come again, the rest does.
func TestPageAcknowledgedInPart(t *testing.T) {
	s := startManaged(t, engine.Limits{ResumeWindow: -1}, nil)
	alice := login(t, s.Dial(), "alice", "a")
	const count = 200
	alice.chat("bob@localhost", 0, count, "hello")
	alice.sync()
	first := 0
	for _, h := range []int{1, 0, 100, 30, 128} {
		bob := login(t, s.Dial(), "bob", "b")
		bob.manage()
		bob.send("<presence/>")
		bob.expectAsked(first, min(first+128, count))
		bob.send("<a xmlns='urn:xmpp:sm:3' h='%d'/><iq type='get' id='sync' to='localhost'><x xmlns='urn:x'/></iq>", min(h, count-first))
		for n := bob.next(); n.ID != "sync"; n = bob.next() { // the acknowledgement was taken
			if h < 128 && n.XMLName.Local == "message" {
				t.Fatalf("after %d: %+v", first+h, n)
			}
		}
		first = min(first+h, count)
		_ = bob.conn.Close()
	}
	if first != count {
		t.Fatalf("%d of %d messages were taken", first, count)
	}
	bob := login(t, s.Dial(), "bob", "c")
	bob.send("<presence/>")
	bob.sync()
}

// What a session did not acknowledge when its window ended is stored, in order,
// once, with the time of its arrival.
func TestEndOfWindowIsStored(t *testing.T) {
	s := startManaged(t, engine.Limits{ResumeWindow: time.Second}, nil)
	alice := login(t, s.Dial(), "alice", "a")
	alice.chat("bob@localhost", 0, 3, "stored before")
	alice.sync()
	bob := login(t, s.Dial(), "bob", "b")
	bob.manage()
	bob.send("<presence/>")
	bob.expect(0, 3)
	bob.send("<a xmlns='urn:xmpp:sm:3' h='3'/>")
	bob.sync()
	alice.chat("bob@localhost/b", 3, 6, "not acknowledged")
	bob.expect(3, 6)
	_ = bob.conn.Close()
	alice.chat("bob@localhost", 6, 9, "while it is away")
	alice.send("<iq type='get' id='asked' to='bob@localhost/b'><x xmlns='urn:x'/></iq>")
	if r := alice.next(); r.ID != "asked" || r.Type != "error" { // at the end of the window
		t.Fatalf("got %+v", r)
	}
	again := login(t, s.Dial(), "bob", "c")
	again.send("<presence/>")
	for n := 3; n < 9; n++ {
		r := again.next()
		if r.ID != string(rune('0'+n)) || r.Delay == nil || r.Delay.From != "localhost" {
			t.Fatalf("message %d: %+v", n, r)
		}
	}
	again.sync()
}

// <a/> covers a message that has to be stored only when it is stored; so does
// h of a resumption.
func TestAcknowledgementIsDurable(t *testing.T) {
	gate := storagetest.NewGate()
	var gated atomic.Bool
	s := startManaged(t, engine.Limits{}, gatedOffline(memory.New(memory.Options{}), gate, &gated))
	alice := login(t, s.Dial(), "alice", "a")
	alice.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	id := alice.next().ID
	gated.Store(true)
	alice.chat("bob@localhost", 0, 1, "hello")
	alice.send("<r xmlns='urn:xmpp:sm:3'/>")
	gate.Arrived()
	wantNoAck(t, alice, 1)
	_ = alice.conn.Close()

	again := login2(t, s, "alice")
	again.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id)
	wantNoAck(t, again, 1)
	gate.Pass()
	if r := again.next(); r.XMLName.Local != "resumed" || r.H != "1" {
		t.Fatalf("got %+v", r)
	}
	gated.Store(false)
	bob := login(t, s.Dial(), "bob", "b")
	bob.send("<presence/>")
	bob.expect(0, 1)
	bob.sync()
}

// wantNoAck waits a moment for what must not come: an acknowledgement of h stanzas,
// or anything else but one of fewer, which <r/> has for an answer after a second.
func wantNoAck(t *testing.T, c *client, h int) {
	t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var b [256]byte
	n, err := c.conn.Read(b[:])
	if got := string(b[:n]); err == nil && got != fmt.Sprintf("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h-1) || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %q, %v; want nothing", got, err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
}

// login2 logs in and binds no resource.
func login2(t *testing.T, s *enginetest.Server, user string) *client {
	t.Helper()
	conn := s.Dial()
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: t, conn: conn}
	c.open()
	c.authenticate(user)
	c.open()
	return c
}

// Nothing overtakes where messages are stored, delivered live, and given back
// by a session that ends; also to the full address of a session that takes the
// resource of one that leaves something.
func TestOrderAcrossSessions(t *testing.T) {
	for _, to := range []string{"bob@localhost", "bob@localhost/b"} {
		t.Run(to, func(t *testing.T) { orderAcrossSessions(t, to) })
	}
}

func orderAcrossSessions(t *testing.T, to string) {
	s := startManaged(t, engine.Limits{UnackedStanzas: 10_000}, nil)
	alice := login(t, s.Dial(), "alice", "a")
	const rounds, each = 8, 150
	body := strings.Repeat("x", 100)
	next := 0 // the first one that bob has not acknowledged
	for round := range rounds {
		bob := login(t, s.Dial(), "bob", "b") // takes the place of the session before
		bob.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
		got, h := next, 0
		for r := bob.next(); r.XMLName.Local != "enabled"; r = bob.next() { // to the full address, and not counted
			if r.ID != strconv.Itoa(got) {
				t.Fatalf("round %d: got %+v, want message %d", round, r, got)
			}
			got++
		}
		bob.send("<presence/>")
		alice.chat(to, round*each, (round+1)*each, body)
		for got < (round+1)*each-each/2 {
			r := bob.next()
			switch {
			case r.XMLName.Local == "r":
				bob.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h)
				next = got
			case r.ID != strconv.Itoa(got):
				t.Fatalf("round %d: got %+v, want message %d", round, r, got)
			default:
				h++
				got++
			}
		}
		bob.send("<a xmlns='urn:xmpp:sm:3' h='%d'/><iq type='get' id='sync' to='localhost'><x xmlns='urn:x'/></iq>", h)
		for bob.next().ID != "sync" { // the acknowledgement was taken
		}
		next = (round+1)*each - each/2
		_ = bob.conn.Close()
	}
}
