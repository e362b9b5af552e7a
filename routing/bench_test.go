package routing_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine/hugepages"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

const (
	sessions = 1_000_000
	hotSet   = 10_000
)

// A million sessions, half of them in pairs of one account, with keys of 43
// bytes as in user-0123456@chat.example.org/gajim.0123456.
func million() (*routing.Table, *routing.Domain) {
	table := routing.NewTable()
	d, _ := table.AddDomain("chat.example.org")
	for i := range sessions {
		bind(d, i)
	}
	runtime.GC() // not while something is measured
	return table, d
}

func local(i int) string    { return fmt.Sprintf("user-%07d", i-i%4/3) }
func resource(i int) string { return fmt.Sprintf("gajim.%07d", i) }

func bind(d *routing.Domain, i int) {
	mb := routing.Mailbox(i + 1)
	d.Bind(local(i), resource(i), mb)
	d.SetPresence(local(i), resource(i), mb, true, 1)
}

// BenchmarkMemory reports what a session costs, and a domain of none or a few.
func BenchmarkMemory(b *testing.B) {
	b.Run("session", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			table, _ := million()
			b.ReportMetric(float64(heap()-before)/sessions, "B/session")
			runtime.KeepAlive(table)
		}
	})
	for _, each := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("domain-of-%d", each), func(b *testing.B) {
			const n = 10_000
			for b.Loop() {
				before := heap()
				table := routing.NewTable()
				for i := range n {
					d, _ := table.AddDomain(fmt.Sprintf("customer-%05d.example.org", i))
					for j := range each {
						bind(d, 4*j)
					}
				}
				b.ReportMetric(float64(heap()-before)/n, "B/domain")
				runtime.KeepAlive(table)
			}
		})
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// inPages runs a benchmark with the heap in small pages, as the kernel gives them, and in huge
// ones, as the server has a large heap (server.huge_pages).
func inPages(b *testing.B, run func(*testing.B)) {
	b.Run("small", run)
	b.Run("huge", func(b *testing.B) {
		if _, err := hugepages.Collapse(b.Context()); err != nil {
			b.Skip(err)
		}
		run(b)
	})
}

// BenchmarkLookup looks up full addresses among a million sessions: of a few
// that stay in the cache, which shows the cost without that of memory, of a hot
// set, or of all; alone, chained, where each begins when the one before has ended, which
// else the processor does not wait for, or while another goroutine does 10 writes for 100
// lookups of this one (a session leaves and one comes). "driver" is the cost of
// taking the keys alone, to be subtracted; "map" is a built-in map that nobody
// writes to, keyed by the whole address: the measure of what the memory of the
// machine gives at the time.
func BenchmarkLookup(b *testing.B) {
	table, d := million()
	plain := make(map[string]*routing.Entry, sessions)
	for name, entries := range d.All() {
		for _, e := range entries {
			plain[name+"@chat.example.org/"+e.Resource] = &e
		}
	}
	inPages(b, func(b *testing.B) {
		for _, set := range []struct {
			name string
			size int
		}{{"cached", 100}, {"hot", hotSet}, {"uniform", sessions}} {
			keys := addresses(set.size)
			b.Run("driver/"+set.name, func(b *testing.B) {
				sum := 0
				for i := 0; b.Loop(); i++ {
					if i == len(keys) {
						i = 0
					}
					sum += len(keys[i].Local()) + int(keys[i].Resource()[3])
				}
				if sum == 0 {
					b.Fatal("nothing was read")
				}
			})
			b.Run("map/"+set.name, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if i == len(keys) {
						i = 0
					}
					if e := plain[keys[i].String()]; e.Mailbox == 0 {
						b.Fatalf("%s is not there", keys[i])
					}
				}
			})
			lookup := func(b *testing.B, count *atomic.Int64) {
				b.ReportAllocs()
				for i, n := 0, 1; b.Loop(); i, n = i+1, n+1 {
					if i == len(keys) {
						i = 0
					}
					if _, ok := d.LookupFull(keys[i].Local(), keys[i].Resource()); !ok {
						b.Fatalf("%s is not there", keys[i])
					}
					if n%64 == 0 {
						count.Add(64)
					}
				}
			}
			b.Run("alone/"+set.name, func(b *testing.B) { lookup(b, new(atomic.Int64)) })
			b.Run("chained/"+set.name, func(b *testing.B) {
				e := routing.Entry{}
				for i := 0; b.Loop(); i++ {
					if i == len(keys) {
						i = 0
					}
					k := &keys[i+int(e.Mailbox>>63)] // known when the look-up before has ended
					if e, _ = d.LookupFull(k.Local(), k.Resource()); e.Mailbox == 0 {
						b.Fatalf("%s is not there", k)
					}
				}
			})
			b.Run("churn/"+set.name, func(b *testing.B) {
				var looked atomic.Int64
				stop := churn(d, &looked)
				defer stop(b)
				lookup(b, &looked)
			})
			b.Run("route/"+set.name, func(b *testing.B) {
				b.ReportAllocs()
				targets := make([]routing.Entry, 0, 4)
				for i := 0; b.Loop(); i++ {
					if i == len(keys) {
						i = 0
					}
					decision, _ := table.Route(keys[i].View(), stanza.KindMessage, stanza.TypeChat, targets)
					if decision.Verdict != routing.Delivered {
						b.Fatal(decision)
					}
				}
			})
		}
	})
}

