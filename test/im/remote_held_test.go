package im_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// apart is alice at near.example and bob's server, far.example, whose store fails
// while broken is set.
type apart struct {
	far    *server
	alice  *managed
	before int // h of alice before her first message
	broken atomic.Bool
}

func newApart(t *testing.T) *apart {
	p := &apart{}
	w := enginetest.NewWorld(t)
	store := memory.New(memory.Options{MaxBytes: 64 << 20})
	p.far = startIn(t, w, func(c *engine.Config) {
		c.Store, c.Auth, c.DurableAck = storagetest.NewFaulty(store, failing(&p.broken)), anybody{store}, true
	}, "far.example")
	p.far.store = store
	p.far.account("bob@far.example")
	near := startIn(t, w, func(c *engine.Config) { c.DurableAck = true }, "near.example")
	p.alice = near.loginManaged("alice@near.example/r", "<presence/>")
	p.before = p.alice.asked()
	return p
}

// failing is a disk that takes nothing while broken is set.
func failing(broken *atomic.Bool) storagetest.Faults {
	return storagetest.Faults{Apply: func([]*storage.Op) error {
		if broken.Load() {
			return errDisk
		}
		return nil
	}}
}

func (p *apart) send(to, id string) {
	p.alice.send("<message to='%s' type='chat' id='%s'><body>x</body></message>", to, id)
}

// withheld wants that none of what alice has sent is acknowledged.
func (p *apart) withheld(t *testing.T) {
	t.Helper()
	if h := p.alice.asked(); h != p.before {
		t.Errorf("%d messages were acknowledged", h-p.before)
	}
}

// given wants that n messages are, by themselves, however many steps that takes.
func (p *apart) given(t *testing.T, n int) {
	t.Helper()
	h := p.alice.acknowledged()
	for h < p.before+n {
		h = p.alice.acknowledged()
	}
	if h != p.before+n {
		t.Errorf("%d messages were acknowledged, want %d", h-p.before, n)
	}
}

// A message from another server counts as handled for that, and so for its sender,
// when the recipient has acknowledged it.
func TestRemoteSenderWaitsForRecipient(t *testing.T) {
	p := newApart(t)
	p.broken.Store(true) // so it is not stored instead
	bob := p.far.loginManaged("bob@far.example/b", "<presence/>")
	carol := p.far.loginManaged("carol@far.example/c", "<presence/>")
	p.send(bob.jid, "1")
	p.send(carol.jid, "2")
	p.withheld(t)
	for _, c := range []*managed{carol, bob} { // h stops before the first that is not dealt with
		if _, e := c.until(func(e *element) bool { return e.is("message") }); e.child("body").Text != "x" {
			t.Errorf("got %s", e)
		}
		p.withheld(t)
		c.ack(c.in + 1)
	}
	p.given(t, 2)
}

// It does, too, when it is stored: for a recipient who says nothing, one who is
// detached, and one who is offline.
func TestRemoteSenderWaitsForStore(t *testing.T) {
	p := newApart(t)
	bob := p.far.loginManaged("bob@far.example/b", "<presence/>")
	p.send(bob.jid, "silent")
	if h := p.alice.asked(); h != p.before+1 {
		p.given(t, 1)
	}
	_ = bob.conn.Close()
	p.far.waitDetached(1)
	p.send(bob.jid, "detached")
	p.send("carol@far.example", "offline") // no such account: an error
	_, e := p.alice.until(func(e *element) bool { return e.is("message") })
	if e.attr("id") != "offline" || e.condition() != "service-unavailable" {
		t.Errorf("got %s", e)
	}
	p.send("bob@far.example", "last")
	if h := p.alice.asked(); h != p.before+4 {
		p.given(t, 4)
	}
	for _, id := range []string{"silent", "detached", "last"} {
		res := p.far.store.Read(&storage.Op{Kind: storage.Scan, Owner: "bob@far.example", Collection: "offline", Limit: 10})
		if !slices.ContainsFunc(res.Items, func(i storage.Item) bool { return bytes.Contains(i.Value, []byte("id='"+id+"'")) }) {
			t.Errorf("%s is acknowledged and not stored: %d are", id, len(res.Items))
		}
	}
}

// One whose client has no stream management has it as soon as it is handed over.
func TestRemoteSenderOfPlainRecipient(t *testing.T) {
	p := newApart(t)
	p.broken.Store(true)
	bob := p.far.login("bob@far.example/b", "<presence/>")
	bob.sync()
	p.send(bob.jid, "1")
	if h := p.alice.asked(); h != p.before+1 { // the other server had no second to answer in
		p.given(t, 1)
	}
}

// Of what a recipient does not acknowledge and nobody can store so much is held for
// one stream; what comes beyond that goes back to its sender.
func TestRemoteSendersAreBounded(t *testing.T) {
	const most, more = 16_384, 100
	var broken atomic.Bool
	w := enginetest.NewWorld(t)
	store := memory.New(memory.Options{MaxBytes: 64 << 20})
	far := startIn(t, w, func(c *engine.Config) {
		c.Store, c.Auth, c.DurableAck = storagetest.NewFaulty(store, failing(&broken)), anybody{store}, true
		c.Limits.UnackedStanzas, c.Limits.UnackedBytes = 2*most, 64<<20
	}, "far.example")
	alice := startIn(t, w, func(c *engine.Config) {
		c.Federation.QueueStanzas, c.Federation.QueueBytes = 2*most, 64<<20
	}, "near.example").login("alice@near.example/r", "<presence/>")
	bob := far.loginManaged("bob@far.example/b", "<presence/>")
	broken.Store(true)
	go func() { // bob reads
		for _, err := bob.read(); err == nil; _, err = bob.read() {
		}
	}()
	go func() {
		for i := range most + more {
			_, _ = fmt.Fprintf(alice.conn, "<message to='%s' type='chat' id='m%d'/>", bob.jid, i)
		}
	}()
	for i := range more {
		_, e := alice.until(func(e *element) bool { return e.is("message") })
		if e.attr("id") != fmt.Sprintf("m%d", most+i) || e.condition() != "resource-constraint" {
			t.Fatalf("got %s", e)
		}
	}
	for _, e := range alice.sync() {
		t.Errorf("got %s", e)
	}
}
