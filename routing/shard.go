package routing

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// shard holds the accounts whose hashes begin with the same bits. What is here
// is for writers, who hold mu; readers come to the slots by the directory.
type shard struct {
	bits  uint // how many
	mu    sync.Mutex
	split bool   // its accounts have moved: look into the directory again
	live  int    // slots with an account
	used  int    // slots with a hash, those of removed accounts included
	slots []slot // a power of two; a quarter of them is free, so that probing ends
}

// slot has a hash of 0 when nothing was ever here: probing ends at it. A hash
// without an account is that of a removed one: probing goes on.
//
// A reader loads the hash and then the account. Writers may reuse the slot in
// between, so the account's name is always compared.
type slot struct {
	hash    atomic.Uint64
	account atomic.Pointer[account]
}

// at is the slot i behind s, which must be of the same array. Slots are reached
// by the pointer to the first so that a directory of thousands of shards is
// eight bytes each and stays in the cache.
func (s *slot) at(i uint64) *slot {
	return (*slot)(unsafe.Add(unsafe.Pointer(s), uintptr(i)*unsafe.Sizeof(slot{})))
}

func newShard(bits uint, size int) *shard { return &shard{bits: bits, slots: make([]slot, size)} }

// slotsFor is a size of which live accounts fill half at most.
func slotsFor(live int) int {
	size := minSlots
	for size < 2*live {
		size *= 2
	}
	return size
}

// update is [accounts.update] in the shard, which is locked.
func (s *shard) update(h uint64, local string, f func(*account) *account) {
	i, acc := s.find(h, local)
	changed := f(acc)
	switch {
	case changed == acc:
	case acc == nil:
		s.insert(h, changed)
	case changed == nil:
		s.remove(i)
	default:
		s.slots[i].account.Store(changed)
	}
}

// find is the place of an account, which is nil if it is not there.
func (s *shard) find(h uint64, local string) (i uint64, acc *account) {
	mask := uint64(len(s.slots) - 1)
	for i = h & mask; s.slots[i].hash.Load() != 0; i = (i + 1) & mask {
		if s.slots[i].hash.Load() == h {
			if acc := s.slots[i].account.Load(); acc != nil && acc.local() == local {
				return i, acc
			}
		}
	}
	return i, nil
}

// insert enters an account that is not there, in the first slot of its probe
// that has none.
func (s *shard) insert(h uint64, acc *account) {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i].account.Load() != nil {
		i = (i + 1) & mask
	}
	if s.slots[i].hash.Load() == 0 {
		s.used++
	}
	s.live++
	// The account comes first: a reader that finds the hash finds it too.
	s.slots[i].account.Store(acc)
	s.slots[i].hash.Store(h)
}

// remove empties a slot. Its hash must stay if probes for others pass here.
func (s *shard) remove(i uint64) {
	s.slots[i].account.Store(nil)
	s.live--
	if s.slots[(i+1)&uint64(len(s.slots)-1)].hash.Load() == 0 {
		s.slots[i].hash.Store(0)
		s.used--
	}
}

// rebuild moves the accounts to new slots, which readers do not know yet. Those
// who read the old ones find what was there until now.
func (s *shard) rebuild(size int) {
	next := newShard(s.bits, size)
	for i := range s.slots {
		if acc := s.slots[i].account.Load(); acc != nil {
			next.insert(s.slots[i].hash.Load(), acc)
		}
	}
	s.slots, s.used = next.slots, next.used
}