// BenchmarkMiss is one wait for memory: each line of 64 MiB says which to read next,
// in random order. A look-up of any session among a million waits for two lines; those that
// do not depend on each other wait together in part.
func BenchmarkMiss(b *testing.B) {
	const lines = 1 << 20
	type line struct {
		next uint32
		_    [60]byte
	}
	memory := make([]line, lines)
	order := rand.New(rand.NewPCG(5, 6)).Perm(lines)
	for i, at := range order {
		memory[at].next = uint32(order[(i+1)%lines])
	}
	inPages(b, func(b *testing.B) {
		at := uint32(0)
		for b.Loop() {
			at = memory[at].next
		}
		if at >= lines {
			b.Fatal(at)
		}
	})
}

// addresses picks n sessions at random, with every address on bytes of its own.
func addresses(n int) []jid.JID {
	rnd := rand.New(rand.NewPCG(1, 2))
	keys := make([]jid.JID, n)
	for i := range keys {
		s := rnd.IntN(sessions)
		keys[i] = jid.MustParse(local(s) + "@chat.example.org/" + resource(s))
	}
	return keys
}

// churn binds and unbinds sessions of the other half of the key space, one
// write for ten lookups, until stop, which reports the share it reached.
func churn(d *routing.Domain, looked *atomic.Int64) (stop func(*testing.B)) {
	var quit atomic.Bool
	writes := make(chan int64)
	go func() {
		n := int64(0)
		rnd := rand.New(rand.NewPCG(3, 4))
		for ; !quit.Load(); n += 2 {
			if n > looked.Load()/10 {
				runtime.Gosched()
				n -= 2
				continue
			}
			i := sessions + rnd.IntN(sessions)
			d.Bind(local(i), resource(i), routing.Mailbox(i))
			d.Unbind(local(i), resource(i), routing.Mailbox(i))
		}
		writes <- n
	}()
	return func(b *testing.B) {
		quit.Store(true)
		b.ReportMetric(100*float64(<-writes)/float64(looked.Load()+1), "%writes")
	}
}

// BenchmarkBind fills a table of a million sessions and reports the longest
// Bind: that is what a loop can be held up, as a growing table is moved by
// those who write to it.
func BenchmarkBind(b *testing.B) {
	for b.Loop() {
		d := newDomain()
		longest := time.Duration(0)
		start := time.Now()
		for i := range sessions {
			l, r := local(i), resource(i)
			before := time.Now()
			d.Bind(l, r, routing.Mailbox(i+1))
			longest = max(longest, time.Since(before))
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/sessions, "ns/bind")
		b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
	}
}
