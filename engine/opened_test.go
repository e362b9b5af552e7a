package engine_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/xep"
)

// openings notes what extensions hear of an account's sessions.
type openings struct {
	mu     sync.Mutex
	names  map[uint64]int
	heard  []string
	closed chan string // the addresses of sessions that have ended, wherever that is
}

func (o *openings) note(what string, id uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names[id] == 0 {
		o.names[id] = len(o.names) + 1
	}
	o.heard = append(o.heard, fmt.Sprintf("%s %d", what, o.names[id]))
}

func (o *openings) watch(cfg *engine.Config) {
	o.names, o.closed = make(map[uint64]int), make(chan string, 16)
	cfg.Hooks.SessionClosed = func(s engine.SessionInfo, _ error) { o.closed <- s.JID.String() }
	cfg.Extensions = func(r *xep.Registry) error {
		r.Session(xep.Session{
			Opened: func(_ *xep.Home, s xep.SessionRef, done func()) { o.note("opened", s.ID); done() },
			Closed: func(_ *xep.Home, s xep.SessionRef) { o.note("closed", s.ID) },
		})
		return nil
	}
}

// authenticateOn is a client of user on that loop, before it binds a resource.
func (s *server) authenticateOn(t *testing.T, loop int, user string) *client {
	t.Helper()
	for range 3 { // connections are given to the loops in turn
		c := s.connect(t, "pipe")
		c.open()
		c.authenticate(user)
		c.bind("which")
		on := s.LoopOf(user + "@localhost/which")
		c.send("</stream:stream>")
		c.expectEnd()
		if (on+1)%3 == loop {
			c = s.connect(t, "pipe")
			c.open()
			c.authenticate(user)
			return c
		}
	}
	t.Fatalf("no connection came to loop %d", loop)
	return nil
}

// A session that takes over a resource is announced to its account's home by way
// of the loop of the session before it; its end comes straight from its own loop.
// Here that way is stalled, so the end comes first.
func TestSessionThatEndsBeforeItIsOpened(t *testing.T) {
	for _, successor := range []bool{false, true} {
		t.Run(fmt.Sprintf("successor=%v", successor), func(t *testing.T) {
			var seen openings
			s := serve(t, func(cfg *engine.Config) {
				cfg.Loops, cfg.Auth = 3, newAccounts("u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8", "u9", "u10", "u11", "u12", "u13", "u14", "u15")
				seen.watch(cfg)
			})
			user := "u0"
			for i := 0; s.HomeLoop(user+"@localhost") != 2; i++ {
				user = fmt.Sprintf("u%d", i)
			}
			full := user + "@localhost/r"
			others := []*client{s.authenticateOn(t, 1, user), s.authenticateOn(t, 2, user)}
			first := s.authenticateOn(t, 0, user)
			for len(seen.closed) > 0 {
				<-seen.closed
			}
			first.bind("r")
			first.sync()
			s.HomeKnows(user + "@localhost")
			seen.mu.Lock()
			seen.heard, seen.names = nil, map[uint64]int{}
			seen.mu.Unlock()

			if on := s.LoopOf(full); on != 0 {
				t.Fatalf("the first session is on loop %d", on)
			}
			release := s.Stall(0)
			others[0].bind("r") // its opening waits on loop 0
			want := []string{"closed 1"}
			if successor {
				others[1].bind("r")
				want = append(want, "opened 2")
			} else {
				_ = others[0].conn.Close()
			}
			<-seen.closed // the one in the middle
			s.HomeKnows(user + "@localhost")
			release()
			first.expectStreamError("conflict")
			<-seen.closed
			if successor {
				others[1].sync()
			}
			wantSessions := len(want) - 1
			eventually(t, func() bool {
				sessions, unopened := s.HomeKnows(user + "@localhost")
				return sessions == wantSessions && unopened == 0
			})
			seen.mu.Lock()
			defer seen.mu.Unlock()
			if !reflect.DeepEqual(seen.heard, want) {
				t.Errorf("extensions heard %q, want %q", seen.heard, want)
			}
		})
	}
}
