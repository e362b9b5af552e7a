package engine

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
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
	// warmGets is what a message to the client needs of a connection: its beginning and
	// that of its session, in bytes.
	warmGets = unsafe.Offsetof(conn{}.session) + session.Hot
	// warmHead is where in a stanza its addressee is looked for, in bytes.
	warmHead = 256
)

// warmth is the connections whose memory is about to be touched, and the look-ups of
// the routing table that will follow.
type warmth struct {
	group   [warmGroup]warming
	n       int
	looks   [warmGroup]routing.Ahead
	lookUps int
}

// warming is one connection, and whether it has sent something or gets it.
type warming struct {
	conn *conn
	gets bool
}

func (w *warmth) add(c *conn, gets bool) {
	if c != nil {
		w.group[w.n] = warming{c, gets}
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
			w.add(s.conn, false)
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
	type item struct {
		entry *entry
		data  []byte
	}
	var list [warmGroup]item
	sum := byte(0)
	for ; b != nil && entries < warmGroup; b, i = b.next, 0 {
		for ; i < len(b.entries) && entries < warmGroup; i++ {
			e := &b.entries[i]
			list[entries] = item{e, b.data}
			entries++
			sum += l.slots.touch(e.to)
		}
	}
	l.warmed += sum
	var w warmth
	for _, x := range list[:entries] {
		if x.entry.kind == entryInput {
			l.lookAhead(&w, x.data[x.entry.off:x.entry.end])
		}
	}
	for _, x := range list[:entries] {
		if x.entry.to != 0 {
			w.add(l.slots.find(x.entry.to), x.entry.kind != entryInput)
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
	for _, x := range w.group[:w.n] {
		size := unsafe.Sizeof(*x.conn)
		if x.gets {
			size = warmGets
		}
		sum += touch(unsafe.Pointer(x.conn), size)
	}
	for i := range w.looks[:w.lookUps] {
		sum += w.looks[i].Record()
	}
	for _, x := range w.group[:w.n] {
		switch t := x.conn.transport.(type) {
		case *socket:
			sum += byte(t.fd)
		case wireTransport:
			sum += byte(t.w.mailbox)
		}
		if text := x.conn.session.JID().String(); !x.gets && len(text) > 0 {
			sum += text[0]
		}
	}
	for _, x := range w.group[:w.n] {
		if t, ok := x.conn.transport.(wireTransport); ok && x.gets {
			sum += byte(t.buffered()) // what it needs is memory of the peer, which is in no cache either
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
