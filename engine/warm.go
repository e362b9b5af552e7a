package engine

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/routing"
)

const (
	// warmFrom is the number of connections of a loop from which on it pays to
	// touch memory ahead: those of fewer are in the caches.
	warmFrom = 512
	// warmGroup is how many events or entries are looked at ahead. What they touch
	// (512 bytes or so each) fits into the first-level cache, and they are more than
	// enough to keep all of a core's outstanding misses busy.
	warmGroup = 32
	// cacheLine is the size of what is fetched from memory at once, in bytes.
	cacheLine = 64
	// warmHead is where in a stanza its addressee is looked for, in bytes.
	warmHead = 256
)

// warmth is the connections whose memory is about to be touched, and the look-ups of
// the routing table that will follow.
type warmth struct {
	group   [warmGroup]*conn
	n       int
	looks   [warmGroup]routing.Ahead
	lookUps int
}

func (w *warmth) add(c *conn) {
	if c != nil {
		w.group[w.n] = c
		w.n++
	}
}

// warmEvents reads a byte of each cache line that the input of some sockets is about
// to need.
//
// With thousands of connections much of what a message costs is waiting for
// memory: the connections of its sender and of its receiver are in no cache, and
// their lines are asked for one after the other, as each was needed. Here nothing
// depends on what is read, so the waits of many connections overlap.
func (l *loop) warmEvents(events []unix.EpollEvent) {
	if len(events) < 2 || len(l.slots.table) < warmFrom {
		return
	}
	var w warmth
	for i := range events[:min(len(events), warmGroup)] {
		if s := l.engine.sockets.find(int(events[i].Fd)); s != nil && s.loop == l {
			w.add(s.conn)
		}
	}
	l.warm(&w)
}

// warmEntries does the same for the entries of b from the i-th on, and of the batches
// behind it. It returns how many entries these are.
func (l *loop) warmEntries(b *batch, i int) (entries int) {
	if len(l.slots.table) < warmFrom {
		return warmGroup // as many are not looked at
	}
	var w warmth
	for ; b != nil && entries < warmGroup; b, i = b.next, 0 {
		for ; i < len(b.entries) && entries < warmGroup; i++ {
			entries++
			e := &b.entries[i]
			if e.to != 0 {
				w.add(l.slots.find(e.to))
			}
			if e.kind == entryInput {
				l.lookAhead(&w, b.data[e.off:e.end])
			}
		}
	}
	l.warm(&w)
	return entries
}

// lookAhead adds the look-up that the stanza at the beginning of some input will need,
// if it looks like one to an account of ours. It is a guess, made without a parser:
// nothing depends on it.
func (l *loop) lookAhead(w *warmth, in []byte) {
	_, rest, found := bytes.Cut(in[:min(len(in), warmHead)], toAttribute)
	if !found || len(rest) == 0 {
		return
	}
	address, _, _ := bytes.Cut(rest[1:], rest[:1]) // up to the quote that it begins with
	local, domain, found := bytes.Cut(address, atSign)
	if !found {
		return
	}
	domain, _, _ = bytes.Cut(domain, slash)
	if d := l.engine.table.Domain(unsafe.String(unsafe.SliceData(domain), len(domain))); d != nil {
		w.looks[w.lookUps] = d.Ahead(unsafe.String(unsafe.SliceData(local), len(local)))
		w.lookUps++
	}
}

var toAttribute, atSign, slash = []byte(" to="), []byte("@"), []byte("/")

// warm touches the connections themselves and the slots of addressees, and then what
// they point to: the addresses, what carries them, and the addressees' sessions.
func (l *loop) warm(w *warmth) {
	if w.n < 2 {
		return
	}
	sum := byte(0)
	for i := range w.looks[:w.lookUps] {
		sum += w.looks[i].Slot()
	}
	for _, c := range w.group[:w.n] {
		sum += touch(unsafe.Pointer(c), unsafe.Sizeof(*c))
	}
	for i := range w.looks[:w.lookUps] {
		sum += w.looks[i].Record()
	}
	for _, c := range w.group[:w.n] {
		if text := c.session.JID().String(); len(text) > 0 {
			sum += text[0]
		}
		switch t := c.transport.(type) {
		case *socket:
			sum += byte(t.fd)
		case wireTransport:
			sum += byte(t.w.mailbox)
		}
	}
	l.warmed += sum
}

// touch reads a byte of each line of an object, which need not begin with one.
func touch(p unsafe.Pointer, size uintptr) (sum byte) {
	sum = *(*byte)(unsafe.Add(p, size-1))
	for at := uintptr(0); at < size; at += cacheLine {
		sum += *(*byte)(unsafe.Add(p, at))
	}
	return sum
}
