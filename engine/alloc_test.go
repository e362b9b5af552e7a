//go:build !race

// Under the race detector sync.Pool throws away what it is given at random.

package engine_test

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestRoutedMessageAllocatesNothing: a message of 350 bytes between two
// sessions, on different loops and on one, alone and in batches, and between a
// session and a component.
func TestRoutedMessageAllocatesNothing(t *testing.T) {
	s := serve(t, withComponents)
	alice := s.attach(t, "alice", "a")
	away := s.attach(t, "bob", "other loop")
	same := s.attach(t, "carol", "same loop")
	bridge := s.attachComponent(t, "bridge.localhost", "bridge's")
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools

	for _, c := range []struct {
		name     string
		from, to *sinkClient
		size     int // messages in flight
	}{
		{"different loops", alice, away, 1}, {"different loops in batches", alice, away, 16},
		{"same loop", alice, same, 1}, {"same loop in batches", alice, same, 16},
		{"to a component", alice, bridge, 1}, {"to a component in batches", alice, bridge, 16},
		{"from a component", bridge, alice, 1}, {"from a component in batches", bridge, away, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bytes.Repeat(c.from.messageTo(c.to), c.size)
			if len(b) != 350*c.size {
				t.Fatalf("the message has %d bytes, want 350", len(b)/c.size)
			}
			exchange := func() { c.from.exchange(c.to, b, c.size) }
			for range 2_000 { // fill pools and scratch
				exchange()
			}
			if n := testing.AllocsPerRun(2_000, exchange); n != 0 {
				t.Errorf("%g allocations a run of %d messages, want 0", n, c.size)
			}
			// AllocsPerRun runs on one core and rounds down: look at both cores, too,
			// with room for the ticker and the runtime.
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			const runs = 5_000
			for range runs {
				exchange()
			}
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > runs/50 {
				t.Errorf("%d allocations in %d runs, want next to none", n, runs)
			}
		})
	}
}
