package offline_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// BenchmarkFlood sends 400-byte messages for one account that is offline, from
// 64 sessions at once, to a store on disk, and then delivers them. It tells the
// time of each message on both ways, and how far the heap had grown in between
// and during delivery.
func BenchmarkFlood(b *testing.B) {
	const senders, each = 64, 1600 // 102,400 messages
	body := fmt.Sprintf("%0330d", 0)
	for b.Loop() {
		b.StopTimer()
		s := serveDir(b, b.TempDir())
		clients := make([]*client, senders)
		for i := range clients {
			clients[i] = login(b, s.Dial(), "alice", fmt.Sprint(i))
		}
		before := heap()
		b.StartTimer()
		var wait sync.WaitGroup
		for _, c := range clients {
			wait.Go(func() {
				c.chat("bob@localhost", 0, each, body)
				c.sync()
			})
		}
		wait.Wait()
		stored := b.Elapsed()
		bob := login(b, s.Dial(), "bob", "b")
		bob.send("<presence/>")
		most := heap()
		for n := range senders * each {
			bob.next()
			if n%(senders*each/4) == 0 {
				most = max(most, heap())
			}
		}
		b.ReportMetric(float64(stored.Nanoseconds())/senders/each, "ns/stored")
		b.ReportMetric(float64((b.Elapsed()-stored).Nanoseconds())/senders/each, "ns/delivered")
		b.ReportMetric(float64(most-before)/(1<<20), "MiB-heap-growth")
		b.StopTimer()
		for _, c := range clients {
			_ = c.conn.Close()
		}
		b.StartTimer()
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
