package routing

import (
	"fmt"
	"hash/maphash"
	"testing"
)

// BenchmarkDivide splits a full shard: the longest that a Bind holds its lock.
func BenchmarkDivide(b *testing.B) {
	a := accounts{seed: maphash.MakeSeed()}
	full := newShard(0, shardSlots)
	var h uint64
	for i := 0; 4*full.used <= 3*shardSlots; i++ {
		local := fmt.Sprintf("user-%07d", i)
		h = a.hash(local)
		full.insert(h, newAccount(local, []Entry{{Resource: "phone", Mailbox: 1}}))
	}
	b.ReportAllocs()
	for b.Loop() {
		a.dir.Store(oneShard(full))
		a.divide(full, h)
	}
}
