package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
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
)

// warmth is the connections whose memory is about to be touched.
type warmth struct {
	group [warmGroup]*conn
	n     int
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
			if to := b.entries[i].to; to != 0 {
				w.add(l.slots.find(to))
			}
		}
	}
	l.warm(&w)
	return entries
}

// warm touches the connections themselves, and then what they point to: the addresses,
// and what carries them.
func (l *loop) warm(w *warmth) {
	if w.n < 2 {
		return
	}
	sum := byte(0)
	for _, c := range w.group[:w.n] {
		sum += touch(unsafe.Pointer(c), unsafe.Sizeof(*c))
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

// touch reads a byte of each line of an object.
func touch(p unsafe.Pointer, size uintptr) (sum byte) {
	for at := uintptr(0); at < size; at += cacheLine {
		sum += *(*byte)(unsafe.Add(p, at))
	}
	return sum
}
