package routing

import (
	"math/bits"
	"sync/atomic"
)

// group is slots for accounts, in one line of the cache. A slot has a tag, which
// is some bits of the account's hash, and the word of the chunk where its record
// begins. A reader compares all tags at once, so no branch depends on which slot
// it is, and goes to a record only if the tag is right: nearly always to one.
//
// A writer sets the offset before the tag; it may reuse a slot between a reader's
// look at the one and at the other, so the account's name is always compared.
type group struct {
	tags    [2]atomic.Uint64 // a byte each, the last four of no slot
	offsets [groupSlots]atomic.Uint32
}

const groupSlots = 12

// The tags of slots without an account. Where one is free, no probe goes on.
const (
	free = iota // nothing was here while the others were taken
	gone        // an account was, and probes for others may have passed
	firstTag
)

// tagOf takes bits of a hash that choose neither shard nor group.
func tagOf(h uint64) uint64 { return (h>>32&0xff)*(256-firstTag)>>8 + firstTag }

// slotSet is slots of a group: bit 8i is slot i, bit 8i+1 slot i+8.
type slotSet uint64

// find is the slots with a tag, and perhaps others behind one of them.
func (g *group) find(tag uint64) slotSet {
	const four = 1<<32 - 1
	return slotSet(equalBytes(g.tags[0].Load(), tag)>>7 | equalBytes(g.tags[1].Load(), tag)&four>>6)
}

// equalBytes has the highest bit of each byte that is b. It may have that of a
// byte that follows one, too, as the subtraction borrows.
func equalBytes(word, b uint64) uint64 {
	const ones = 0x0101010101010101
	x := word ^ ones*b
	return (x - ones) &^ x & (ones << 7)
}

// first is a slot of a set that is not empty, surely one with the tag.
func (s slotSet) first() int {
	n := bits.TrailingZeros64(uint64(s))
	return n>>3 | n&1<<3
}

// rest is the set without the first.
func (s slotSet) rest() slotSet { return s & (s - 1) }

func (g *group) tag(i int) uint64 { return g.tags[i>>3].Load() >> (i & 7 * 8) & 0xff }

func (g *group) setTag(i int, tag uint64) {
	word, shift := &g.tags[i>>3], i&7*8
	word.Store(word.Load()&^(0xff<<shift) | tag<<shift)
}
