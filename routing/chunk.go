package routing

import (
	"iter"
	"slices"
	"unsafe"
)

// chunk is the first word of the memory of a shard: groups of slots, then
// records, in one object without pointers. Who has it holds all of it. Readers
// reach everything from it, so a directory of thousands of shards is eight bytes
// each and stays in the cache.
type chunk uint64

const (
	wordSize   = unsafe.Sizeof(chunk(0))
	groupWords = int(unsafe.Sizeof(group{}) / wordSize)
)

// newChunk is the words for so many groups and words of records, or a bit more,
// as the allocator has it.
func newChunk(groups, words int) []uint64 {
	c := slices.Grow([]uint64(nil), groups*groupWords+words)
	return c[:cap(c)]
}

func (c *chunk) group(i uint64) *group {
	return (*group)(unsafe.Add(unsafe.Pointer(c), uintptr(i)*unsafe.Sizeof(group{})))
}

// record is what begins at an offset, in words.
func (c *chunk) record(offset uint32) record {
	return record{(*header)(unsafe.Add(unsafe.Pointer(c), uintptr(offset)*wordSize))}
}

// find is the record of an account, [record.none] without one. Probing begins
// at the group of the hash, and ends at one that has a free slot.
func (c *chunk) find(h, mask uint64, local string) record {
	tag := tagOf(h)
	for i := h & mask; ; i = (i + 1) & mask {
		g := c.group(i)
		for found := g.find(tag); found != 0; found = found.rest() {
			if r := c.record(g.offsets[found.first()].Load()); r.localpart() == local {
				return r
			}
		}
		if g.find(free) != 0 {
			return record{}
		}
	}
}

// all walks the records of a chunk with so many groups.
func (c *chunk) all(groups int) iter.Seq[record] {
	return func(yield func(record) bool) {
		for i := range groups {
			g := c.group(uint64(i))
			for j := range g.offsets {
				if g.tag(j) >= firstTag && !yield(c.record(g.offsets[j].Load())) {
					return
				}
			}
		}
	}
}
