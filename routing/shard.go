package routing

import (
	"sync"
	"unsafe"
)

// shard holds the accounts whose hashes begin with the same bits. What is here
// is for writers, who hold mu; readers come to the chunk by the directory.
//
// Records are written one behind another. Those that were replaced or removed
// stay, dead, as readers may be there. When there is no room for another one, the
// live ones move to a new chunk, and the old chunk goes when the last reader,
// and the last string that refers to it, has gone.
type shard struct {
	mu     sync.Mutex
	split  bool     // its accounts have moved: look into the directory again
	bits   uint8    // how many
	groups int32    // a power of two
	live   int32    // slots with an account
	used   int32    // slots that are not free, see isFull
	next   int32    // the first word that no record has had
	dead   int32    // words of records that are no more
	words  []uint64 // the chunk
}

// newShard has so many groups, and room for so many words of records.
func newShard(bits uint8, groups, words int) *shard {
	return &shard{bits: bits, groups: int32(groups), next: int32(groups * groupWords), words: newChunk(groups, words)}
}

func (s *shard) chunk() *chunk { return (*chunk)(unsafe.SliceData(s.words)) }
func (s *shard) mask() uint64  { return uint64(s.groups - 1) }

// isFull tells whether no other slot may be taken: one of eight stays free, so
// that probing ends soon.
func (s *shard) isFull() bool { return 8*int(s.used) >= 7*int(s.groups)*groupSlots }

// hasRoom tells whether a record of so many words can be written.
func (s *shard) hasRoom(words int) bool { return words <= len(s.words)-int(s.next) }

// liveWords is what the records of all accounts take.
func (s *shard) liveWords() int { return int(s.next-s.dead) - int(s.groups)*groupWords }

// find is the record of an account, none without one.
func (s *shard) find(h uint64, local string) record { return s.chunk().find(h, s.mask(), local) }

// slotFor is where an account that is not there goes: the first slot of its
// probe that has none.
func (s *shard) slotFor(h uint64) (*group, int) {
	for i := h & s.mask(); ; i = (i + 1) & s.mask() {
		g := s.chunk().group(i)
		if found := g.find(free) | g.find(gone); found != 0 {
			return g, found.first()
		}
	}
}

// slotOf is the slot of a record that is there.
func (s *shard) slotOf(h uint64, r record) (*group, int) {
	for i := h & s.mask(); ; i = (i + 1) & s.mask() {
		g := s.chunk().group(i)
		for found := g.find(tagOf(h)); found != 0; found = found.rest() {
			if at := found.first(); s.chunk().record(g.offsets[at].Load()) == r {
				return g, at
			}
		}
	}
}

// write makes a record that readers do not know yet. There must be room.
func (s *shard) write(words int, local string, entries []Entry) (offset uint32) {
	offset = uint32(s.next)
	s.next += int32(words)
	s.chunk().record(offset).write(local, entries)
	return offset
}

// copy makes a record like r, which may be in another chunk.
func (s *shard) copy(r record) (offset uint32) {
	offset = uint32(s.next)
	s.next += int32(copy(s.words[offset:], unsafe.Slice((*uint64)(unsafe.Pointer(r.header)), r.words())))
	return offset
}

// insert enters an account that is not there.
func (s *shard) insert(h uint64, offset uint32) {
	g, i := s.slotFor(h)
	if g.tag(i) == free {
		s.used++
	}
	s.live++
	g.offsets[i].Store(offset)
	g.setTag(i, tagOf(h))
}

// replace gives an account another record than old.
func (s *shard) replace(h uint64, old record, offset uint32) {
	g, i := s.slotOf(h, old)
	g.offsets[i].Store(offset)
	s.dead += int32(old.words())
}

// remove takes an account out. Its slot is free only if probes for others ended
// at the group before.
func (s *shard) remove(h uint64, old record) {
	g, i := s.slotOf(h, old)
	s.live--
	s.dead += int32(old.words())
	if g.find(free) == 0 {
		g.setTag(i, gone)
		return
	}
	g.setTag(i, free)
	s.used--
}
