package engine_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/session"
)

const nsManage = session.NSManage

// enable turns on stream management and returns the SM-ID.
func (c *client) enable() (id string) {
	c.t.Helper()
	c.send("<enable xmlns='%s' resume='true'/>", nsManage)
	return c.expect("enabled").attr("id")
}

// resume logs in as user and resumes a session.
func (s *server) resume(t testing.TB, transport, user, id string, h int) *client {
	t.Helper()
	c := s.connect(t, transport)
	c.open()
	c.authenticate(user)
	c.send("<resume xmlns='%s' previd='%s' h='%d'/>", nsManage, id, h)
	return c
}

// expectFailed takes <failed/> with a condition, and returns its h.
func (c *client) expectFailed(condition string) string {
	c.t.Helper()
	n := c.expect("failed")
	if n.XMLName.Space != nsManage || n.child(condition).XMLName.Space != nsStanzas {
		c.t.Fatalf("got %s, want %s", n, condition)
	}
	return n.attr("h")
}

// expectBodies takes messages with the bodies from, from+1 … until to is reached.
func (c *client) expectBodies(from, to int) (last *node) {
	c.t.Helper()
	for i := from; i < to; i++ {
		n := c.next()
		for n.XMLName.Space == nsManage {
			n = c.next()
		}
		if body := n.child("body").Text; body != strconv.Itoa(i) {
			c.t.Fatalf("%s: got %s, want message %d", c.jid, n, i)
		}
		last = n
	}
	return last
}

func (c *client) sendBodies(to string, from, end int) {
	c.t.Helper()
	var b strings.Builder
	for i := from; i < end; i++ {
		fmt.Fprintf(&b, "<message to='%s' type='chat' id='%d'><body>%d</body></message>", to, i, i)
	}
	c.send("%s", b.String())
}

// waitDetached waits until as many sessions are detached.
func (s *server) waitDetached(t testing.TB, n int64) {
	t.Helper()
	await.Equal(t, "detached sessions", func() int64 { return s.Stats().Detached }, n)
}

// A session is resumed by any kind of connection, on its loop and on another
// one; what was sent meanwhile comes in order, and both ways are open again.
func TestXEP0198_5_Resume(t *testing.T) {
	s := serve(t, nil)
	bob := s.login(t, "pipe", "bob", "b")
	for _, first := range transports {
		for _, second := range transports {
			t.Run(first+" to "+second, func(t *testing.T) {
				bob.renew(t)
				for range 6 { // some of them meet the other loop
					alice := s.login(t, first, "alice", "a")
					alice.send("<presence/>")
					id := alice.enable()
					bob.sendBodies(alice.jid, 0, 3)
					alice.expectBodies(0, 3)
					alice.send("<message to='%s'><body>x</body></message>", bob.jid)
					bob.expect("message")
					_ = alice.conn.Close()
					s.waitDetached(t, 1)
					bob.sendBodies(alice.jid, 3, 6)
					bob.expectNothing()
					again := s.resume(t, second, "alice", id, 2)
					if n := again.expect("resumed"); n.attr("h") != "1" || n.attr("previd") != id {
						t.Fatalf("got %s", n)
					}
					again.jid = alice.jid
					again.expectBodies(2, 6)
					bob.sendBodies(alice.jid, 6, 40)
					again.expectBodies(6, 40)
					again.send("<message to='%s'><body>y</body></message><r xmlns='%s'/>", bob.jid, nsManage)
					bob.expect("message")
					n := again.next()
					for n.XMLName.Local != "a" {
						n = again.next()
					}
					if n.attr("h") != "2" {
						t.Fatalf("got %s", n)
					}
					again.send("<a xmlns='%s' h='40'/></stream:stream>", nsManage)
					again.expectEnd()
				}
			})
		}
	}
	if n := s.Stats().ResumedTotal; n != 6*9 {
		t.Errorf("%d resumptions counted", n)
	}
}

