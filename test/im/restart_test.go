package im_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// survivor is a store that outlives the engine that has it.
type survivor struct{ storage.Driver }

func (survivor) Close() error { return nil }

// lasting is what servers share that run one after the other.
type lasting struct {
	t      *testing.T
	store  *memory.Driver
	wrap   func(storage.Driver) storage.Driver
	limits engine.Limits
}

func (l *lasting) start() *server {
	l.t.Helper()
	s := start(l.t, func(storage.Driver) storage.Driver {
		if l.wrap != nil {
			return survivor{l.wrap(l.store)}
		}
		return survivor{l.store}
	}, engine.Config{Auth: anybody{l.store}, Limits: l.limits, DurableAck: true})
	s.store = l.store
	return s
}

// stop ends a server as SIGTERM does, while these clients are connected.
func (s *server) stop(connected ...*client) {
	s.t.Helper()
	for _, c := range connected {
		go func() {
			for _, err := c.read(); err == nil; _, err = c.read() {
			}
			_ = c.conn.Close()
		}()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// managed is a client with stream management.
type managed struct {
	*client
	id string
	in int // stanzas received since <enable/>
}

func (s *server) loginManaged(full, more string) *managed {
	s.t.Helper()
	c := s.login(full, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
	_, e := c.until(func(e *element) bool { return e.is("enabled") })
	m := &managed{client: c, id: e.attr("id")}
	m.send("%s", more)
	m.take()
	return m
}

// take returns the stanzas that came before the server had dealt with all that
// m sent.
func (m *managed) take() (stanzas []*element) {
	m.t.Helper()
	for _, e := range m.sync() {
		if e.XMLName.Space == "jabber:client" {
			m.in++
			stanzas = append(stanzas, e)
		}
	}
	m.in++ // the answer
	return stanzas
}

func (m *managed) ack(h int) { m.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>", h) }

// resume goes on with the session on a new connection, to s.
func (m *managed) resume(s *server, h int) *managed {
	m.t.Helper()
	again := s.reconnect(m.jid)
	again.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>", m.id, h)
	_, e := again.until(func(e *element) bool { return e.is("resumed") || e.is("failed") })
	if !e.is("resumed") {
		m.t.Fatalf("%s: %s", m.jid, e)
	}
	return &managed{client: again, id: m.id, in: h}
}

// reconnect logs in and binds nothing.
func (s *server) reconnect(full string) *client {
	s.t.Helper()
	local, _, _ := strings.Cut(full, "@")
	c := &client{t: s.t, jid: full, conn: s.Dial(), n: 1000}
	s.t.Cleanup(func() { _ = c.conn.Close() })
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c.dec = newDecoder(c.conn)
	open := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
	c.send("%s", open)
	c.authenticate(local)
	c.send("%s", open)
	c.until(func(e *element) bool { return e.is("features") })
	return c
}

// wantMessages wants messages with the ids from, from+1 … end-1 among what m
// takes, and nothing else with a body.
func wantMessages(t testing.TB, stanzas []*element, from, end int) {
	t.Helper()
	next := from
	for _, e := range stanzas {
		if !e.is("message") {
			continue
		}
		if e.attr("id") != strconv.Itoa(next) {
			t.Fatalf("got %s, want message %d", e, next)
		}
		next++
	}
	if next != end {
		t.Fatalf("got messages up to %d, want %d: %v", next, end, stanzas)
	}
}

// expectMessages takes messages with the ids from, from+1 … end-1, whatever
// comes between.
func (c *client) expectMessages(from, end int) {
	c.t.Helper()
	before, last := c.until(func(e *element) bool { return e.is("message") && e.attr("id") == strconv.Itoa(end-1) })
	wantMessages(c.t, append(before, last), from, end)
}

func (c *client) chat(to string, from, end int) {
	c.t.Helper()
	for n := from; n < end; n++ {
		c.send("<message to='%s' type='chat' id='%d'><body>%d</body></message>", to, n, n)
	}
}

func (s *server) waitDetached(n int64) {
	s.t.Helper()
	await.Equal(s.t, "detached sessions", func() int64 { return s.Stats().Detached }, n)
}

// After SIGTERM and a new start clients resume their sessions as if nothing had
// happened: connected ones and detached ones, with counters, order, presence,
// roster pushes, carbons and block lists.
func TestSessionsSurviveRestart(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{MaxBytes: 256 << 20})}
	s := l.start()
	const more = "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>" +
		"<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>" +
		"<iq type='get' id='blocks'><blocklist xmlns='urn:xmpp:blocking'/></iq>" +
		"<presence><status>here</status><priority>5</priority></presence>"
	alice, bob := s.loginManaged("alice@localhost/a", more), s.loginManaged("bob@localhost/b", more)
	befriend(alice.client, bob.client)
	alice.in, bob.in = 0, 0 // not counted while they became friends
	alice, bob = s.loginManaged("alice@localhost/a", more), s.loginManaged("bob@localhost/b", more)
	bob.take()
	alice.take()
	alice.chat("bob@localhost/b", 0, 5)
	alice.take()
	wantMessages(t, bob.take(), 0, 5)
	_ = bob.conn.Close()
	s.waitDetached(1)
	alice.chat("bob@localhost", 5, 10) // queued
	alice.take()
	sent := alice.n
	for round := range 2 {
		s.stop()
		if _, e := alice.until(func(e *element) bool { return e.is("error") }); e.child("system-shutdown").XMLName.Local == "" {
			t.Fatalf("got %s", e)
		}
		s = l.start()
		s.waitDetached(2)
		alice = alice.resume(s, alice.in)
		alice.n = sent + 100*(round+1)
		// The contact is there as before, and nobody was told of anything.
		alice.send("<presence type='probe' to='bob@localhost'/>")
		e := alice.next()
		for e.is("r") {
			e = alice.next()
		}
		if alice.in++; e.attr("from") != "bob@localhost/b" || e.child("status").Text != "here" {
			t.Fatalf("after the restart alice got %s", e)
		}
		alice.take()
	}
	alice.chat("bob@localhost", 10, 12)
	alice.take()
	bob = bob.resume(s, bob.in-3)
	got := bob.take()
	if len(got) < 1+3-1 {
		t.Fatalf("got %v", got)
	}
	wantMessages(t, got, 2+1, 12)
	bob.send("<r xmlns='urn:xmpp:sm:3'/>")
	bob.ack(bob.in)

	// Roster pushes, carbons and changes of the block list still come.
	other := s.login("bob@localhost/other", "<presence><priority>-1</priority></presence>")
	other.send("<iq type='set' id='item'><query xmlns='jabber:iq:roster'><item jid='carol@localhost'/></query></iq>" +
		"<iq type='set' id='block'><block xmlns='urn:xmpp:blocking'><item jid='mallory@localhost'/></block></iq>")
	other.chat("alice@localhost/a", 0, 1)
	other.sync()
	var push, carbon, block bool
	for _, e := range bob.take() {
		push = push || e.child("query", "item").attr("jid") == "carol@localhost"
		carbon = carbon || e.child("sent").is("sent")
		block = block || e.child("block").is("block")
	}
	if !push || !carbon || !block {
		t.Errorf("push %v, carbon %v, change of the block list %v", push, carbon, block)
	}
	wantMessages(t, alice.take(), 0, 1)
	bob.ack(bob.in)
	alice.ack(alice.in)
	if n := len(l.stored("bob@localhost", "session")); n != 0 {
		t.Errorf("%d items of saved sessions are left", n)
	}
}

// storedUntil wants something to be n at last; c asks the server meanwhile, so its deadline bounds that; without
// stream management, of which it would have to acknowledge the answers.
func (c *client) storedUntil(stored func() int, n int) {
	c.t.Helper()
	for stored() != n {
		if c.sync(); c.t.Failed() {
			return
		}
	}
}

// stored reads a collection.
func (l *lasting) stored(owner, collection string) []storage.Item {
	l.t.Helper()
	res := l.store.Read(&storage.Op{Kind: storage.Scan, Owner: owner, Collection: collection})
	if res.Err != nil {
		l.t.Fatal(res.Err)
	}
	return res.Items
}

// When the window ends after the restart everything goes back as without one.
func TestWindowEndsAfterRestart(t *testing.T) {
	t.Parallel()                    // it waits
	const window = 10 * time.Second // somebody must come before it ends
	l := &lasting{t: t, store: memory.New(memory.Options{}), limits: engine.Limits{ResumeWindow: window}}
	s := l.start()
	s.account("bob@localhost")
	alice, bob := s.loginManaged("alice@localhost/a", "<presence/>"), s.loginManaged("bob@localhost/b", "<presence/>")
	befriend(alice.client, bob.client)
	bob.sync()
	_ = bob.conn.Close()
	s.waitDetached(1)
	alice.chat("bob@localhost", 0, 5)
	alice.send("<iq type='get' id='asked' to='bob@localhost/b'><x xmlns='urn:x'/></iq>")
	alice.sync()
	s.stop(alice.client)
	s = l.start()
	again := s.login("alice@localhost/again", "<presence/>")
	_, e := again.until(func(e *element) bool { return e.attr("from") == "bob@localhost/b" && e.attr("type") == "" })
	if !e.is("presence") {
		t.Fatalf("got %s", e)
	}
	_, e = again.until(func(e *element) bool { return e.attr("from") == "bob@localhost/b" })
	if !e.is("presence") || e.attr("type") != "unavailable" {
		t.Fatalf("got %s", e)
	}
	s.waitDetached(0)
	bob2 := s.login("bob@localhost/c", "<presence/>")
	bob2.expectMessages(0, 5)
	if e := s.reconnect(bob.jid); e != nil {
		e.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='0'/>", bob.id)
		if _, f := e.until(func(e *element) bool { return e.is("failed") }); f.attr("h") == "" {
			t.Errorf("got %s, want h", f)
		}
	}
}

// A page of stored messages that was delivered and acknowledged in part does not
// come twice after a restart, and the rest of the queue follows it.
func TestStoredPageSurvivesRestart(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{})}
	s := l.start()
	s.account("bob@localhost")
	alice := s.login("alice@localhost/a", "")
	alice.chat("bob@localhost", 0, 200)
	alice.sync()
	bob := s.loginManaged("bob@localhost/b", "<presence/>")
	for bob.in < 100 {
		if e := bob.next(); e.XMLName.Space == "jabber:client" {
			bob.in++
		}
	}
	const had = 50
	bob.ack(had)
	s.stop()
	s = l.start()
	bob = bob.resume(s, had)
	next := -1
	for next < 200 {
		switch e := bob.next(); {
		case e.is("r"):
			bob.ack(bob.in)
		case e.is("message"):
			bob.in++
			n, err := strconv.Atoi(e.attr("id"))
			if err != nil || next >= 0 && n != next {
				t.Fatalf("got %s, want message %d", e, next)
			}
			next = n + 1
		default:
			bob.in++
		}
	}
	bob.ack(bob.in)
	bob.sync()
	s.empty("bob@localhost", "offline")
}

