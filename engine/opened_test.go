package engine_test

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
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

// authenticateOn is a client of user on that loop, before it binds a resource. It
// takes the ends of the sessions by which it has found the loop out of closed.
func (s *server) authenticateOn(t *testing.T, loop int, user string, closed <-chan string) *client {
	t.Helper()
	for range 3 { // connections are given to the loops in turn
		c := s.connect(t, "pipe")
		c.open()
		c.authenticate(user)
		c.bind("which")
		on := s.LoopOf(user + "@localhost/which")
		c.send("</stream:stream>")
		c.expectEnd()
		<-closed
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
			names := make([]string, 300) // where one is at home is random: one of so many is at home on loop 2
			for i := range names {
				names[i] = fmt.Sprint("u", i)
			}
			s := serve(t, func(cfg *engine.Config) {
				cfg.Loops, cfg.Auth = 3, newAccounts(names...)
				seen.watch(cfg)
			})
			user := names[slices.IndexFunc(names, func(name string) bool { return s.HomeLoop(name+"@localhost") == 2 })]
			full := user + "@localhost/r"
			told := func(loop int) { // what the loop has to tell the home has reached it
				s.Stall(loop)()
				s.HomeKnows(user + "@localhost")
			}
			others := []*client{s.authenticateOn(t, 1, user, seen.closed), s.authenticateOn(t, 2, user, seen.closed)}
			first := s.authenticateOn(t, 0, user, seen.closed)
			first.bind("r")
			first.sync()
			for loop := range 3 {
				told(loop)
			}
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
			told(1)
			release()
			first.expectStreamError("conflict")
			<-seen.closed
			if successor {
				others[1].sync()
			}
			wantSessions := len(want) - 1
			await.True(t, "the home knows its sessions", func() bool {
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
