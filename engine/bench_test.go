package engine_test

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkRouteInProcess is the way of a 350-byte message from one session to
// another, or to and from a component, without sockets: parsing, checks, routing,
// hand-over and rendering.
func BenchmarkRouteInProcess(b *testing.B) {
	s := serve(b, withComponents)
	alice := s.attach(b, "alice", "a")
	away := s.attach(b, "bob", "b")
	same := s.attach(b, "carol", "c")
	bridge := s.attachComponent(b, "bridge.localhost", "bridge's")
	for _, c := range []struct {
		name     string
		from, to *sinkClient
	}{{"same-loop", alice, same}, {"different-loops", alice, away}, {"to-component", alice, bridge}, {"from-component", bridge, away}} {
		for _, inFlight := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/in-flight-%d", c.name, inFlight), func(b *testing.B) {
				input := bytes.Repeat(c.from.messageTo(c.to), inFlight)
				b.ReportAllocs()
				b.SetBytes(int64(len(input)))
				for b.Loop() {
					c.from.exchange(c.to, input, inFlight)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*inFlight), "ns/msg")
			})
		}
	}
}
