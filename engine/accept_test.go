package engine_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

func withLoops(n int) func(*engine.Config) { return func(cfg *engine.Config) { cfg.Loops = n } }

// TestAcceptSpreads: all loops accept, and a connection goes to one that has fewest.
func TestAcceptSpreads(t *testing.T) {
	const loops, each = 3, 4
	s := serve(t, withLoops(loops))
	var sessions [loops]int
	for range loops * each {
		sessions[s.LoopOf(s.login(t, "tcp", "alice", "").jid)]++
	}
	if sessions != [loops]int{each, each, each} {
		t.Errorf("sessions of the loops: %v, want %d each", sessions, each)
	}
	if got := s.Stats().AcceptedTotal; got != loops*each {
		t.Errorf("%d connections accepted, want %d", got, loops*each)
	}
}

// TestAcceptBesideBusyLoop: a loop that is busy leaves connections to the other, and
// has the one that is its own when it is back.
func TestAcceptBesideBusyLoop(t *testing.T) {
	for busy := range 2 {
		s := serve(t, withLoops(2))
		release := s.Stall(busy)
		first := s.login(t, "tcp", "alice", "") // both are empty: who accepts keeps it
		second := s.connect(t, "tcp")
		release()
		second.open()
		second.authenticate("bob")
		second.bind("")
		if a, b := s.LoopOf(first.jid), s.LoopOf(second.jid); a != 1-busy || b != busy {
			t.Errorf("loop %d was busy: the first is on loop %d, the second on %d", busy, a, b)
		}
		if got := s.Stats().AcceptedTotal; got != 2 {
			t.Errorf("%d connections accepted, want 2", got)
		}
	}
}

// TestAcceptAtShutdown: no connection is left waiting, be it not accepted yet, on its
// way to a loop or there.
func TestAcceptAtShutdown(t *testing.T) {
	s := serve(t, withLoops(2))
	release := s.Stall(0)
	clients := []*client{s.login(t, "tcp", "alice", "")} // on the other loop
	for range 4 {
		clients = append(clients, s.connect(t, "tcp"))
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	clients[0].expectStreamError("system-shutdown") // while the other loop is busy
	_ = clients[0].conn.Close()
	release()
	for _, c := range clients[1:] {
		for err := error(nil); err == nil; {
			if _, err = c.r.ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("a connection was forgotten")
			}
		}
		_ = c.conn.Close()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := s.Stats().Connections; got != 0 {
		t.Errorf("%d connections are left", got)
	}
}

// TestCrowded: a loop knows whether there are processors for others, when that changes,
// too.
func TestCrowded(t *testing.T) {
	s := serve(t, withLoops(2))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		processors int
		want       bool
	}{{2, true}, {3, false}, {1, true}} {
		runtime.GOMAXPROCS(c.processors)
		for loop := range 2 {
			if got := s.Crowded(loop); got != c.want {
				t.Errorf("%d processors: loop %d is crowded: %v, want %v", c.processors, loop, got, c.want)
			}
		}
	}
}
