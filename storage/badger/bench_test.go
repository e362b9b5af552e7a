package badger_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/async"
	"github.com/xylem-im/xylem/storage/badger"
)

// BenchmarkDurable stores 400-byte messages for as many users as there are
// producers; each producer waits until its message is durable. One op is one message.
func BenchmarkDurable(b *testing.B) {
	for _, producers := range []int{1, 64, 256, 1024} {
		b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
			d := open(b, badger.Options{Dir: b.TempDir()})
			p, err := async.New(async.Options{Driver: d, Deliver: func([]storage.Result) {}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(400)
			b.ResetTimer()
			latencies := produce(b, p, producers)
			b.StopTimer()
			s := p.Stats()
			if err := p.Close(); err != nil {
				b.Fatal(err)
			}
			slices.Sort(latencies)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64(s.Applies)/float64(s.Commits), "msg/commit")
			b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// produce stores b.N messages and returns how long each took.
func produce(b *testing.B, p *async.Pump, producers int) []time.Duration {
	var next atomic.Int64
	value := make([]byte, 400)
	latencies := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	for n := range producers {
		owner := fmt.Sprintf("user%05d@localhost", n)
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				op := storage.Op{Kind: storage.Apply, Owner: owner, Durable: true}
				op.Batch.Put("offline", fmt.Appendf(nil, "%016x", i), value)
				begin := time.Now()
				if res := p.Do(b.Context(), &op); res.Err != nil {
					b.Error(res.Err)
					return
				}
				latencies[i] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	return latencies
}

// BenchmarkScan reads the 20 messages of one of 1,000 users.
func BenchmarkScan(b *testing.B) {
	d := open(b, badger.Options{Dir: b.TempDir()})
	defer closeDriver(b, d)
	value := make([]byte, 400)
	owners := make([]string, 1000)
	for i := range owners {
		owners[i] = fmt.Sprintf("user%05d@localhost", i)
		op := storage.Op{Kind: storage.Apply, Owner: owners[i]}
		for m := range 20 {
			op.Batch.Put("offline", fmt.Appendf(nil, "%016x", m), value)
		}
		errs := make([]error, 1)
		if d.Apply([]*storage.Op{&op}, errs); errs[0] != nil {
			b.Fatal(errs[0])
		}
	}
	b.ReportAllocs()
	b.SetBytes(20 * 416)
	for i := 0; b.Loop(); i++ {
		res := d.Read(&storage.Op{Kind: storage.Scan, Owner: owners[i*7919%len(owners)], Collection: "offline"})
		if res.Err != nil || len(res.Items) != 20 {
			b.Fatalf("%d items, %v", len(res.Items), res.Err)
		}
	}
}

// BenchmarkAcknowledge removes what 256 users have received, each by a range, in
// one group: what a busy second of XEP-0198 acknowledgements asks for.
func BenchmarkAcknowledge(b *testing.B) {
	d := open(b, badger.Options{Dir: b.TempDir()})
	defer closeDriver(b, d)
	value := make([]byte, 400)
	fill, remove := make([]*storage.Op, 256), make([]*storage.Op, 256)
	for i := range fill {
		fill[i] = &storage.Op{Kind: storage.Apply, Owner: fmt.Sprintf("user%05d@localhost", i)}
		remove[i] = &storage.Op{Kind: storage.Apply, Owner: fill[i].Owner, Durable: true}
		for m := range 3 {
			fill[i].Batch.Put("offline", fmt.Appendf(nil, "%016x", m), value)
		}
		remove[i].Batch.DeleteRange("offline", nil, fmt.Appendf(nil, "%016x", 3))
	}
	errs := make([]error, 256)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		d.Apply(fill, errs)
		b.StartTimer()
		d.Apply(remove, errs)
		for _, err := range errs {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/256, "µs/removal")
}
