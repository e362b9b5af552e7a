package im_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/storage/memory"
)

// gated finds no server before the gate is open.
type gated struct {
	*enginetest.World
	open chan struct{}
}

func (g gated) Find(ctx context.Context, domain string, step func(string)) ([]s2s.Target, error) {
	select {
	case <-g.open:
		return g.World.Find(ctx, domain, step)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// beforeGate is a world with far.example, where bob is, and servers of localhost, one
// after the other on one store, which reach it through a gate.
type beforeGate struct {
	t     *testing.T
	world *enginetest.World
	store *memory.Driver
	gate  gated
	bob   *client
}

func newBeforeGate(t *testing.T) *beforeGate {
	far := federated(t, "far.example")["far.example"]
	g := &beforeGate{t: t, world: far.world, store: memory.New(memory.Options{MaxBytes: 64 << 20}), bob: far.login("bob@far.example/r", "<presence/>")}
	g.gate = gated{far.world, make(chan struct{})}
	return g
}

func (g *beforeGate) start(drain time.Duration) *server {
	return startIn(g.t, g.world, func(c *engine.Config) {
		c.Store, c.Auth, c.DurableAck = survivor{g.store}, anybody{g.store}, true
		c.Limits.DrainTime = drain
		c.Federation.Connector = g.gate
	}, "localhost")
}

// asked is the h that the server answers to <r/>.
func (m *managed) asked() int {
	m.t.Helper()
	m.send("<r xmlns='urn:xmpp:sm:3'/>")
	return m.acknowledged()
}

func (m *managed) acknowledged() int {
	m.t.Helper()
	_, e := m.until(func(e *element) bool { return e.is("a") })
	h, err := strconv.Atoi(e.attr("h"))
	if err != nil {
		m.t.Fatal(e)
	}
	return h
}

// talksTo sends messages to bob with the ids m0, m1, …
func (m *managed) talksTo(bob *client, n int) {
	for i := range n {
		m.send("<message to='%s' type='chat' id='m%d'><body>x</body></message>", bob.jid, i)
	}
}

// wantIDs takes the messages m0 to m(n-1) in their order.
func wantIDs(c *client, n int, isGood func(*element) bool) {
	c.t.Helper()
	for i := range n {
		_, e := c.until(func(e *element) bool { return e.is("message") })
		if e.attr("id") != fmt.Sprintf("m%d", i) || !isGood(e) {
			c.t.Errorf("%s got %s, want m%d", c.jid, e, i)
		}
	}
}

// A message for another server counts as handled when that has it: as long as it
// waits in memory its sender would lose it with this server.
func TestAcknowledgedByAnotherServer(t *testing.T) {
	g := newBeforeGate(t)
	alice := g.start(time.Second).loginManaged("alice@localhost/r", "<presence/>")
	before := alice.asked()
	alice.talksTo(g.bob, 2)
	if h := alice.asked(); h != before {
		t.Errorf("%d of what waits in memory were acknowledged", h-before)
	}
	close(g.gate.open)
	for h := before; h != before+2; { // in one step or two
		if h = alice.acknowledged(); h > before+2 {
			t.Fatalf("h is %d, want %d", h, before+2)
		}
	}
	wantIDs(g.bob, 2, func(e *element) bool { return e.child("body").Text == "x" })
}

// A message that no server can be found for counts when its sender has the error.
func TestAcknowledgedByAnError(t *testing.T) {
	g := newBeforeGate(t)
	close(g.gate.open)
	alice := g.start(time.Second).loginManaged("alice@localhost/r", "<presence/>")
	before := alice.asked()
	for i := range 2 {
		alice.send("<message to='bob@nowhere.example' type='chat' id='m%d'><body>x</body></message>", i)
	}
	wantIDs(alice.client, 2, func(e *element) bool { return e.condition() == "remote-server-not-found" })
	if h := alice.asked(); h != before+2 {
		t.Errorf("h is %d, want %d", h, before+2)
	}
}

// Without durable acknowledgement what waits in memory counts at once.
func TestAcknowledgedInMemory(t *testing.T) {
	g := newBeforeGate(t)
	s := startIn(t, g.world, func(c *engine.Config) {
		c.DurableAck, c.Federation.Connector = false, g.gate
	}, "localhost")
	alice := s.loginManaged("alice@localhost/r", "<presence/>")
	before := alice.asked()
	alice.talksTo(g.bob, 2)
	if h := alice.asked(); h != before+2 {
		t.Errorf("h is %d, want %d", h, before+2)
	}
	close(g.gate.open)
	wantIDs(g.bob, 2, func(e *element) bool { return e.child("body").Text == "x" })
}

// What waits for another server when this one stops is sent, if it can be, or its
// sender is told, if only after the restart.
func TestStopWhileMessagesWaitForAnotherServer(t *testing.T) {
	for _, reached := range []bool{true, false} {
		t.Run(fmt.Sprintf("reached=%v", reached), func(t *testing.T) {
			g := newBeforeGate(t)
			drain := 2 * time.Second
			if reached {
				drain = patience
			}
			s := g.start(drain)
			alice := s.loginManaged("alice@localhost/r", "<presence/>")
			const count = 5
			before := alice.asked()
			alice.talksTo(g.bob, count)
			alice.asked() // the server has read them
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, err := alice.read(); err == nil; _, err = alice.read() {
				}
				_ = alice.conn.Close()
				if reached {
					close(g.gate.open) // the server is stopping
				}
			}()
			s.stop()
			<-ended
			alice = alice.resume(g.start(time.Second), alice.in)
			if !reached {
				wantIDs(alice.client, count, func(e *element) bool { return e.condition() == "remote-server-timeout" })
			}
			if h := alice.asked(); h != before+count {
				t.Errorf("h is %d, want %d", h, before+count)
			}
			if reached {
				wantIDs(g.bob, count, func(e *element) bool { return e.child("body").Text == "x" })
				alice.sync()
				return
			}
			close(g.gate.open)
			alice.talksTo(g.bob, 1)
			wantIDs(g.bob, 1, func(e *element) bool { return true }) // and nothing came before
		})
	}
}