// A store that does not take sessions: what they had goes back, into the
// offline store.
func TestSessionsCannotBeSaved(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{})}
	var failing atomic.Bool
	l.wrap = func(d storage.Driver) storage.Driver {
		return storagetest.NewFaulty(d, storagetest.Faults{Apply: func(ops []*storage.Op) error {
			for _, op := range ops {
				for _, st := range op.Batch.Steps {
					if failing.Load() && st.Collection == "session" {
						return errors.New("broken")
					}
				}
			}
			return nil
		}})
	}
	s := l.start()
	s.account("bob@localhost")
	alice, bob := s.loginManaged("alice@localhost/a", ""), s.loginManaged("bob@localhost/b", "<presence/>")
	_ = bob.conn.Close()
	s.waitDetached(1)
	alice.chat("bob@localhost", 0, 5)
	alice.sync()
	failing.Store(true)
	s.stop(alice.client)
	failing.Store(false)
	s = l.start()
	if n := s.Stats().Detached; n != 0 {
		t.Errorf("%d sessions were restored", n)
	}
	again := s.login("bob@localhost/c", "<presence/>")
	again.expectMessages(0, 5)
}

// Records that make no sense are dropped, and keep nobody from starting.
func TestBrokenRecords(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{})}
	op := &storage.Op{Kind: storage.Apply, Owner: "bob@localhost"}
	op.Batch.Put("session", []byte("00ff"), []byte("x"))
	op.Batch.Put("session", []byte("0100/\x00\x00"), []byte("a part without its record"))
	op.Batch.Put("session", []byte("0200"), append([]byte{1}, make([]byte, 40)...))
	errs := make([]error, 1)
	if l.store.Apply([]*storage.Op{op}, errs); errs[0] != nil {
		t.Fatal(errs[0])
	}
	s := l.start()
	s.login("bob@localhost/b", "").sync()
	if n := len(l.stored("bob@localhost", "session")); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

// Many sessions are saved and restored within bounds.
func TestManySessionsSurviveRestart(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{MaxBytes: 256 << 20})}
	s := l.start()
	const many = 300
	alice := s.login("alice@localhost/a", "")
	sessions := make([]*managed, many)
	for i := range sessions {
		s.account(fmt.Sprintf("user%d@localhost", i))
		sessions[i] = s.loginManaged(fmt.Sprintf("user%d@localhost/r", i), "<presence/>")
		if i%2 == 0 {
			_ = sessions[i].conn.Close()
		}
		alice.chat(fmt.Sprintf("user%d@localhost/r", i), 0, 3)
	}
	alice.sync()
	s.stop()
	s = l.start()
	s.waitDetached(many)
	for _, m := range sessions {
		wantMessages(t, m.resume(s, m.in).take(), 0, 3)
	}
}
