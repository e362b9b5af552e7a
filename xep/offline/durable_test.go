package offline_test

import (
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/stanzaid"
)

// startDurable is startManaged with durable acknowledgement.
func startDurable(t *testing.T, l engine.Limits, store storage.Driver) *enginetest.Server {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Store: store, Limits: l, DurableAck: true,
		Extensions: enginetest.All(presence, stanzaid.Register, offline.New(many))})
	s.AddUser("alice@localhost", "secret")
	s.AddUser("bob@localhost", "secret")
	return s
}

// asksFor sends <r/> and takes the answer.
func (c *client) asksFor(h int) {
	c.t.Helper()
	c.send("<r xmlns='urn:xmpp:sm:3'/>")
	c.expectAck(h)
}

// expectAck takes what acknowledges h stanzas. What is asked for is answered within a
// second, with less if need be, and the rest follows: a slow machine may see both.
func (c *client) expectAck(h int) {
	c.t.Helper()
	for {
		r := c.answer()
		got, err := strconv.Atoi(r.H)
		if r.XMLName.Local != "a" || err != nil || got > h {
			c.t.Fatalf("got %+v, want h=%d", r, h)
		}
		if got == h {
			return
		}
	}
}

func (c *client) acks(h int) { c.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h) }

// online is a session with presence and stream management.
func online(t *testing.T, s *enginetest.Server, user, resource string) *client {
	t.Helper()
	c := login(t, s.Dial(), user, resource)
	c.manage()
	c.send("<presence/>")
	c.sync()
	c.acks(1) // or it would be asked, sooner or later
	return c
}

// keptFor is the number of messages in bob's store.
func keptFor(t *testing.T, store storage.Driver) int {
	t.Helper()
	res := store.Read(&storage.Op{Kind: storage.Scan, Owner: "bob@localhost", Collection: "offline"})
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	return len(res.Items)
}

func waitKept(t *testing.T, store storage.Driver, want int) {
	t.Helper()
	await.Equal(t, "stored messages", func() int { return keptFor(t, store) }, want)
}

