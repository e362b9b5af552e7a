package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/offline"
)

// twoOfOne is an account with managed sessions a on loop 0 and b on loop 1, which is
// at home on another loop than carol's sessions, and stores messages.
type twoOfOne struct {
	*server
	user   string
	home   int
	a, b   *client
	closed chan string
	store  *memory.Driver
}

func newTwoOfOne(t *testing.T, home int) *twoOfOne {
	t.Helper()
	names := make([]string, 300) // where one is at home is random
	for i := range names {
		names[i] = fmt.Sprint("u", i)
	}
	w := &twoOfOne{home: home, store: memory.New(memory.Options{}), closed: make(chan string, 16)}
	w.server = serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.Auth, cfg.Store, cfg.DurableAck = 3, newAccounts(names...), w.store, true
		cfg.Hooks.SessionClosed = func(s engine.SessionInfo, _ error) { w.closed <- s.JID.String() }
		cfg.Extensions = func(r *xep.Registry) error { return offline.New(offline.Options{})(r) }
	})
	w.user = names[slices.IndexFunc(names, func(name string) bool { return w.HomeLoop(name+"@localhost") == home })]
	join := func(loop int, resource string) *client {
		c := w.authenticateOn(t, loop, w.user, w.closed)
		c.bind(resource)
		c.enable()
		c.send("<presence/>")
		for range c.sync() {
		}
		return c
	}
	w.a, w.b = join(0, "a"), join(1, "b")
	return w
}

func (w *twoOfOne) bare() string { return w.user + "@localhost" }

func (w *twoOfOne) message() string {
	return "<message from='carol@localhost/c' to='" + w.bare() + "' type='chat' id='m'><body>0</body></message>"
}

// stored is how many messages are, behind what has reached the home.
func (w *twoOfOne) stored() int {
	w.HomeKnows(w.bare())
	return len(w.store.Read(&storage.Op{Kind: storage.Scan, Owner: w.bare(), Collection: "offline"}).Items)
}

// leaves ends a session, and waits until its home knows.
func (w *twoOfOne) leaves(c *client) {
	c.send("</stream:stream>")
	for _, err := c.read(); err == nil; _, err = c.read() {
	}
	<-w.closed
	for loop := range 2 { // what it leaves is at the home, and what that does with it
		w.Stall(loop)()
		w.HomeKnows(w.bare())
	}
}

// An heir whose copy is still on its way when the other session ends is waited for:
// the message is stored until it has acknowledged.
func TestHeirWhoseCopyIsOnItsWay(t *testing.T) {
	t.Parallel()
	w := newTwoOfOne(t, 1)
	release := w.RouteInPart(2, 0, w.message()) // b gets nothing yet
	w.a.expectBodies(0, 1)
	w.leaves(w.a)
	release()
	w.b.expectBodies(0, 1)
	await.Equal(t, "stored messages", w.stored, 1)
	w.b.send("<a xmlns='%s' h='2'/>", nsManage)
	await.Equal(t, "stored messages", w.stored, 0)
}

// A message that one session has acknowledged is not stored for it when the other one
// ends without having done so.
func TestHeirThatHasAcknowledged(t *testing.T) {
	t.Parallel()
	w := newTwoOfOne(t, 2)
	if err := w.Inject([]byte(w.message())); err != nil {
		t.Fatal(err)
	}
	w.a.expectBodies(0, 1)
	w.b.expectBodies(0, 1)
	w.b.send("<a xmlns='%s' h='2'/>", nsManage)
	w.b.sync()
	w.leaves(w.a)
	await.Equal(t, "stored messages", w.stored, 0)
}

// Two sessions that end at the same instant, as their resources are bound anew, leave
// one copy of the message that both have; so does one whose copy was on its way.
func TestHeirsThatEndTogether(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late=%v", late), func(t *testing.T) {
			t.Parallel()
			w := newTwoOfOne(t, 2)
			again := []*client{w.authenticateOn(t, 0, w.user, w.closed), w.authenticateOn(t, 1, w.user, w.closed)}
			var onItsWay func()
			if late { // b's copy stays on loop 2, and so does all that the home is told
				onItsWay = w.RouteInPart(2, 0, w.message())
			} else {
				if err := w.Inject([]byte(w.message())); err != nil {
					t.Fatal(err)
				}
				w.b.expectBodies(0, 1)
				onItsWay = w.Stall(2)
			}
			w.a.expectBodies(0, 1)
			for i, resource := range []string{"a", "b"} {
				again[i].send("<iq type='set' id='bind'><bind xmlns='%s'><resource>%s</resource></bind></iq>", nsBind, resource)
				<-w.closed
			}
			onItsWay()
			for i, c := range again {
				c.expect("iq")
				c.jid = w.bare() + "/" + string("ab"[i])
				c.sync()
			}
			await.True(t, "more are stored", func() bool { return w.stored() > 0 })
			if err := w.Inject([]byte(strings.ReplaceAll(w.message(), "id='m'", "id='n'"))); err != nil {
				t.Fatal(err)
			}
			await.True(t, "more are stored", func() bool { return w.stored() > 1 })
			if n := w.stored(); n != 2 {
				t.Errorf("%d messages are stored, want one of each", n)
			}
		})
	}
}
