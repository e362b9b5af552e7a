package im_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
)

// killed is what a server that was killed has left, and the one that comes after it.
type killed struct {
	t       *testing.T
	store   *memory.Driver
	journal []byte
}

func (k *killed) start() *server {
	k.t.Helper()
	s := start(k.t, func(storage.Driver) storage.Driver { return survivor{k.store} },
		engine.Config{Auth: anybody{k.store}, DurableAck: true, Journal: k.journal})
	s.store = k.store
	return s
}

// kill leaves the server as it is, which does nothing any more, and goes on with a
// copy of its journal, as if it had ended at this instant.
func (k *killed) kill() *server {
	k.t.Helper()
	k.journal = slices.Clone(k.journal)
	return k.start()
}

// stored waits until a message with an id is stored for bob.
func (k *killed) stored(id string) {
	k.t.Helper()
	await.True(k.t, "message "+id+" is stored", func() bool {
		res := k.store.Read(&storage.Op{Kind: storage.Scan, Owner: "bob@localhost", Collection: "offline", Limit: 10})
		return slices.ContainsFunc(res.Items, func(i storage.Item) bool { return bytes.Contains(i.Value, []byte("id='"+id+"'")) })
	})
}

// stable sends a message with an id for good.
func (c *client) stable(to, id string) {
	c.t.Helper()
	c.send("<message to='%s' type='chat' id='%s'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>", to, id, id)
}

// idsUntil are the ids of the messages that come before and with one.
func (c *client) idsUntil(id string) (ids []string) {
	c.t.Helper()
	before, e := c.until(func(e *element) bool { return e.is("message") && e.attr("id") == id })
	return idsOf(append(before, e))
}

// idsOf are the ids of the messages in a list.
func idsOf(list []*element) (ids []string) {
	for _, m := range messages(list) {
		ids = append(ids, m.attr("id"))
	}
	return ids
}

// After a kill a client that tells what it has by trying to resume gets nothing
// twice: neither what was stored because it had not acknowledged, nor what its
// sender sends again because it was told nothing. What it has not got comes once.
func TestNothingComesTwiceAfterKill(t *testing.T) {
	for _, x := range []struct {
		name  string
		has   int // messages that bob has read of two
		wants []string
	}{
		{"the client has them", 2, []string{"3", "last"}},
		{"the client has one", 1, []string{"2", "3", "last"}},
		{"the client has none", 0, []string{"1", "2", "3", "last"}},
	} {
		for _, kills := range []int{1, 2} {
			t.Run(x.name, func(t *testing.T) {
				k := &killed{t: t, store: memory.New(memory.Options{MaxBytes: 64 << 20}), journal: make([]byte, 1<<20)}
				s := k.start()
				s.account("bob@localhost")
				bob := s.loginManaged("bob@localhost/b", "<presence/>")
				alice := s.loginManaged("alice@localhost/a", "<presence/>")
				before := bob.in
				alice.stable(bob.jid, "1")
				alice.stable(bob.jid, "2")
				k.stored("2") // bob does not acknowledge
				for range kills {
					s = k.kill()
					back := s.reconnect(bob.jid)
					back.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>", bob.id, before+x.has)
					if _, e := back.until(func(e *element) bool { return e.is("resumed") || e.is("failed") }); !e.is("failed") {
						t.Fatalf("got %s", e)
					}
					_ = back.conn.Close()
				}
				alice = s.loginManaged("alice@localhost/a", "<presence/>")
				for _, id := range []string{"1", "2", "3"} { // 3 did not reach the server that was killed
					alice.stable("bob@localhost/b", id)
				}
				alice.sync()
				again := s.login("bob@localhost/b", "<presence/>")
				ids := idsOf(again.sync()) // what is stored comes first from now on
				alice.stable("bob@localhost/b", "2")
				alice.stable("bob@localhost/b", "last")
				if ids = append(ids, again.idsUntil("last")...); !slices.Equal(ids, x.wants) {
					t.Errorf("got %q, want %q", ids, x.wants)
				}
			})
		}
	}
}