// What the recipient acknowledges soon is acknowledged without being stored.
func TestDurableRecipientAcknowledges(t *testing.T) {
	store := memory.New(memory.Options{})
	s := startDurable(t, engine.Limits{}, store)
	alice, bob := online(t, s, "alice", "a"), online(t, s, "bob", "b")
	bob.acks(1)
	slow := uint64(0) // messages that may have been stored: bob had 250 ms to acknowledge them
	for n := range 20 {
		began := time.Now()
		alice.chat("bob@localhost", n, n+1, "hello")
		bob.expect(n, n+1)
		if r := bob.next(); r.XMLName.Local != "r" {
			t.Fatalf("got %+v, want a request", r)
		}
		bob.acks(n + 2)
		alice.asksFor(n + 3)
		if time.Since(began) >= 250*time.Millisecond {
			slow++
		}
	}
	// What is of a kind that is not stored is not waited for.
	alice.send("<message to='bob@localhost' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
	alice.send("<message to='bob@localhost/b' type='headline'><body>x</body></message>")
	alice.asksFor(24)
	if n := s.Stats().KeptTotal; n > slow {
		t.Errorf("%d messages were stored, of which %d were acknowledged late", n, slow)
	}
}

// gatedOffline has changes to stored messages stand at the gate while gated is set.
func gatedOffline(inner storage.Driver, gate *storagetest.Gate, gated *atomic.Bool) storage.Driver {
	return storagetest.NewFaulty(inner, storagetest.Faults{Apply: func(ops []*storage.Op) error {
		if gated.Load() && ops[0].Batch.Steps[0].Collection == "offline" {
			gate.Wait()
		}
		return nil
	}})
}

// A recipient that says nothing: its messages are stored, and only then
// acknowledged to the sender, in one go for all that it asked for.
func TestDurableRecipientIsSilent(t *testing.T) {
	gate := storagetest.NewGate()
	var gated atomic.Bool
	inner := memory.New(memory.Options{})
	store := gatedOffline(inner, gate, &gated)
	s := startDurable(t, engine.Limits{}, store)
	alice, bob := online(t, s, "alice", "a"), online(t, s, "bob", "b")
	gated.Store(true)
	alice.chat("bob@localhost", 0, 1, "hello")
	alice.send("<r xmlns='urn:xmpp:sm:3'/>")
	gate.Arrived()
	gated.Store(false)
	wantNoAck(t, alice, 3)
	gate.Pass()
	alice.expectAck(3)
	waitKept(t, inner, 1)
	alice.chat("bob@localhost", 1, 4, "hello")
	alice.asksFor(6)
	waitKept(t, inner, 4)
	bob.expect(0, 4)
	bob.acks(3)
	waitKept(t, inner, 2)
	bob.acks(5)
	waitKept(t, inner, 0)
	again := login(t, s.Dial(), "bob", "again")
	again.send("<presence/>")
	again.sync()
}

// A message that is on its way into the store when the session that has it ends is
// acknowledged to its sender when it is stored, and not before.
func TestDurableRecipientEndsWhileItIsStored(t *testing.T) {
	gate := storagetest.NewGate()
	var gated atomic.Bool
	store := gatedOffline(memory.New(memory.Options{}), gate, &gated)
	s := startDurable(t, engine.Limits{}, store)
	alice, bob := online(t, s, "alice", "a"), online(t, s, "bob", "b")
	gated.Store(true)
	alice.chat("bob@localhost", 0, 1, "hello")
	bob.expect(0, 1)
	gate.Arrived() // bob has not acknowledged it in time
	gated.Store(false)
	bob.send("</stream:stream>")
	if _, err := io.Copy(io.Discard, bob.conn); err != nil {
		t.Fatal(err)
	}
	alice.send("<r xmlns='urn:xmpp:sm:3'/>")
	wantNoAck(t, alice, 3)
	gate.Pass()
	alice.expectAck(3)
	again := login(t, s.Dial(), "bob", "b")
	again.send("<presence/>")
	again.expect(0, 1)
	again.sync()
}

// The commit of what a silent client has had for a while waits for others; that of
// a message for who is detached or offline, which nobody has, does not.
func TestDurableCommitsInNoHurry(t *testing.T) {
	puts := make(chan time.Duration, 3)
	store := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func(ops []*storage.Op) error {
		for _, op := range ops {
			if len(op.Batch.Steps) > 0 && op.Batch.Steps[0].Collection == "offline" && op.Batch.Steps[0].Kind == storage.Put {
				puts <- op.Patience
			}
		}
		return nil
	}})
	s := startDurable(t, engine.Limits{}, store)
	s.AddUser("carol@localhost", "secret")
	alice, bob := online(t, s, "alice", "a"), online(t, s, "bob", "b")
	alice.chat("bob@localhost", 0, 1, "hello")
	if got := <-puts; got <= 0 {
		t.Errorf("silent: the commit waits for %v", got)
	}
	_ = bob.conn.Close()
	await.Equal(t, "detached sessions", func() int { return int(s.Stats().Detached) }, 1)
	for i, to := range []string{"bob@localhost", "carol@localhost"} {
		alice.chat(to, 1+i, 2+i, "hello")
		if got := <-puts; got != 0 {
			t.Errorf("%s: the commit waits for %v", to, got)
		}
	}
}

// An <r/> is answered in time even if nothing can be stored, with what is
// handled; and again when there is more.
func TestDurableAnswersInTime(t *testing.T) {
	var full atomic.Bool
	store := storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Full: full.Load})
	s := startDurable(t, engine.Limits{UnackedStanzas: 10_000, UnackedBytes: 16 << 20}, store)
	alice, bob := online(t, s, "alice", "a"), online(t, s, "bob", "b")
	full.Store(true)
	alice.chat("bob@localhost", 0, 1, "hello")
	alice.asksFor(2)
	bob.expect(0, 1)
	bob.acks(2)
	alice.expectAck(3)

	// While nothing can be stored, what is held is bounded, and the sender is read.
	const most = 4096
	go func() { _, _ = io.Copy(io.Discard, bob.conn) }()
	go alice.chat("bob@localhost", 0, most+5, "x")
	refused := 0
	for refused < 5 {
		if r := alice.answer(); r.Type == "error" && r.ID == strconv.Itoa(most+refused) {
			refused++
		} else {
			t.Fatalf("got %+v", r)
		}
	}
	full.Store(false)
	alice.send("<r xmlns='urn:xmpp:sm:3'/>")
	for r := alice.answer(); r.H != strconv.Itoa(most+3+5); r = alice.answer() {
		if r.XMLName.Local != "a" {
			t.Fatalf("got %+v", r)
		}
	}
}

