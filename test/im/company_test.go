package im_test

import (
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/storage/memory"
)

// A message that two detached sessions have goes to somebody when both have ended,
// once, though a session is there that was bound later and never got it.
func TestCopiesOfSessionsThatEnd(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, first := range []string{"a", "b"} {
			t.Run(fmt.Sprintf("restart %v, %s ends first", restart, first), func(t *testing.T) {
				testCopies(t, restart, first)
			})
		}
	}
}

func testCopies(t *testing.T, restart bool, first string) {
	l := &lasting{t: t, store: memory.New(memory.Options{})}
	s := l.start()
	s.account("bob@localhost")
	for _, resource := range []string{"a", "b"} {
		bob := s.loginManaged("bob@localhost/"+resource, "<presence/>")
		_ = bob.conn.Close()
	}
	s.waitDetached(2)
	alice := s.loginManaged("alice@localhost/x", "")
	alice.chat("bob@localhost", 0, 2)
	alice.chat("bob@localhost/a", 2, 3) // for one of them only
	alice.chat("bob@localhost", 3, 4)
	alice.take()
	if restart {
		s.stop(alice.client)
		s = l.start()
		s.waitDetached(3) // alice is one
	}
	later := s.login("bob@localhost/later", "<presence/>")
	later.sync()
	second := "b"
	if first == "b" {
		second = "a"
	}
	ended := func(resource string) []*element {
		s.login("bob@localhost/"+resource, "").sync() // bound anew: the session ends
		before, _ := later.until(func(e *element) bool {
			return e.is("presence") && e.attr("from") == "bob@localhost/"+resource && e.attr("type") == "unavailable"
		})
		return append(messages(before), messages(later.sync())...)
	}
	var got []*element
	for _, resource := range []string{first, second} {
		got = append(got, ended(resource)...)
	}
	for seen := map[string]bool{}; len(seen) < 4; {
		for _, e := range got {
			if id := e.attr("id"); seen[id] || e.child("delay").attr("stamp") == "" {
				t.Fatalf("got %s, twice or without a stamp", e)
			} else {
				seen[id] = true
			}
		}
		if got = nil; len(seen) < 4 { // the rest comes from the store
			got = append(got, later.next())
		}
	}
	later.sync()
	if n := len(l.stored("bob@localhost", "session")); n != 0 {
		t.Errorf("%d sessions are stored", n)
	}
	if more := messages(later.sync()); len(more) > 0 {
		t.Errorf("later got %v as well", more)
	}
}

// A headline for all resources does not come again to one that has it.
func TestHeadlineOfASessionThatEnds(t *testing.T) {
	l := &lasting{t: t, store: memory.New(memory.Options{})}
	s := l.start()
	s.account("bob@localhost")
	bob := s.loginManaged("bob@localhost/a", "<presence><priority>5</priority></presence>")
	other := s.login("bob@localhost/other", "<presence><priority>1</priority></presence>")
	other.sync()
	_ = bob.conn.Close()
	s.waitDetached(1)
	alice := s.login("alice@localhost/x", "")
	alice.send("<message to='bob@localhost' type='headline' id='h'><body>news</body></message>")
	other.until(func(e *element) bool { return e.is("message") && e.attr("id") == "h" })
	s.login("bob@localhost/a", "").sync()
	other.until(func(e *element) bool { return e.is("presence") && e.attr("type") == "unavailable" })
	if again := messages(other.sync()); len(again) > 0 {
		t.Errorf("it came again: %v", again)
	}
}

// What a session got that ends without having acknowledged it, and another one got as
// well, is stored until that one has acknowledged it: its sender was told that it is
// kept, and a kill may come before.
func TestHeirOfASessionThatEnds(t *testing.T) {
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored before=%v", stored), func(t *testing.T) {
			l := &lasting{t: t, store: memory.New(memory.Options{})}
			s := l.start()
			s.account("bob@localhost")
			first := s.loginManaged("bob@localhost/a", "<presence/>")
			second := s.loginManaged("bob@localhost/b", "<presence/>")
			first.ack(first.in + len(first.sync())) // presence of the second, too
			alice := s.loginManaged("alice@localhost/x", "")
			alice.chat("bob@localhost", 0, 3)
			alice.take()
			for _, bob := range []*managed{first, second} {
				_, _ = bob.until(func(e *element) bool { return e.is("message") && e.attr("id") == "2" })
			}
			other := s.login("carol@localhost/c", "")
			kept := func(n int) {
				t.Helper()
				other.storedUntil(func() int { return len(l.stored("bob@localhost", "offline")) }, n)
			}
			if stored {
				kept(3)
			}
			again := s.login("bob@localhost/a", "") // bound anew: the first one ends
			again.sync()
			second.until(func(e *element) bool { return e.is("presence") && e.attr("type") == "unavailable" })
			kept(3)
			if more := messages(again.sync()); len(more) > 0 {
				t.Errorf("they came to another session: %v", more)
			}
			second.send("<r xmlns='urn:xmpp:sm:3'/><presence/>")
			second.until(func(e *element) bool { return e.is("presence") && e.attr("from") == second.jid })
			second.ack(second.in + 3)
			kept(0)
			for alice.asked() != 5 { // session, sync, three messages
			}
		})
	}
}
