package offline_test

import (
	"fmt"
	"net"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage/badger"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/stanzaid"
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

// BenchmarkKept has two sessions write 400-byte messages to 400 accounts whose
// clients read and acknowledge nothing, on a store on disk: each message is
// delivered, and stored a little later as nobody acknowledges it. It tells what one
// such message leaves as garbage and what stays in the heap for it, the store's
// tables included, and what of that the collector must look through.
func BenchmarkKept(b *testing.B) {
	const stalled, senders, rounds = 400, 2, 100 // 40,000 messages
	body := fmt.Sprintf("%0330d", 0)
	for b.Loop() {
		b.StopTimer()
		store, err := badger.Open(badger.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		s := enginetest.StartConfig(b, engine.Config{Domains: []string{"localhost"}, Store: store, DurableAck: true,
			Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}, Extensions: enginetest.All(presence, stanzaid.Register, offline.New(many))})
		enter := func(user string) *client {
			s.AddUser(user+"@localhost", "secret")
			conn, err := net.Dial("tcp", s.Addrs()[0].Addr.String())
			if err != nil {
				b.Fatal(err)
			}
			c := login(b, conn, user, "a")
			c.manage()
			c.send("<presence/>")
			c.sync()
			return c
		}
		for i := range stalled {
			enter(fmt.Sprint("stalled", i))
		}
		var from [senders]*client
		for i := range from {
			from[i] = enter(fmt.Sprint("sender", i))
		}
		before := heapUse()
		b.StartTimer()
		var wait sync.WaitGroup
		for k, c := range from {
			wait.Go(func() {
				for n := range rounds {
					var batch strings.Builder
					for i := k; i < stalled; i += senders {
						fmt.Fprintf(&batch, "<message to='stalled%d@localhost' type='chat' id='%d'><body>%s</body></message>", i, n, body)
					}
					c.send("%s", batch.String())
				}
				c.asksFor(2 + stalled/senders*rounds)
			})
		}
		wait.Wait()
		b.StopTimer()
		after := heapUse()
		const messages = stalled * rounds
		b.ReportMetric(float64(after.allocated-before.allocated)/messages, "B/message")
		b.ReportMetric(float64(after.objects-before.objects)/messages, "objects/message")
		b.ReportMetric(float64(after.live-before.live)/messages, "B-live/message")
		b.ReportMetric(float64(after.scanned-before.scanned)/messages, "B-scanned/message")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/messages, "ns/message")
		if n := s.Stats().KeptTotal; n != messages {
			b.Fatalf("%d messages were kept of %d", n, messages)
		}
		b.StartTimer()
	}
}

// use is what a process has allocated since its start, and what is left of it.
type use struct{ allocated, objects, live, scanned float64 }

func heapUse() use {
	runtime.GC()
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/allocs:objects"},
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(samples)
	value := func(i int) float64 { return float64(samples[i].Value.Uint64()) }
	return use{value(0), value(1), value(2), value(3)}
}
