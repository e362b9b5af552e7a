package load_test

import (
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/load"
)

// TestDevices: each further session of an account is to get once what its first one
// sends and gets; what does not, comes twice or is somebody else's copy is told.
func TestDevices(t *testing.T) {
	for _, c := range []struct {
		name      string
		of        func(n int, stanza string) []string // what becomes of the n-th one for a further session
		lost, dup bool                                // what is to be told
	}{
		{name: "all arrive", of: func(_ int, m string) []string { return as(m) }},
		{name: "some are lost", lost: true, of: func(n int, m string) []string {
			if n%10 == 3 {
				return nil
			}
			return as(m)
		}},
		{name: "some come twice", dup: true, of: func(n int, m string) []string {
			if n%10 == 3 {
				return as(m, m)
			}
			return as(m)
		}},
		{name: "copies of another account", lost: true, of: func(_ int, m string) []string {
			return as(strings.Replace(m, "<message from='u", "<message from='x", 1))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := chat(0)
			s.Devices = 3
			var seen int
			r := enough(t, s, func(time.Duration) *fake {
				seen = 0
				f := startFake(t, func(_ int, m string) []string { return as(m) })
				f.copied = func(m string) []string {
					seen++
					return c.of(seen, m)
				}
				return f
			}, func(r *load.Result) bool { return r.Counters[load.CountDelivered] >= 50 })
			for counter, want := range map[string]bool{load.CountLost: c.lost, load.CountDuplicated: c.dup, load.CountReordered: false, load.CountStray: false} {
				if got := r.Counters[counter]; got > 0 != want {
					t.Errorf("%s: %d of %d; wanted some: %v", counter, got, seen, want)
				}
			}
			if n := r.Counters[load.CountCopies]; n == 0 {
				t.Error("no session but the first got anything in the window")
			}
		})
	}
}
