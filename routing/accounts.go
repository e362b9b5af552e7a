package routing

import (
	"iter"
	"sync"
	"sync/atomic"
)

// accounts is a hash table from localparts to accounts that have sessions.
// Reads take no lock; writes lock one shard.
//
// It is our own because of what a stock concurrent map showed with a million
// sessions: the longest Bind took 130 ms, as whoever writes to a growing map
// helps to move all of it, and a loop must not wait that long; and each lookup
// waited for memory five times: bucket, entry, key, sessions, resource. Here
// nothing larger than one shard is ever moved, and a lookup waits twice: for
// the line with the account's slot and for its record. Nothing in a shard is a
// pointer, so the garbage collector has a few thousand objects to mark for a
// million sessions.
//
// The form is extendible hashing: the first bits of the hash choose a shard
// from a directory, the last ones a group of slots in the shard. The first shard
// grows to full size; from then on a shard that is full is divided in two, and
// the directory doubled if need be. Shards are not joined again, but their
// chunks become smaller.
type accounts struct {
	seed    seed
	dir     atomic.Pointer[directory]
	mu      sync.Mutex     // held to change dir or what it has; taken after a shard's
	changes *atomic.Uint64 // of the table, see Table.Changes
}

// load finds an account, none if it has no sessions.
func (a *accounts) load(local string) record {
	dir := a.dir.Load()
	if dir == nil {
		return record{}
	}
	h := a.hash(local)
	return dir.chunks[dir.place(h)].Load().find(h, dir.mask, local)
}

func (a *accounts) hash(local string) uint64 { return a.seed.hash(local) }

// all walks the accounts. One that was there before and stays is met once.
func (a *accounts) all() iter.Seq[record] {
	return func(yield func(record) bool) {
		dir := a.dir.Load()
		if dir == nil {
			return
		}
		for i := 0; i < len(dir.shards); {
			s := dir.shards[i].Load() // if it is divided now: as it was, see directory.enter
			s.mu.Lock()
			chunk, groups := s.chunk(), int(s.groups)
			s.mu.Unlock()
			for r := range chunk.all(groups) {
				if !yield(r) {
					return
				}
			}
			i += len(dir.shards) >> s.bits
		}
	}
}

// directory is the current one; it is made for the first account.
func (a *accounts) directory() *directory {
	if dir := a.dir.Load(); dir != nil {
		return dir
	}
	a.dir.CompareAndSwap(nil, oneShard(newShard(0, 1, 0)))
	return a.dir.Load()
}

// publish makes the new chunk of a locked shard, of hash h, known.
func (a *accounts) publish(s *shard, h uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if dir := a.dir.Load(); len(dir.shards) > 1 {
		dir.enter(s, h)
		return
	}
	a.dir.Store(oneShard(s))
}

// publishHalves makes the two shards known that one, of hash h, was divided into.
func (a *accounts) publishHalves(halves [2]*shard, h uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dir, bits := a.dir.Load(), uint(halves[0].bits)
	if 63-dir.shift < bits {
		dir = dir.doubled()
	}
	last := uint64(1) << (64 - bits)
	dir.enter(halves[1], h|last)
	dir.enter(halves[0], h&^last)
	a.dir.Store(dir)
}
