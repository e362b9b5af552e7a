package routing

import (
	"hash/maphash"
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
// nothing larger than one shard is ever moved, and a lookup waits for the slot
// and the account.
//
// The form is extendible hashing: the first bits of the hash choose a shard
// from a directory, the last ones a slot in the shard, with linear probing. The
// first shard grows to full size; from then on a shard that is full is split
// in two, and the directory doubled if need be. Shards are not joined again.
type accounts struct {
	seed maphash.Seed // per domain: localparts are chosen by strangers
	dir  atomic.Pointer[directory]
	mu   sync.Mutex // held to change dir or its slots; taken after a shard's
}

// directory says where each shard's slots are. A shard that has fewer bits than
// the directory stands in it several times in a row. All shards have as many
// slots, fewer than shardSlots only when there is one shard; so only the
// pointers to slots ever change in a directory, and not when there is one.
type directory struct {
	shift  uint   // 64 minus the bits of the hash that index shards
	mask   uint64 // the bits that index slots
	slots  []atomic.Pointer[slot]
	shards []*shard
}

const (
	// shardSlots is the full size of a shard. Splitting one takes 50 µs
	// (BenchmarkDivide, on a busy machine).
	shardSlots = 1024
	// minSlots is what a domain begins with at its first session.
	minSlots = 8
)

// load finds an account, nil if it has no sessions.
func (a *accounts) load(local string) *account {
	dir := a.dir.Load()
	if dir == nil {
		return nil
	}
	h := a.hash(local)
	first := dir.slots[h>>dir.shift].Load()
	for i := h & dir.mask; ; i = (i + 1) & dir.mask {
		s := first.at(i)
		switch s.hash.Load() {
		case h:
			if acc := s.account.Load(); acc != nil && acc.local() == local {
				return acc
			}
		case 0:
			return nil
		}
	}
}

// update replaces an account by what f makes of it, under the shard's lock.
// f gets nil for an account that is not there, returns nil to remove it and
// its argument to leave it.
func (a *accounts) update(local string, f func(*account) *account) {
	h := a.hash(local)
	for {
		dir := a.directory()
		s := dir.shards[h>>dir.shift]
		s.mu.Lock()
		if !s.split {
			s.update(h, local, f)
			a.fit(s, h)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// all walks the accounts. One that was there before and stays is met once.
func (a *accounts) all() iter.Seq[*account] {
	return func(yield func(*account) bool) {
		dir := a.dir.Load()
		if dir == nil {
			return
		}
		for i := range dir.shards {
			if i > 0 && dir.shards[i] == dir.shards[i-1] {
				continue
			}
			first := dir.slots[i].Load()
			for j := range dir.mask + 1 {
				if acc := first.at(j).account.Load(); acc != nil && !yield(acc) {
					return
				}
			}
		}
	}
}

// hash is never 0.
func (a *accounts) hash(local string) uint64 {
	if h := maphash.String(a.seed, local); h != 0 {
		return h
	}
	return 1
}

// directory is the current one; it is made for the first account.
func (a *accounts) directory() *directory {
	if dir := a.dir.Load(); dir != nil {
		return dir
	}
	a.dir.CompareAndSwap(nil, oneShard(newShard(0, minSlots)))
	return a.dir.Load()
}

// fit gives a locked shard, of hash h, more or fewer slots if it needs them.
func (a *accounts) fit(s *shard, h uint64) {
	size := len(s.slots)
	switch full := 4*s.used > 3*size; {
	case full && size == shardSlots && s.live > shardSlots/2:
		a.divide(s, h)
	case full:
		s.rebuild(min(slotsFor(s.live), shardSlots))
		a.publish(s, h)
	case s.bits == 0 && size > minSlots && 16*s.live < size:
		s.rebuild(slotsFor(s.live))
		a.publish(s, h)
	}
}

// publish makes the new slots of a locked shard known.
func (a *accounts) publish(s *shard, h uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	dir := a.dir.Load()
	if len(dir.shards) == 1 {
		a.dir.Store(oneShard(s))
		return
	}
	from, to := dir.span(s, h)
	for i := from; i < to; i++ {
		dir.slots[i].Store(&s.slots[0])
	}
}

// divide moves the accounts of a locked shard, of hash h, to two new ones.
func (a *accounts) divide(s *shard, h uint64) {
	halves := [2]*shard{newShard(s.bits+1, shardSlots), newShard(s.bits+1, shardSlots)}
	for i := range s.slots {
		if acc := s.slots[i].account.Load(); acc != nil {
			h := s.slots[i].hash.Load()
			halves[h>>(63-s.bits)&1].insert(h, acc)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.dir.Load().copy(s.bits + 1)
	from, to := next.span(s, h)
	for i := from; i < to; i++ {
		half := halves[2*(i-from)/(to-from)]
		next.shards[i] = half
		next.slots[i].Store(&half.slots[0])
	}
	a.dir.Store(next)
	s.split = true
}

func oneShard(s *shard) *directory {
	dir := &directory{
		shift: 64, mask: uint64(len(s.slots) - 1),
		slots: make([]atomic.Pointer[slot], 1), shards: []*shard{s},
	}
	dir.slots[0].Store(&s.slots[0])
	return dir
}

// copy is the same directory, with twice the entries if it has fewer bits.
func (d *directory) copy(bits uint) *directory {
	times := 1
	if 64-d.shift < bits {
		times = 2
	}
	n := times * len(d.shards)
	next := &directory{
		shift: d.shift - uint(times-1), mask: d.mask,
		slots: make([]atomic.Pointer[slot], n), shards: make([]*shard, n),
	}
	for i := range next.shards {
		next.shards[i] = d.shards[i/times]
		next.slots[i].Store(d.slots[i/times].Load())
	}
	return next
}

// span is where a shard, of hash h, stands in the directory.
func (d *directory) span(s *shard, h uint64) (from, to int) {
	n := len(d.shards) >> s.bits
	from = int(h>>d.shift) &^ (n - 1)
	return from, from + n
}