// XEP-0198 §5: the old stream, when still open, ends with conflict.
func TestXEP0198_5_ResumeWhileConnected(t *testing.T) {
	s := serve(t, nil)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			for i := range 4 {
				bob := s.login(t, transport, "bob", "b")
				alice := s.login(t, transport, "alice", fmt.Sprint(transport, i))
				id := alice.enable()
				bob.sendBodies(alice.jid, 0, 2)
				alice.expectBodies(0, 2)
				again := s.resume(t, transport, "alice", id, 0)
				again.expect("resumed")
				again.expectBodies(0, 2)
				alice.send("<message to='%s'><body>lost</body></message>", bob.jid)
				alice.expectStreamError("conflict")
				bob.sendBodies(alice.jid, 2, 4)
				again.expectBodies(2, 4)
				third := s.resume(t, transport, "alice", id, 4)
				third.expect("resumed")
				third.jid = alice.jid
				third.chats(bob, "from the third connection")
			}
		})
	}
}

func TestXEP0198_5_ResumeFails(t *testing.T) {
	s := serve(t, nil)
	alice := s.login(t, "tcp", "alice", "a")
	id := alice.enable()
	for _, c := range []struct{ name, user, id string }{
		{"another account", "bob", id},
		{"wrong secret", "alice", id[:len(id)-1] + "?"},
		{"wrong handle", "alice", "ffffffffffffffff" + id[16:]},
		{"another slot", "alice", "0000000000ffffff" + id[16:]},
		{"no id of ours", "alice", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			again := s.resume(t, "tcp", c.user, c.id, 0)
			if h := again.expectFailed("item-not-found"); h != "" {
				t.Errorf("h %q", h)
			}
			again.bind("r") // XEP-0198 §5: it may bind a resource instead
		})
	}
	again := s.resume(t, "tcp", "alice", id, 1)
	again.expectStreamError("undefined-condition")
	bob := s.login(t, "tcp", "bob", "b")
	bob.sendBodies(alice.jid, 0, 2)
	alice.expectBodies(0, 2)
	alice.send("<a xmlns='%s' h='2'/><a xmlns='%s' h='1'/>", nsManage, nsManage) // the second one was late
	alice.sync()
	again = s.resume(t, "tcp", "alice", id, 1) // the client has lost what it had
	if h := again.expectFailed("item-not-found"); h != "1" {
		t.Errorf("h %q of a session that cannot go on", h)
	}
	again.bind("r")
	alice.send("<message type='headline' to='bob@localhost/gone'/></stream:stream>")
	alice.expectEnd()
	again = s.resume(t, "tcp", "alice", id, 0)
	if h := again.expectFailed("item-not-found"); h != "2" {
		t.Errorf("h %q of an ended session", h)
	}
}

// A server that allows no resumption.
func TestNoResumption(t *testing.T) {
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.ResumeWindow = -1 })
	alice := s.login(t, "tcp", "alice", "a")
	if id := alice.enable(); id != "" {
		t.Errorf("id %q", id)
	}
	s.resume(t, "tcp", "alice", "x", 0).expectFailed("feature-not-implemented")
}

// When the window ends, other resources get what was not acknowledged, with
// the time of its arrival; whoever asked something is told; and the session's
// resource is free.
func TestXEP0198_4_EndOfWindow(t *testing.T) {
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.ResumeWindow = time.Second })
	bob := s.login(t, "tcp", "bob", "b")
	other := s.login(t, "tcp", "alice", "other")
	other.send("<presence><priority>1</priority></presence>")
	other.sync()
	alice := s.login(t, "tcp", "alice", "a")
	id := alice.enable()
	bob.sendBodies(alice.jid, 0, 2)
	bob.send("<iq type='get' id='q' to='%s'><query xmlns='urn:x'/></iq><presence to='%s'/>", alice.jid, alice.jid)
	bob.sendBodies(alice.jid, 2, 4)
	alice.expectBodies(0, 2)
	alice.send("<a xmlns='%s' h='1'/>", nsManage)
	alice.sync() // the last of the stanzas that were not acknowledged
	before := time.Now()
	_ = alice.conn.Close()
	n := bob.expect("iq")
	if n.attr("id") != "q" || n.child("error").child("service-unavailable").XMLName.Local == "" {
		t.Fatalf("got %s", n)
	}
	for _, want := range []string{"1", "2", "3"} {
		n := other.expect("message")
		delay := n.child("delay")
		at, err := time.Parse(time.RFC3339, delay.attr("stamp"))
		if n.child("body").Text != want || delay.attr("from") != "localhost" || err != nil || at.After(before) {
			t.Fatalf("got %s, want message %s, delayed", n, want)
		}
	}
	other.expectNothing()
	if h := s.resume(t, "tcp", "alice", id, 0).expectFailed("item-not-found"); h != "1" {
		t.Errorf("h %q", h)
	}
}

