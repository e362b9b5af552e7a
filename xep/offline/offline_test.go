package offline_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/offline"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, presence, offline.New(offline.Options{}))
}

// start runs a server with the accounts alice and bob.
func start(t *testing.T, o offline.Options) *enginetest.Server {
	s := enginetest.Start(t, presence, offline.New(o))
	s.AddUser("alice@localhost", "secret")
	s.AddUser("bob@localhost", "secret")
	return s
}

var many = offline.Options{MaxMessages: 1_000_000, MaxBytes: 1 << 30}

// What comes while older messages are being delivered does not overtake them,
// whichever address it is sent to.
func TestNothingOvertakes(t *testing.T) {
	s := start(t, many)
	alice := login(t, s.Dial(), "alice", "a")
	const before, during = 1500, 1500
	alice.chat("bob@localhost", 0, before, "hello")
	alice.sync()
	bob := login(t, s.Dial(), "bob", "b")
	bob.send("<presence/>")
	bob.expect(0, 1) // what is sent to a session that is not available yet waits for nothing
	go func() {
		for n := before; n < before+during; n++ {
			to := [...]string{"bob@localhost", "bob@localhost/b"}[n%2]
			alice.chat(to, n, n+1, "hello")
		}
	}()
	bob.expect(1, before+during)
	for pause := 1; ; pause *= 2 { // until the server knows that bob has got them
		alice.chat("bob@localhost", 0, 1, "at once")
		if r := bob.next(); r.Delay == nil {
			break
		}
		for range pause { // an answer to each at once would go behind the one before for ever
			alice.sync()
		}
	}
}

// More messages than a connection may hold unsent (1 MiB) reach a client that
// does not read for a while.
func TestDeliveryWaitsForTheReader(t *testing.T) {
	s := start(t, many)
	alice := login(t, s.Dial(), "alice", "a")
	const count = 3000
	alice.chat("bob@localhost", 0, count, strings.Repeat("x", 1000))
	alice.sync()
	bob := login(t, s.Dial(), "bob", "b")
	bob.send("<presence/>")
	alice.chat("bob@localhost", count, count+1, "last") // behind all others
	alice.sync()
	bob.expect(0, count+1)
}

// What a session did not take stays for the next one, in order.
func TestDeadSessionLeavesTheRest(t *testing.T) {
	s := start(t, many)
	alice := login(t, s.Dial(), "alice", "a")
	const count = 1000
	alice.chat("bob@localhost", 0, count, "hello")
	alice.sync()
	for read := 0; read < count; {
		bob := login(t, s.Dial(), "bob", "b")
		bob.send("<presence/>")
		r := bob.next()
		first, err := strconv.Atoi(r.ID)
		if err != nil || first > read {
			t.Fatalf("after %d messages came %+v", read, r)
		}
		end := min(max(first, read)+300, count)
		bob.expect(first+1, end)
		read = end
		_ = bob.conn.Close()
	}
}

// When the session that gets them ends, another one that may have messages
// gets the rest at once.
func TestAnotherSessionTakesOver(t *testing.T) {
	s := start(t, many)
	alice := login(t, s.Dial(), "alice", "a")
	const count = 500
	alice.chat("bob@localhost", 0, count, "hello")
	alice.sync()
	one := login(t, s.Dial(), "bob", "one")
	two := login(t, s.Dial(), "bob", "two")
	one.send("<presence/>")
	one.expect(0, 1) // the page is not taken yet: it is not read
	two.send("<presence/>")
	two.sync()
	_ = one.conn.Close()
	two.expect(0, count)
}

func TestXEP0160_2_QueueIsFull(t *testing.T) {
	for _, c := range []struct {
		name string
		offline.Options
		fit int
	}{
		{"messages", offline.Options{MaxMessages: 5}, 5},
		{"bytes", offline.Options{MaxBytes: 1000}, 5}, // of about 190 each
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.Options)
			alice := login(t, s.Dial(), "alice", "a")
			alice.chat("bob@localhost", 0, c.fit, "hello")
			alice.sync()
			alice.chat("bob@localhost", c.fit, c.fit+1, "hello")
			r := alice.next()
			if r.ID != strconv.Itoa(c.fit) || r.Condition == nil || r.Condition.Full == nil || r.Condition.Text == "" {
				t.Fatalf("full: %+v", r)
			}
			bob := login(t, s.Dial(), "bob", "b")
			bob.send("<presence/>")
			bob.expect(0, c.fit)
			bob.send("<presence type='unavailable'/>")
			bob.sync()
			for { // there is room again when the server knows that bob has got them
				alice.chat("bob@localhost", 0, 1, "hello")
				alice.send("<iq type='get' id='asked' to='localhost'><x xmlns='urn:x'/></iq>")
				if r := alice.next(); r.ID == "asked" {
					break
				}
				alice.next()
			}
			alice.chat("bob@localhost", 1, c.fit, "hello")
			alice.sync()
		})
	}
}

// An account that is deleted leaves nothing to the next one of its name.
func TestDeletedAccount(t *testing.T) {
	s := start(t, offline.Options{})
	alice := login(t, s.Dial(), "alice", "a")
	alice.chat("bob@localhost", 0, 1, "hello")
	alice.sync()
	if err := s.Accounts().Delete(t.Context(), bobJID); err != nil {
		t.Fatal(err)
	}
	alice.chat("bob@localhost", 1, 2, "hello")
	if r := alice.next(); r.ID != "1" || r.Condition == nil || r.Condition.Full == nil {
		t.Fatalf("for a deleted account: %+v", r)
	}
	s.AddUser("bob@localhost", "secret")
	bob := login(t, s.Dial(), "bob", "b")
	bob.send("<presence/>")
	bob.sync()
	alice.chat("bob@localhost", 2, 3, "hello")
	bob.expect(2, 3)
}

// Whether an account exists costs a look-up; the store is asked at the first
// message for it, and again after it was deleted.
func TestExistenceIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	count := func(ops []*storage.Op) error {
		for _, op := range ops {
			if op.Owner == "bob@localhost" && len(op.Batch.Checks) > 0 && op.Batch.Checks[0].Expect == storage.ExpectPresent {
				asked.Add(1)
			}
		}
		return nil
	}
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: enginetest.All(presence, offline.New(offline.Options{})),
		Store: storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: count})})
	s.AddUser("alice@localhost", "secret")
	alice := login(t, s.Dial(), "alice", "a")
	refused := func(n int) {
		t.Helper()
		alice.chat("bob@localhost", n, n+1, "hello")
		if r := alice.next(); r.ID != strconv.Itoa(n) || r.Condition == nil || r.Condition.Full == nil {
			t.Fatalf("without an account: %+v", r)
		}
	}
	refused(0)
	refused(1)
	s.AddUser("bob@localhost", "secret")
	alice.chat("bob@localhost", 2, 22, "hello")
	alice.sync()
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3: for two messages before there was an account, and for the first after", n)
	}
	if err := s.Accounts().Delete(t.Context(), bobJID); err != nil {
		t.Fatal(err)
	}
	refused(22)
}