// What was stored for somebody who is offline and is sent again is stored once; the
// ids of others, and of other addressees, are not confused with it.
func TestStoredOnceAfterKill(t *testing.T) {
	k := &killed{t: t, store: memory.New(memory.Options{MaxBytes: 64 << 20}), journal: make([]byte, 1<<20)}
	s := k.start()
	s.account("bob@localhost")
	alice := s.login("alice@localhost/a", "")
	alice.stable("bob@localhost", "1")
	alice.sync()
	s = k.kill()
	alice, dave := s.login("alice@localhost/a", ""), s.login("dave@localhost/d", "")
	for _, c := range []*client{alice, dave} {
		c.stable("bob@localhost", "1")
		c.stable("bob@localhost/b", "1")
		c.sync()
	}
	alice.stable("bob@localhost", "last")
	bob := s.login("bob@localhost/b", "<presence/>")
	if ids := bob.idsUntil("last"); !slices.Equal(ids, []string{"1", "1", "1", "1", "last"}) {
		t.Errorf("got %q", ids)
	}
}

// A session that went through an orderly restart is known after a kill as well: what its
// client was given before, or got when it resumed, does not come twice.
func TestNothingComesTwiceAfterRestartAndKill(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		t.Run(fmt.Sprint("resumed ", resumed), func(t *testing.T) {
			k := &killed{t: t, store: memory.New(memory.Options{MaxBytes: 64 << 20}), journal: make([]byte, 1<<20)}
			s := k.start()
			s.account("bob@localhost")
			bob := s.loginManaged("bob@localhost/b", "<presence/>")
			alice := s.loginManaged("alice@localhost/a", "")
			before := bob.in
			alice.stable("bob@localhost", "1")
			alice.stable("bob@localhost", "2")
			alice.take()
			bob.idsUntil("2")
			s.stop(bob.client, alice.client)
			k.journal = make([]byte, 1<<20) // thrown away
			s = k.start()
			if resumed {
				bob = bob.resume(s, before+1)
				if ids := bob.idsUntil("2"); len(ids) != 1 {
					t.Fatalf("got %q", ids)
				}
			}
			s = k.kill()
			back := s.reconnect(bob.jid)
			back.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>", bob.id, before+2)
			back.until(func(e *element) bool { return e.is("failed") })
			again := s.login("bob@localhost/b", "<presence/>")
			ids := idsOf(again.sync())
			alice = s.loginManaged("alice@localhost/a", "")
			alice.stable("bob@localhost", "2") // once more
			alice.stable("bob@localhost", "last")
			if ids = append(ids, again.idsUntil("last")...); !slices.Equal(ids, []string{"last"}) {
				t.Errorf("got %q", ids)
			}
		})
	}
}

// What a client has got before a kill goes from the store, also where that is all
// that is read at a time: it would come when the journal has forgotten it.
func TestTakenMessagesLeaveTheStore(t *testing.T) {
	const many = 300 // more than two pages
	k := &killed{t: t, store: memory.New(memory.Options{MaxBytes: 64 << 20}), journal: make([]byte, 1<<20)}
	stored := func() int {
		return len(k.store.Read(&storage.Op{Kind: storage.Scan, Owner: "bob@localhost", Collection: "offline", Limit: 2 * many}).Items)
	}
	s := k.start()
	s.account("bob@localhost")
	bob := s.loginManaged("bob@localhost/b", "<presence/>")
	alice := s.loginManaged("alice@localhost/a", "")
	for i := range many {
		alice.stable(bob.jid, fmt.Sprint(i))
	}
	s.login("carol@localhost/c", "").storedUntil(stored, many) // bob does not acknowledge
	s = k.kill()
	back := s.reconnect(bob.jid)
	back.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>", bob.id, bob.in+many)
	back.until(func(e *element) bool { return e.is("failed") })
	again := s.login("bob@localhost/b", "<presence/>")
	s.login("carol@localhost/c", "").storedUntil(stored, 0)
	if ids := idsOf(again.sync()); len(ids) != 0 {
		t.Errorf("%q came again", ids)
	}
}
