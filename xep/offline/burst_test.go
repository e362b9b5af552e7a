package offline_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/stanzaid"
)

// slowStore holds back every group with messages until it is told to go on.
type slowStore struct {
	entered, release chan struct{}

	mu     sync.Mutex
	groups []int // messages in each
}

func newSlowStore() *slowStore {
	return &slowStore{entered: make(chan struct{}, 1000), release: make(chan struct{})}
}

func (s *slowStore) driver() storage.Driver {
	return storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Apply: func(ops []*storage.Op) error {
		n := 0
		for _, op := range ops {
			for i := range op.Batch.Steps {
				if step := &op.Batch.Steps[i]; step.Collection == "offline" && step.Kind == storage.Put {
					n++
				}
			}
		}
		if n == 0 {
			return nil
		}
		s.mu.Lock()
		s.groups = append(s.groups, n)
		s.mu.Unlock()
		s.entered <- struct{}{}
		<-s.release
		return nil
	}})
}

// seen are the sizes of the groups so far.
func (s *slowStore) seen() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.groups)
}

func chats(to string, from, end int) string {
	var b strings.Builder
	for n := from; n < end; n++ {
		fmt.Fprintf(&b, "<message to='%s' type='chat' id='%d'><body>hello</body></message>", to, n)
	}
	return b.String()
}

const asksServer = "<iq type='get' id='sync' to='localhost'><x xmlns='urn:x'/></iq>"

// Messages that a client sends at once share commits, and what it asks behind
// them is answered when all of them are stored.
func TestBurstSharesCommits(t *testing.T) {
	for _, managed := range []bool{false, true} {
		t.Run(fmt.Sprintf("managed=%v", managed), func(t *testing.T) {
			slow := newSlowStore()
			s := startDurable(t, engine.Limits{}, slow.driver())
			alice := login(t, s.Dial(), "alice", "a")
			if managed {
				alice.manage()
			}
			const count = 200 // more than may be with homes at a time
			alice.send("%s", chats("bob@localhost", 0, count)+asksServer)
			for stored := 0; stored < count; {
				<-slow.entered
				groups := slow.seen()
				if n := groups[len(groups)-1]; n > 64 {
					t.Errorf("%d messages of one session were on their way into the store", n)
				} else {
					stored += n
				}
				slow.release <- struct{}{}
			}
			if r := alice.next(); r.ID != "sync" {
				t.Fatalf("instead of an answer: %+v", r)
			}
			if n := len(slow.seen()); n > count/4 { // one for each would be count
				t.Errorf("%d messages took %d commits", count, n)
			}
			if managed {
				alice.asksFor(count + 1)
			}
			bob := login(t, s.Dial(), "bob", "b")
			bob.send("<presence/>")
			bob.expect(0, count)
		})
	}
}

// What is not a message is not looked at before all messages are stored: here
// the end of the stream, whose answer tells a client without stream management
// that they are.
func TestBurstEndsBeforeTheStream(t *testing.T) {
	slow := newSlowStore()
	s := startDurable(t, engine.Limits{}, slow.driver())
	alice := login(t, s.Dial(), "alice", "a")
	alice.send("%s", chats("bob@localhost", 0, 3)+chats("nobody@localhost", 3, 4)+"</stream:stream>")
	ended := make(chan []string, 1)
	go func() {
		var ids []string
		for {
			r, err := alice.read()
			if err != nil {
				ended <- ids
				return
			}
			ids = append(ids, r.ID)
		}
	}()
	stored := func() (n int) {
		for _, g := range slow.seen() {
			n += g
		}
		return n
	}
	for stored() < 4 {
		<-slow.entered
		select {
		case ids := <-ended:
			t.Fatalf("the stream ended after %q, before the messages were stored", ids)
		default:
		}
		slow.release <- struct{}{}
	}
	if ids := <-ended; !slices.Equal(ids, []string{"3"}) {
		t.Errorf("before the end came %q, want the error for 3", ids)
	}
}

// A recipient that logs in while messages are on their way into the store gets
// them before those that could have gone to it at once.
func TestBurstIsNotOvertaken(t *testing.T) {
	slow := newSlowStore()
	t.Cleanup(func() { close(slow.entered) }) // after the server has ended
	store := slow.driver()
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Store: store, Loops: 3,
		Extensions: enginetest.All(presence, stanzaid.Register, offline.New(many))})
	s.AddUser("alice@localhost", "secret")
	s.AddUser("bob@localhost", "secret")
	go func() {
		for range slow.entered {
			slow.release <- struct{}{}
		}
	}()
	alice := login(t, s.Dial(), "alice", "a")
	sent := 0
	for round := range 30 {
		for range 5 { // they meet the login at different points of it
			alice.send("%s", chats("bob@localhost", sent, sent+10+round))
			sent += 10 + round
		}
		bob := login(t, s.Dial(), "bob", "b")
		bob.send("<presence/>")
		alice.send("%s", chats("bob@localhost", sent, sent+20)+asksServer)
		bob.expect(sent-5*(10+round), sent+20)
		sent += 20
		if r := alice.next(); r.ID != "sync" {
			t.Fatalf("instead of an answer: %+v", r)
		}
		waitKept(t, store, 0) // what it has taken has been removed
		bob.send("</stream:stream>")
		for _, err := bob.read(); err == nil; _, err = bob.read() {
			t.Error("more came")
		}
	}
}
