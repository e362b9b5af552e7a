package session_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/session"
)

// What is held is what was added and not removed, in whatever order and by whatever
// ranges, also where numbers begin anew; h stops before the first of it, and who was
// told less than it had sent is told once, when that is over.
func TestHeld(t *testing.T) {
	const seed, steps = 198, 20_000
	r := rand.New(rand.NewPCG(seed, seed))
	var h session.Held
	var want []uint32 // ascending, modulo 2^32
	next, owedUpTo := uint32(math.MaxUint32-steps/8), uint32(0)
	owed := false
	for step := range steps {
		switch n := r.IntN(10); {
		case n < 5:
			next++
			h.Add(next)
			want = append(want, next)
		case n < 6:
			h.Owe(next)
			owed, owedUpTo = len(want) > 0, next
		case len(want) > 0:
			i := r.IntN(min(len(want), 4))
			if r.IntN(8) == 0 {
				i = r.IntN(len(want))
			}
			first, last := want[i], want[i]+uint32(r.IntN(5))
			end := i
			for end < len(want) && int32(want[end]-last) <= 0 {
				end++
			}
			want = slices.Delete(want, i, end)
			tell := owed && (len(want) == 0 || int32(want[0]-owedUpTo) > 0)
			if got := h.Remove(first, last); got != tell {
				t.Fatalf("step %d: Remove(%d, %d) = %v, want %v", step, first, last, got, tell)
			}
			if tell {
				owed = false
			}
		}
		told := next
		if len(want) > 0 {
			told = want[0] - 1
		}
		if h.Len() != len(want) || h.Handled(next) != told {
			t.Fatalf("step %d: %d are held and %d handled, want %d and %d", step, h.Len(), h.Handled(next), len(want), told)
		}
		for _, n := range want {
			if !h.Has(n) {
				t.Fatalf("step %d: %d is not held", step, n)
			}
		}
		if h.Remove(next+1, next+3) {
			t.Fatalf("step %d: something to tell of what is not there", step)
		}
	}
}