// Sessions without a connection: what they are sent is stored at once, comes to
// them if they are resumed, and else to another session, in order, once.
func TestDurableDetached(t *testing.T) {
	for _, resumed := range []bool{true, false} {
		t.Run(fmt.Sprint("resumed ", resumed), func(t *testing.T) {
			store := memory.New(memory.Options{})
			limits := engine.Limits{ResumeWindow: time.Second} // over when another session comes
			if resumed {
				limits.ResumeWindow = patience
			}
			s := startDurable(t, limits, store)
			alice := online(t, s, "alice", "a")
			bob := login(t, s.Dial(), "bob", "b")
			bob.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
			id := bob.next().ID
			bob.send("<presence/>")
			bob.sync()
			alice.chat("bob@localhost", 0, 3, "hello")
			bob.expect(0, 3)
			_ = bob.conn.Close()
			alice.chat("bob@localhost", 3, 9, "hello")
			alice.asksFor(11)
			waitKept(t, store, 9)
			if resumed {
				again := login2(t, s, "bob")
				again.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='2'/>", id)
				if r := again.next(); r.XMLName.Local != "resumed" {
					t.Fatalf("got %+v", r)
				}
				again.expect(1, 9)
				again.acks(10)
			} else {
				again := login(t, s.Dial(), "bob", "c")
				again.send("<presence/>")
				again.expect(0, 9)
				again.sync()
			}
			waitKept(t, store, 0)
		})
	}
}

// A resumption of the sender waits for what is held: nothing is sent twice.
func TestDurableSenderResumes(t *testing.T) {
	s := startDurable(t, engine.Limits{}, nil)
	bob := online(t, s, "bob", "b")
	alice := login(t, s.Dial(), "alice", "a")
	alice.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	id := alice.next().ID
	for round := range 3 {
		alice.chat("bob@localhost", round, round+1, "hello")
		for bob.next().XMLName.Local != "message" {
		}
		_ = alice.conn.Close()
		alice = login2(t, s, "alice")
		alice.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", id)
		if r := alice.next(); r.XMLName.Local != "resumed" || r.H != strconv.Itoa(round+1) {
			t.Fatalf("got %+v", r)
		}
	}
}

// A message for several sessions is stored once, and goes to none that has it.
func TestDurableSeveralTargets(t *testing.T) {
	store := memory.New(memory.Options{})
	s := startDurable(t, engine.Limits{ResumeWindow: -1}, store)
	alice := online(t, s, "alice", "a")
	one, two := online(t, s, "bob", "one"), online(t, s, "bob", "two")
	alice.chat("bob@localhost", 0, 2, "hello")
	alice.asksFor(4)
	waitKept(t, store, 2)
	for _, c := range []*client{one, two} {
		c.expect(0, 2)
	}
	_ = one.conn.Close()
	two.sync()
	waitKept(t, store, 2) // for two, now
	_ = two.conn.Close()
	three := login(t, s.Dial(), "bob", "three")
	three.send("<presence/>")
	three.expect(0, 2)
	three.sync()
}

// What the engine needs to keep messages is an extension that does.
func TestDurableNeedsAKeeper(t *testing.T) {
	_, err := engine.New(engine.Config{Store: memory.New(memory.Options{}), AllowPlaintext: true, DurableAck: true})
	if err == nil {
		t.Error("no error without an extension that stores messages")
	}
}
