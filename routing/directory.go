package routing

import "sync/atomic"

// directory says where each shard and its chunk are. A shard that has fewer bits
// than the directory stands in it several times in a row. All shards have
// shardGroups groups, fewer only when there is one shard; so what changes in a
// directory are pointers, and not even these when there is one shard.
type directory struct {
	shift  uint   // 63 minus the bits of the hash that index shards, see place
	mask   uint64 // the bits that index groups
	chunks []atomic.Pointer[chunk]
	shards []atomic.Pointer[shard]
}

func newDirectory(shift uint, mask uint64) *directory {
	n := 1 << (63 - shift)
	return &directory{
		shift: shift, mask: mask,
		chunks: make([]atomic.Pointer[chunk], n), shards: make([]atomic.Pointer[shard], n),
	}
}

func oneShard(s *shard) *directory {
	d := newDirectory(63, s.mask())
	d.enter(s, 0)
	return d
}

// place is where the shard of a hash is. A hash shifted at once by 64, where there
// is one shard, would take three instructions more.
func (d *directory) place(h uint64) uint64 { return h >> 1 >> (d.shift & 63) }

// doubled is the same directory with one bit more.
func (d *directory) doubled() *directory {
	next := newDirectory(d.shift-1, shardGroups-1)
	for i := range next.shards {
		next.chunks[i].Store(d.chunks[i/2].Load())
		next.shards[i].Store(d.shards[i/2].Load())
	}
	return next
}

// enter makes a shard, of hash h, or its new chunk known, at the last of its
// places first. A walk, which goes up, therefore meets either the shard that was
// divided, at the first of its places, and then skips all of them, or both halves.
func (d *directory) enter(s *shard, h uint64) {
	n := len(d.shards) >> s.bits
	from := int(d.place(h)) &^ (n - 1)
	for i := from + n - 1; i >= from; i-- {
		d.chunks[i].Store(s.chunk())
		d.shards[i].Store(s)
	}
}
