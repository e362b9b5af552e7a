//go:build !race

// Under the race detector sync.Pool throws away what it is given at random.

package engine_test

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/xep/standard"
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
			allocatesNothing(t, 5_000/(1+c.size/4), func() { c.from.exchange(c.to, b, c.size) })
		})
	}
}

// allocatesNothing runs what loops deal with, in steady state, without a collection.
// The ticker and the runtime allocate something as time passes, and a slow machine
// gives them more of that; and batches change places in their pool until each of them
// has been large once: the best of some attempts counts.
func allocatesNothing(t *testing.T, runs int, exchange func()) {
	t.Helper()
	const attempts = 25
	for range 2 * runs / 5 { // fill pools and scratch
		exchange()
	}
	var alone float64
	var both uint64
	for range attempts {
		alone = testing.AllocsPerRun(2*runs/5, exchange)
		// That runs on one core and rounds down: look at both cores, too.
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			exchange()
		}
		runtime.ReadMemStats(&after)
		if both = after.Mallocs - before.Mallocs; alone == 0 && both <= uint64(runs/50) {
			return
		}
	}
	t.Errorf("%g allocations a run on one core, %d in %d runs on both; want next to none", alone, both, runs)
}

// TestDurableMessageAllocatesNothing: the same with Config.DurableAck, between
// clients with stream management, whose recipient acknowledges at once and whose
// sender asks; with a stable id, so that the journal has an entry for each, too.
func TestDurableMessageAllocatesNothing(t *testing.T) {
	for _, journalled := range []bool{false, true} {
		s := serve(t, func(cfg *engine.Config) {
			cfg.DurableAck, cfg.Extensions = true, standard.Register
			withStore(cfg)
			if journalled {
				cfg.Journal = make([]byte, 1<<20)
			}
		})
		s.create(t, "alice@localhost", "bob@localhost", "carol@localhost")
		alice := s.attachManaged(t, "alice", "a", []byte("<a "))
		away := s.attachManaged(t, "bob", "other loop", endOfMessage)
		same := s.attachManaged(t, "carol", "same loop", endOfMessage)
		defer debug.SetGCPercent(debug.SetGCPercent(-1))
		for _, c := range []struct {
			name string
			to   *managedSink
			size int // messages in flight
		}{
			{"different loops", away, 1}, {"different loops in batches", away, 16},
			{"same loop", same, 1}, {"same loop in batches", same, 16},
		} {
			t.Run(fmt.Sprintf("journal=%v/%s", journalled, c.name), func(t *testing.T) {
				b := bytes.Repeat(stableTo(c.to), c.size)
				if len(b) != 350*c.size {
					t.Fatalf("the message has %d bytes, want 350", len(b)/c.size)
				}
				allocatesNothing(t, 5_000/(1+c.size/4), func() { alice.durably(c.to, b, c.size) })
			})
		}
		if n := s.Stats().KeptTotal; n > 1000 { // a slow machine may store some, of hundreds of thousands
			t.Errorf("%d messages were stored though all were acknowledged at once", n)
		}
	}
}

// stableTo is a message of 350 bytes with a stable id.
func stableTo(to *managedSink) []byte {
	start := "<message to='" + to.jid + "' type='chat' id='3f1c9a52-77d0'><body>"
	const end = "</body><origin-id xmlns='urn:xmpp:sid:0' id='3f1c9a52-77d0'/></message>"
	return []byte(start + strings.Repeat("x", 350-len(start)-len(end)) + end)
}

// durably sends b, count messages to another client, which acknowledges them, and
// waits until the server acknowledges them in turn.
func (m *managedSink) durably(to *managedSink, b []byte, count int) {
	m.exchange(to.sinkClient, b, count)
	to.in += uint64(count)
	to.reply = append(strconv.AppendUint(append(to.reply[:0], "<a xmlns='urn:xmpp:sm:3' h='"...), to.in, 10), "'/>"...)
	to.Send(to.reply)
	m.exchange(m.sinkClient, askForAck, 1)
}
