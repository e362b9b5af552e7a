package engine

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/dchest/siphash"
)

// The journal (Config.Journal) says what clients that may resume their sessions
// were given, and what they have acknowledged, in memory that is still there when
// the process is not: so the next one can tell which messages would come twice, see
// recall. Every loop writes into a ring of its own, which costs three stores for a
// message and no call of the system.
//
//	header   magic, number of rings, key of 2 words, 4 words to spare
//	rings    index of the next entry, entries
//	entry    session, message or 0, number
//
// The entry of a message says which of the session's stanzas it was, that of an
// acknowledgement up to which one. Both session and message are hashes with the
// key: nothing in the journal lets anybody in, or tells who wrote to whom.
type journal struct {
	words []uint64
	key   [2]uint64
	rings []journalRing
}

// journalRing is the part of a loop, which alone writes there.
type journalRing []uint64

const (
	journalMagic  = uint64(0x32006c616e72756f) // "ournal\x002": its version
	journalKind   = uint64(1)<<56 - 1          // the part of the magic that all versions have
	journalHeader = 8
	journalEntry  = 3
	// journalLeast is the least size of a journal, bytes, and ringLeast that of the
	// part of a loop, words.
	journalLeast = 64 << 10
	ringLeast    = 64
)

// openJournal goes on with what mem holds, if that is a journal, and tells what the
// process before this one has left in it.
func openJournal(mem []byte, loops int) (*journal, *recall, error) {
	if least := max(journalLeast, 8*ringLeast*loops); len(mem) < least || uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%8 != 0 {
		return nil, nil, fmt.Errorf("engine: Journal: %d bytes, want at least %d, aligned to 8", len(mem), least)
	}
	j := &journal{words: unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(mem))), len(mem)/8)}
	var left *recall
	if j.words[0] == journalMagic && j.words[1] > 0 && j.words[1] <= uint64(len(j.words)/ringLeast) {
		j.readKey()
		left = newRecall(j.ringsOf(int(j.words[1])))
	}
	if left == nil || j.words[1] != uint64(loops) {
		if err := j.format(loops, left != nil); err != nil {
			return nil, nil, err
		}
	}
	j.rings = j.ringsOf(loops)
	return j, left, nil
}

// isForeign tells whether mem is a journal of another version of the format. What it has
// is not known: its keys were made otherwise.
func isForeign(mem []byte) bool {
	if len(mem) < 8 {
		return false
	}
	magic := binary.NativeEndian.Uint64(mem)
	return magic != journalMagic && magic&journalKind == journalMagic&journalKind
}

// format makes an empty journal. One that was read keeps its key, by which what was
// read is known.
func (j *journal) format(loops int, keepKey bool) error {
	if j.words[0] != 0 { // else it is new: pages that nobody has touched take no memory
		clear(j.words[journalHeader:])
	}
	if !keepKey {
		var key [16]byte
		if _, err := rand.Read(key[:]); err != nil {
			return fmt.Errorf("engine: random numbers: %w", err)
		}
		for i := range j.key {
			j.words[2+i] = binary.BigEndian.Uint64(key[8*i:])
		}
		j.readKey()
	}
	j.words[1] = uint64(loops)
	atomic.StoreUint64(&j.words[0], journalMagic)
	return nil
}

func (j *journal) readKey() {
	copy(j.key[:], j.words[2:])
}

// ringsOf divides the journal.
func (j *journal) ringsOf(n int) (rings []journalRing) {
	size := (len(j.words) - journalHeader) / n
	for i := range n {
		rings = append(rings, j.words[journalHeader+i*size:][:size:size])
	}
	return rings
}

// add writes an entry. It may end in the middle: the first word is written last.
func (r journalRing) add(session, message uint64, number uint32) {
	next, most := r[0], uint64(len(r)-1)/journalEntry
	if next >= most {
		next = 0
	}
	e := r[1+next*journalEntry:][:journalEntry]
	atomic.StoreUint64(&e[0], 0)
	atomic.StoreUint64(&e[1], message)
	atomic.StoreUint64(&e[2], uint64(number))
	atomic.StoreUint64(&e[0], session)
	atomic.StoreUint64(&r[0], next+1)
}

// all calls yield for each entry.
func (r journalRing) all(yield func(session uint64, g journalled) bool) {
	for e := r[1:]; len(e) >= journalEntry; e = e[journalEntry:] {
		if e[0] != 0 && !yield(e[0], journalled{e[1], uint32(e[2])}) {
			return
		}
	}
}

// sessionKey is how a session is called in the journal.
func (j *journal) sessionKey(secret []byte) uint64 {
	var b [1 + 16]byte
	return j.hash(append(append(b[:0], 's'), secret...))
}

// messageKey is how a message is called: by its stable id (XEP-0359), which is
// origin-id of its sender if there is one, with both addresses, else stanza-id of
// the recipient's account. 0: it has neither. scratch is the loop's.
func (j *journal) messageKey(from string, to, originID, stanzaID []byte, scratch *[]byte) uint64 {
	b := (*scratch)[:0]
	switch {
	case len(originID) > 0:
		bare, _, _ := strings.Cut(from, "/")
		b = append(append(b, 'o'), bare...)
		b = append(append(b, 0), to...)
		b = append(append(b, 0), originID...)
	case len(stanzaID) > 0:
		b = append(append(b, 'i'), stanzaID...)
	default:
		return 0
	}
	*scratch = b
	return j.hash(b)
}

// hash is what nobody can foretell who does not know the key, and never 0. SipHash is made
// for inputs as short as these, and takes a third of SHA-256's time for them.
func (j *journal) hash(b []byte) uint64 { return max(siphash.Hash(j.key[0], j.key[1], b), 1) }
