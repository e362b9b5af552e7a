package routing

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/jid"
)

func TestGroupFindsTags(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var g group
		var tags [groupSlots]uint64
		for i := range tags {
			tags[i] = rnd.Uint64N(4) + rnd.Uint64N(2)*rnd.Uint64N(252) // often neighbours, which a borrow reaches
			g.setTag(i, tags[i])
		}
		want := tags[rnd.IntN(groupSlots)]
		found := map[int]bool{}
		set := g.find(want)
		if got := tags[set.first()]; got != want {
			t.Fatalf("the first of %d in %v has %d", want, tags, got)
		}
		for ; set != 0; set = set.rest() {
			found[set.first()] = true
		}
		for i, tag := range tags {
			if g.tag(i) != tag || tag == want && !found[i] {
				t.Fatalf("slot %d of %v, looking for %d: tag %d, found %v", i, tags, want, g.tag(i), found)
			}
			if found[i] && tag != want && (want >= firstTag) != (tag >= firstTag) {
				t.Fatalf("%d was taken for %d", tag, want)
			}
		}
		if absent := uint64(255); g.find(absent) != 0 && !strings.Contains(fmt.Sprint(tags), "255") {
			t.Fatalf("found %d in %v", absent, tags)
		}
	}
}

// checkInvariants compares what a shard knows of itself with what is there.
func checkInvariants(t *testing.T, a *accounts) (live int) {
	t.Helper()
	dir := a.dir.Load()
	for i := 0; i < len(dir.shards); {
		s := dir.shards[i].Load()
		places := len(dir.shards) >> s.bits
		for j := i; j < i+places; j++ {
			if dir.shards[j].Load() != s || dir.chunks[j].Load() != s.chunk() {
				t.Fatalf("place %d of %d has not the shard of %d bits", j, len(dir.shards), s.bits)
			}
		}
		i += places
		if s.mask() != dir.mask || s.isFull() && s.live == 0 {
			t.Fatalf("mask %d, that of the directory %d, %d of %d slots used", s.mask(), dir.mask, s.used, s.groups*groupSlots)
		}
		accounts, words := 0, 0
		for r := range s.chunk().all(int(s.groups)) {
			accounts++
			words += r.words()
			if h := a.hash(r.localpart()); s.find(h, r.localpart()) != r || dir.shards[dir.place(h)].Load() != s {
				t.Fatalf("%s is not where it is looked for", r.localpart())
			}
		}
		if accounts != int(s.live) || words != s.liveWords() || s.used < s.live {
			t.Fatalf("%d accounts of %d words, but %d of %d", accounts, words, s.live, s.liveWords())
		}
		live += accounts
	}
	return live
}

func TestInvariants(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	rnd := rand.New(rand.NewPCG(3, 4))
	bound := map[string]Mailbox{}
	for round, share := range []int{95, 50, 20, 90, 5} { // percent that bind
		for i := range 8000 {
			local, resource := fmt.Sprint("user", rnd.IntN(3000)), strings.Repeat("r", 1+rnd.IntN(3))
			key := local + "/" + resource
			if rnd.IntN(100) < share {
				bound[key] = Mailbox(round*8000 + i + 1)
				d.Bind(local, resource, bound[key])
				d.SetPresence(local, resource, bound[key], true, int8(i))
			} else {
				d.Unbind(local, resource, bound[key])
				delete(bound, key)
			}
		}
		checkInvariants(t, &d.accounts)
	}
	for key, mb := range bound {
		local, resource, _ := strings.Cut(key, "/")
		if e, ok := d.LookupFull(local, resource); !ok || e.Mailbox != mb || e.Resource != resource {
			t.Fatalf("%s is %+v, %v, want %d", key, e, ok, mb)
		}
		d.Unbind(local, resource, mb)
	}
	if live := checkInvariants(t, &d.accounts); live != 0 || d.Len() != 0 {
		t.Errorf("%d accounts, %d sessions left", live, d.Len())
	}
}

// TestLongNamesDivide fills shards with records that are too many bytes long
// before their slots are taken.
func TestLongNamesDivide(t *testing.T) {
	d, resource := newDomain("example.com", new(atomic.Uint64)), strings.Repeat("r", jid.MaxPart)
	for i := range 1000 {
		d.Bind(fmt.Sprintf("%0*d", jid.MaxPart, i), resource, Mailbox(i+1))
	}
	if live := checkInvariants(t, &d.accounts); live != 1000 {
		t.Errorf("%d accounts", live)
	}
	for s := range d.accounts.dir.Load().shards {
		if n := d.accounts.dir.Load().shards[s].Load().liveWords(); n > shardWords*5/4 {
			t.Errorf("a shard of %d words", n)
		}
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	const n = 20_000
	for i := range n {
		d.Bind(fmt.Sprint("user", i), "phone", Mailbox(i+1))
	}
	for i := range n {
		d.Unbind(fmt.Sprint("user", i), "phone", Mailbox(i+1))
	}
	dir, words := d.accounts.dir.Load(), 0
	for i := range dir.shards {
		words += len(dir.shards[i].Load().words) - shardGroups*groupWords
	}
	if words > len(dir.shards)*2*shardGroups*groupWords {
		t.Errorf("%d words of records are kept for nobody", words)
	}
}

func TestOneAccountMayHaveManySessions(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	const n = 1500
	for i := range n {
		d.Bind("alice", fmt.Sprintf("%d-%s", i, strings.Repeat("x", 40)), Mailbox(i+1))
		d.Bind(fmt.Sprint("user", i), "phone", Mailbox(i+1))
	}
	checkInvariants(t, &d.accounts)
	entries := d.Lookup("alice", nil)
	if len(entries) != n {
		t.Fatalf("%d sessions", len(entries))
	}
	for i := range entries {
		if e, ok := d.LookupFull("alice", entries[i].Resource); !ok || e != entries[i] || e.Mailbox != Mailbox(i+1) {
			t.Fatalf("session %d is %+v, %v", i, e, ok)
		}
	}
}

// TestNamesStay holds what an Entry promises: its name outlives the chunk.
func TestNamesStay(t *testing.T) {
	d := newDomain("example.com", new(atomic.Uint64))
	var held []Entry
	for i := range 3000 {
		local, resource := fmt.Sprint("user", i), fmt.Sprint("resource", i)
		d.Bind(local, resource, Mailbox(i+1))
		held = d.Lookup(local, held)
		if i%2 == 0 {
			d.Unbind(local, resource, Mailbox(i+1))
		}
	}
	for i, e := range held {
		if e.Resource != fmt.Sprint("resource", i) || e.Mailbox != Mailbox(i+1) {
			t.Fatalf("entry %d became %+v", i, e)
		}
	}
}

// BenchmarkDivide splits a full shard: the longest that a Bind holds its lock.
func BenchmarkDivide(b *testing.B) {
	a := accounts{seed: newSeed()}
	full := newShard(0, shardGroups, 8*shardGroups*groupSlots)
	entries := []Entry{{Resource: "phone", Mailbox: 1}}
	for i := 0; !full.isFull(); i++ {
		local := fmt.Sprintf("user-%07d", i)
		full.insert(a.hash(local), full.write(recordWords(local, entries), local, entries))
	}
	b.ReportAllocs()
	for b.Loop() {
		a.dir.Store(oneShard(full))
		c := a.change("somebody")
		c.divide()
		c.release()
		full.split = false
	}
}
