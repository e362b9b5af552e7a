package engine_test

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkRouteInProcess is the way of a 350-byte message from one session to
// another without sockets: parsing, checks, routing, hand-over and rendering.
func BenchmarkRouteInProcess(b *testing.B) {
	s := serve(b, nil)
	alice := s.attach(b, "alice", "a")
	away := s.attach(b, "bob", "b")
	same := s.attach(b, "carol", "c")
	for _, c := range []struct {
		name string
		to   *sinkClient
	}{{"same-loop", same}, {"different-loops", away}} {
		for _, inFlight := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/in-flight-%d", c.name, inFlight), func(b *testing.B) {
				input := bytes.Repeat(alice.messageTo(c.to), inFlight)
				b.ReportAllocs()
				b.SetBytes(int64(len(input)))
				for b.Loop() {
					alice.exchange(c.to, input, inFlight)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*inFlight), "ns/msg")
			})
		}
	}
}
