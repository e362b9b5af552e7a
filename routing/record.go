package routing

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// record is the sessions of one account as they lie in a chunk: a header, count
// sessions, count lengths of resourceparts as uint16, the localpart, and the
// resourceparts, each part right behind the one before and without padding. One
// of a single session takes 48 bytes with names of 26.
//
// All is written before readers can come to it, and nothing but the marks
// changes afterwards: an account that gets or loses a session gets another
// record. So strings that refer to a record stay as they are, and keep its chunk.
type record struct{ *header }

// header is how long the localpart is, how many sessions there are, at least
// one, and a tag of each of the first tagged resourceparts, see resourceTag. A
// reader compares all tags at once, so that it need not go through the sessions.
type header uint64

const (
	localBits = 10 // enough for jid.MaxPart
	localMask = 1<<localBits - 1
	countBits = 22
	countMask = 1<<countBits - 1
	tagsShift = localBits + countBits
	tagged    = (64 - tagsShift) / 8
)

func newHeader(local string, entries []Entry) header {
	h := uint64(len(local)) | uint64(len(entries))<<localBits
	for i := range min(len(entries), tagged) {
		h |= resourceTag(entries[i].Resource) << (tagsShift + 8*i)
	}
	return header(h)
}

func (h header) local() int { return int(h & localMask) }
func (h header) count() int { return int(h >> localBits & countMask) }

// resourceTag is a byte that depends on the end of a resourcepart and is not 0.
func resourceTag(resource string) uint64 {
	p, n := address(resource), len(resource)
	switch {
	case n >= 8:
		return tagOfEnd(word(unsafe.Add(p, n-8)))
	case n >= 4:
		return tagOfEnd(half(unsafe.Add(p, n-4)))
	case n > 0:
		return tagOfEnd(uint64(resource[n-1]))
	}
	return tagOfEnd(0)
}

// tagOfEnd is the tag of a resourcepart whose last bytes are given, see ends.
func tagOfEnd(last uint64) uint64 { return last*0x9E3779B97F4A7C15>>56 | 1 }

// find is the sessions with a tag, bit 8i+7 is session i, and perhaps others behind
// one of them.
func (h header) find(tag uint64) sessionSet {
	return sessionSet(uint32(equalBytes(uint64(h>>tagsShift), tag)))
}

type sessionSet uint32

func (s sessionSet) first() int       { return bits.TrailingZeros32(uint32(s)) >> 3 }
func (s sessionSet) rest() sessionSet { return s & (s - 1) }

// session is an [Entry] without its name. The mailbox is in halves, as a record
// has no gap to align it.
type session struct {
	mailbox [2]uint32
	marks   atomic.Uint32 // [Marks]
}

const (
	headerSize  = unsafe.Sizeof(header(0))
	sessionSize = unsafe.Sizeof(session{})
	lengthSize  = unsafe.Sizeof(uint16(0))
	// leastWords holds the word that begins with the length of an only session, see lengths.
	leastWords = 4
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
	return max(leastWords, (int(headerSize)+count*int(sessionSize+lengthSize)+names+int(wordSize)-1)/int(wordSize))
}

// write makes the memory at r, of recordWords, a record of these entries.
func (r record) write(local string, entries []Entry) {
	*r.header = newHeader(local, entries)
	at := r.names()
	at += r.put(at, local)
	for i := range entries {
		e := &entries[i]
		r.session(i).mailbox = [2]uint32{uint32(e.Mailbox), uint32(e.Mailbox >> 32)}
		r.setMarks(i, e.Marks)
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

// find is the index of a resource, and its name as the record holds it; -1 if it
// is not there, as in the record of nobody.
func (r record) find(resource string) (int, string) {
	if r.none() {
		return -1, ""
	}
	names := r.names() + uintptr(r.local())
	for set := r.header.find(resourceTag(resource)); set != 0 && set.first() < r.count(); set = set.rest() {
		i, l := set.first(), r.lengths()
		if name := r.text(names+l.before(i), l.at(i)); name == resource {
			return i, name
		}
	}
	if r.count() > tagged {
		return r.findBehind(resource)
	}
	return -1, ""
}

// lengths are those of the resourceparts with a tag, 16 bits each.
type lengths uint64

// lengths of a record with fewer sessions has other bytes behind them.
func (r record) lengths() lengths {
	return lengths(word(r.at(headerSize + uintptr(r.count())*sessionSize)))
}

func (l lengths) at(i int) int { return int(l >> (16 * i & 63) & 0xffff) }

// before is the sum of those before i, added up without a branch.
func (l lengths) before(i int) uintptr {
	const ones = 0x0001_0001_0001_0001
	return uintptr(l & (1<<(16*i&63) - 1) * ones >> 48)
}

// findBehind is find among the sessions without a tag.
func (r record) findBehind(resource string) (int, string) {
	at := r.names() + uintptr(r.local())
	for i := range r.count() {
		n := int(*r.length(i))
		if i >= tagged && n == len(resource) {
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
	return Entry{name, Mailbox(s.mailbox[0]) | Mailbox(s.mailbox[1])<<32, unpack(s.marks.Load())}
}

// setMarks changes what may change of the session at i.
func (r record) setMarks(i int, m Marks) { r.session(i).marks.Store(m.pack()) }

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
