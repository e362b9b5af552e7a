package engine

import (
	"sync"
	"sync/atomic"

	"github.com/xylem-im/xylem/internal/invariants"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

// batch carries what one loop turn, or one worker, hands to a loop. The bytes
// of its entries lie in data one after the other, so that several stanzas to
// one connection leave in one piece. Ownership passes with push; the loop that
// took it gives it back to the pool when its writes are done.
type batch struct {
	next    *batch
	data    []byte
	entries []entry
}

// entry is one item of a batch: a stanza, input of an in-process connection,
// or a control.
type entry struct {
	to        routing.Mailbox
	kind      entryKind
	back      bool   // for entryRemote: it returns from a stream that has ended
	wanted    bool   // there is a receipt of origin and seq: for entryStanza, entryShared, entryRemote, entryPeer
	off, end  uint32 // in batch.data, for all but entryShared, entryControl and entrySettled
	seq       uint32 // of a receipt; entrySettled is for those from seq to end
	origin    routing.Mailbox
	key       uint64  // how the journal calls the stanza; 0: not at all
	shared    *shared // for entryShared
	addressee string  // for entryShared that leaves room for a to attribute; for entryRemote and entryPeer the local domain
	ctl       control // for entryControl; for entryRemote and entryPeer the *remoteDomain, for entryComponent the *componentDomain
}

type entryKind uint8

const (
	entryStanza    entryKind = iota // a rendered stanza for a bound session
	entryCopy                       // the same; it is dropped when the session has ended
	entryShared                     // the same, one copy for many recipients
	entryInput                      // bytes that an in-process peer sent
	entryControl                    // something to do on the loop
	entryRemote                     // a rendered stanza for a remote domain that is at home here
	entryPeer                       // the same, for the stream that takes it there
	entryComponent                  // a rendered stanza for the stream of a component
	entrySettled                    // what a session holds was dealt with
)

// add appends an entry for mb, to be filled in where it lies: one that is made
// elsewhere and copied is read before its last words are written, which takes the
// processor longer than all the rest.
func (b *batch) add(mb routing.Mailbox, kind entryKind) *entry {
	b.entries = append(b.entries, entry{})
	e := &b.entries[len(b.entries)-1]
	e.to, e.kind = mb, kind
	return e
}

// addStanza appends the stanza that lies in data from off on, the last one there.
func (b *batch) addStanza(mb routing.Mailbox, off int) *entry {
	e := b.add(mb, entryStanza)
	e.off, e.end = uint32(off), uint32(len(b.data))
	return e
}

// receipt is who waits for the stanza.
func (e *entry) receipt() receipt { return receipt{e.origin, e.seq, e.wanted, e.key} }

// control is done on the loop that it was sent to. c is nil when it was
// addressed to a connection that has gone, or to none.
type control interface {
	apply(l *loop, c *conn)
}

// shared is a stanza rendered once for any number of recipients.
type shared struct {
	refs atomic.Int32
	data []byte
	toAt int // where each copy gets its to attribute; 0: nowhere

	sessions []routing.Mailbox // those of an account that get the same message
}

const (
	// keepBatchBytes bounds what a pooled batch may hold on to.
	keepBatchBytes = 256 << 10
	// fullBatchBytes is where a batch is handed over in the middle of a turn, or the next
	// one begun. One that grew on could not be pooled.
	fullBatchBytes = 128 << 10
)

// batchPool recycles batches and shared stanzas. Safe for concurrent use.
type batchPool struct {
	batches, shares sync.Pool
}

func (p *batchPool) get() *batch {
	if b, ok := p.batches.Get().(*batch); ok {
		return b
	}
	return &batch{}
}

func (p *batchPool) put(b *batch) {
	for i := range b.entries {
		if s := b.entries[i].shared; s != nil {
			p.release(s)
		}
	}
	if cap(b.data) > keepBatchBytes {
		return
	}
	invariants.Poison(b.data)
	clear(b.entries)
	b.next, b.data, b.entries = nil, b.data[:0], b.entries[:0]
	p.batches.Put(b)
}

// share returns an empty shared stanza with one reference, the caller's.
func (p *batchPool) share() *shared {
	s, ok := p.shares.Get().(*shared)
	if !ok {
		s = &shared{}
	}
	s.refs.Store(1)
	s.toAt, s.sessions = 0, s.sessions[:0]
	return s
}

// addressed is a copy with its to attribute.
func (s *shared) addressed(to string) []byte {
	if s.toAt == 0 {
		return append([]byte(nil), s.data...)
	}
	b := append([]byte(nil), s.data[:s.toAt]...)
	b = stanza.AppendAttr(b, "to", to)
	return append(b, s.data[s.toAt:]...)
}

func (p *batchPool) release(s *shared) {
	if s.refs.Add(-1) > 0 {
		return
	}
	if cap(s.data) <= keepBatchBytes {
		invariants.Poison(s.data)
		s.data = s.data[:0]
		p.shares.Put(s)
	}
}

// inbox is where other goroutines leave batches for a loop: a stack that the
// loop takes whole. push may be called from anywhere, takeAll by the loop only.
type inbox struct {
	head   atomic.Pointer[batch] // &asleep: it is empty, and the loop sleeps
	asleep batch                 // its address only
}

// push adds a batch and tells whether the loop sleeps and must be woken. One that
// is awake looks at its inbox before it sleeps.
func (in *inbox) push(b *batch) (wake bool) {
	for {
		old := in.head.Load()
		if b.next = old; old == &in.asleep {
			b.next = nil
		}
		if in.head.CompareAndSwap(old, b) {
			return old == &in.asleep
		}
	}
}

// mayRest notes that the loop goes to sleep, until rouse; false when there is
// something in the inbox. Loop only.
func (in *inbox) mayRest() bool { return in.head.CompareAndSwap(nil, &in.asleep) }

// isEmpty tells whether there is nothing in the inbox of a loop that is awake.
func (in *inbox) isEmpty() bool { return in.head.Load() == nil }

// rouse notes that the loop is awake. Loop only.
func (in *inbox) rouse() { in.head.CompareAndSwap(&in.asleep, nil) }

// takeAll empties the inbox of a loop that is awake, or has ended; the batches come in
// the order of their pushes.
func (in *inbox) takeAll() *batch {
	var first *batch
	b := in.head.Load()
	if b != nil {
		b = in.head.Swap(nil)
	}
	for b != nil {
		next := b.next
		b.next = first
		first, b = b, next
	}
	return first
}
