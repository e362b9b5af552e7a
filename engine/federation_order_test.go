package engine_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/await"
)

// What waits until a stream takes it goes before what is sent in the very turn in
// which the stream begins to.
func TestFederationOrderWhenAStreamTakesADomain(t *testing.T) {
	w := newWorld(t)
	a := w.server(withLoops(1), "a.example", "aa.example")
	b := w.server(withLoops(1), "b.example")
	bob := b.as(t, "bob@b.example/2")
	a.as(t, "alice@a.example/1").chats(bob, "there is a stream")
	ann := a.asOn(t, "tcp", "alice@aa.example/1")
	message := func(id string) { ann.send("<message to='%s' id='%s'/>", bob.jid, id) }

	releaseB := b.Stall(0)
	message("waits")
	ann.expectNothing() // it was dealt with: a asks b whether the stream takes aa.example
	releaseA := a.Stall(0)
	releaseB()
	await.True(t, "b takes aa.example", func() bool {
		list := b.record(t, "aa.example").Streams
		return len(list) == 1 && len(list[0].Receives) == 1
	})
	message("comes then") // a finds it together with the answer of b
	releaseA()
	for _, want := range []string{"waits", "comes then"} {
		if n := bob.expect("message"); n.attr("id") != want {
			t.Fatalf("bob got %s, want %q", n, want)
		}
	}
}