// A message that went to two resources is not given again to the one that has
// it when the other one ends.
func TestNoDuplicateForOtherTargets(t *testing.T) {
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.ResumeWindow = -1 })
	bob := s.login(t, "tcp", "bob", "b")
	one := s.login(t, "tcp", "alice", "one")
	two := s.login(t, "tcp", "alice", "two")
	for _, c := range []*client{one, two} {
		c.send("<presence/>")
		c.enable()
		c.sync()
	}
	bob.sendBodies("alice@localhost", 0, 3)
	bob.sendBodies(one.jid, 3, 4)
	one.expectBodies(0, 4)
	_ = one.conn.Close()
	two.expectBodies(0, 4) // the last one is for the other resource only: it is routed again
	two.expectNothing()
}

// Passing a bound of the queue ends the session as the end of the window does.
func TestUnackedBound(t *testing.T) {
	for _, detached := range []bool{false, true} {
		t.Run(fmt.Sprint("detached ", detached), func(t *testing.T) {
			s := serve(t, func(cfg *engine.Config) { cfg.Limits.UnackedStanzas = 100 })
			bob := s.login(t, "tcp", "bob", "b")
			other := s.login(t, "tcp", "alice", "other")
			other.send("<presence/>")
			other.sync()
			alice := s.login(t, "tcp", "alice", "a")
			alice.enable()
			if detached {
				_ = alice.conn.Close()
				s.waitDetached(t, 1)
			}
			bob.sendBodies(alice.jid, 0, 150) // some come when it has ended
			other.expectBodies(0, 150)
			other.expectNothing()
			if !detached {
				alice.expectBodies(0, 100)
				alice.expectStreamError("resource-constraint")
			}
			s.waitDetached(t, 0)
		})
	}
}

// Detached sessions do not lock an account out: the oldest ones give way.
func TestDetachedSessionsGiveWay(t *testing.T) {
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.DetachedPerUser, cfg.Limits.SessionsPerUser = 3, 4 })
	ids := make([]string, 6)
	for i := range ids {
		c := s.login(t, "tcp", "alice", fmt.Sprint("r", i))
		ids[i] = c.enable()
		_ = c.conn.Close()
		s.waitDetached(t, int64(min(i+1, 3)))
	}
	s.login(t, "tcp", "alice", "x").enable()
	s.login(t, "tcp", "alice", "y").enable() // the fifth: one gives way
	s.waitDetached(t, 2)
	for i, id := range ids {
		c := s.resume(t, "tcp", "alice", id, 0)
		if n := c.next(); (n.XMLName.Local == "resumed") != (i >= 4) {
			t.Errorf("session %d: %s", i, n)
		}
	}
}

// A session that is detached ends when its resource is bound anew, when it is
// kicked, and when the engine stops.
func TestDetachedSessionEnds(t *testing.T) {
	t.Parallel() // it waits
	s := serve(t, nil)
	for range 2 {
		c := s.login(t, "tcp", "alice", "a")
		c.enable()
		_ = c.conn.Close()
		s.waitDetached(t, 1)
	}
	s.login(t, "tcp", "alice", "a")
	s.waitDetached(t, 0)
	c := s.login(t, "tcp", "bob", "b")
	c.enable()
	_ = c.conn.Close()
	s.waitDetached(t, 1)
	s.shutdown(t)
	if n := s.Stats().Sessions; n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// A session that ends while a client waits to resume it, as a message of it is not dealt
// with yet, is not there: the client is told so, and may bind instead.
func TestXEP0198_5_SessionEndsWhileAResumptionWaits(t *testing.T) {
	s := serve(t, durable)
	s.SetKeepAfter(time.Hour)
	s.create(t, "alice@localhost", "bob@localhost")
	alice, bob := s.loginAs(t, durable, "alice", "a"), s.login(t, "pipe", "bob", "b")
	id := bob.enable()
	bob.send("<message to='%s' type='chat'><body>x</body></message>", alice.jid)
	alice.expect("message")
	_ = bob.conn.Close()
	s.waitDetached(t, 1)
	waiting := s.resume(t, "pipe", "bob", id, 0)
	s.login(t, "pipe", "bob", "b")
	waiting.expectFailed("item-not-found")
	waiting.bind("c")
}
