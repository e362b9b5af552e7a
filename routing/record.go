package routing

import (
	"sync/atomic"
	"unsafe"
)

// record is the sessions of one account as they lie in a chunk: a header, count
// sessions, count lengths of resourceparts as uint16, the localpart, and the
// resourceparts, each part right behind the one before and without padding. One
// of a single session takes 48 bytes with names of 30.
//
// All is written before readers can come to it, and nothing but the marks
// changes afterwards: an account that gets or loses a session gets another
// record. So strings that refer to a record stay as they are, and keep its chunk.
type record struct{ *header }

// header is how long the localpart is and how many sessions there are, at least
// one.
type header uint32

const (
	localBits = 10 // enough for jid.MaxPart
	localMask = 1<<localBits - 1
)

func newHeader(local, count int) header { return header(count<<localBits | local) }
func (h header) local() int             { return int(h & localMask) }
func (h header) count() int             { return int(h >> localBits) }

// session is an [Entry] without its name. The mailbox is in halves, as a record
// has no gap to align it.
type session struct {
	mailbox [2]uint32
	marks   atomic.Uint32 // what changes of an Entry, see [Entry.marks]
}

const (
	headerSize  = unsafe.Sizeof(header(0))
	sessionSize = unsafe.Sizeof(session{})
	lengthSize  = unsafe.Sizeof(uint16(0))
)

// recordWords is what a record of these entries takes.
func recordWords(local string, entries []Entry) int {
	n := len(local)
	for i := range entries {
		n += len(entries[i].Resource)
	}
	return wordsOf(len(entries), n)
}

// wordsOf is what a record of so many sessions and bytes of names takes.
func wordsOf(count, names int) int {
	return (int(headerSize) + count*int(sessionSize+lengthSize) + names + int(wordSize) - 1) / int(wordSize)
}

// write makes the memory at r, of recordWords, a record of these entries.
func (r record) write(local string, entries []Entry) {
	*r.header = newHeader(len(local), len(entries))
	at := r.names()
	at += r.put(at, local)
	for i := range entries {
		e := &entries[i]
		r.session(i).mailbox = [2]uint32{uint32(e.Mailbox), uint32(e.Mailbox >> 32)}
		r.setMarks(i, e)
		*r.length(i) = uint16(len(e.Resource))
		at += r.put(at, e.Resource)
	}
}

// put copies s to the bytes at an offset.
func (r record) put(at uintptr, s string) uintptr {
	return uintptr(copy(unsafe.Slice((*byte)(r.at(at)), len(s)), s))
}

// text is n bytes at an offset.
func (r record) text(at uintptr, n int) string { return unsafe.String((*byte)(r.at(at)), n) }

// at is what lies at an offset in bytes, which must be within the record: not
// even the address behind it is calculated.
func (r record) at(offset uintptr) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(r.header), offset)
}

// none tells that there is no record.
func (r record) none() bool { return r.header == nil }

// session is that at i, in the order in which they were bound.
func (r record) session(i int) *session {
	return (*session)(r.at(headerSize + uintptr(i)*sessionSize))
}

// length is the bytes of the resourcepart at i.
func (r record) length(i int) *uint16 {
	return (*uint16)(r.at(headerSize + uintptr(r.count())*sessionSize + uintptr(i)*lengthSize))
}

// names is the offset of the localpart; the resourceparts follow it.
func (r record) names() uintptr { return headerSize + uintptr(r.count())*(sessionSize+lengthSize) }

// localpart is the account's name.
func (r record) localpart() string { return r.text(r.names(), r.local()) }

// words is how much memory the record takes.
func (r record) words() int {
	names := r.local()
	for i := range r.count() {
		names += int(*r.length(i))
	}
	return wordsOf(r.count(), names)
}

// find is the index of a resource and its name as the record holds it; -1 if it
// is not there, as in the record of nobody.
func (r record) find(resource string) (int, string) {
	if r.none() {
		return -1, ""
	}
	at := r.names() + uintptr(r.local())
	for i := range r.count() {
		n := int(*r.length(i))
		if n == len(resource) {
			if name := r.text(at, n); name == resource {
				return i, name
			}
		}
		at += uintptr(n)
	}
	return -1, ""
}

// entry is the session at i, whose name is given.
func (r record) entry(i int, name string) Entry {
	s := r.session(i)
	e := Entry{Resource: name, Mailbox: Mailbox(s.mailbox[0]) | Mailbox(s.mailbox[1])<<32}
	e.setMarks(s.marks.Load())
	return e
}

// setMarks changes what may change of the session at i.
func (r record) setMarks(i int, e *Entry) { r.session(i).marks.Store(e.marks()) }

// append appends all sessions to dst.
func (r record) append(dst []Entry) []Entry {
	if r.none() {
		return dst
	}
	at := r.names() + uintptr(r.local())
	for i := range r.count() {
		n := int(*r.length(i))
		dst = append(dst, r.entry(i, r.text(at, n)))
		at += uintptr(n)
	}
	return dst
}
