package resolve

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// RFC 2782: among equal priorities hosts are drawn in proportion to their weight.
func TestRFC2782_Distribution(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)).IntN
	for _, c := range []struct {
		name    string
		weights []uint16
		want    []float64 // share of each as the first
	}{
		{"as weighted", []uint16{60, 30, 10}, []float64{0.6, 0.3, 0.1}},
		{"equal", []uint16{1, 1, 1, 1}, []float64{0.25, 0.25, 0.25, 0.25}},
		{"nothing but zeros", []uint16{0, 0, 0}, []float64{1. / 3, 1. / 3, 1. / 3}},
		{"a zero among weights", []uint16{0, 99}, []float64{0.01, 0.99}},
		{"large", []uint16{65535, 65535}, []float64{0.5, 0.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			const rounds = 20_000
			count := make([]float64, len(c.weights))
			for range rounds {
				var records []record
				for i, w := range c.weights {
					records = append(records, record{priority: 7, weight: w, port: uint16(i + 1), host: "h"})
				}
				count[order(records, random)[0].port-1]++
			}
			for i, n := range count {
				// Four standard deviations, and the +1 of the RFC's draw.
				slack := 4*math.Sqrt(c.want[i]*(1-c.want[i])/rounds) + 0.011
				if share := n / rounds; math.Abs(share-c.want[i]) > slack {
					t.Errorf("weight %d came first in %.3f, want %.3f", c.weights[i], share, c.want[i])
				}
			}
		})
	}
}

// Whatever the set, and whatever is drawn: nothing is lost or doubled, and
// priorities hold.
func TestOrderKeepsAll(t *testing.T) {
	source := rand.New(rand.NewPCG(3, 4))
	for _, random := range []func(int) int{source.IntN, func(int) int { return 0 }, func(n int) int { return n - 1 }} {
		for range 300 {
			n := source.IntN(300)
			records := make([]record, n)
			for i := range records {
				records[i] = record{priority: uint16(source.IntN(3)), weight: uint16(source.IntN(4) * source.IntN(30000)), port: uint16(1 + source.IntN(4)),
					host: fmt.Sprint(source.IntN(100)), direct: source.IntN(2) == 0}
			}
			before := slices.Clone(records)
			ordered := order(records, random)
			if !slices.Equal(records, before) {
				t.Fatal("the records of the answer were changed")
			}
			type place struct {
				host   string
				port   uint16
				direct bool
			}
			best := make(map[place]uint16)
			for _, r := range records {
				p := place{r.host, r.port, r.direct}
				if old, ok := best[p]; !ok || r.priority < old {
					best[p] = r.priority
				}
			}
			last := uint16(0)
			for _, r := range ordered {
				p := place{r.host, r.port, r.direct}
				if want, ok := best[p]; !ok || r.priority != want || r.priority < last {
					t.Fatalf("%+v at the wrong place, twice, or from nowhere", r)
				}
				delete(best, p)
				last = r.priority
			}
			if len(best) != 0 {
				t.Fatalf("lost: %v", best)
			}
		}
	}
}
