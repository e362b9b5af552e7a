package load

import (
	"context"
	"math"
	"testing"
	"time"
)

// A generator that falls behind sends everything and says how late it was.
func TestLatenessIsTold(t *testing.T) {
	w := newWorker(Job{Epoch: time.Now().UnixNano()}, nil)
	w.meters.begin(0, math.MaxInt64)
	const held, due = 30 * time.Millisecond, 20
	sent := 0
	err := w.openLoop(context.Background(), 1000, w.clock.now()+int64(due*time.Millisecond), func(k int, _ int64) {
		if sent++; k == 0 {
			<-time.After(held) // the sender is busy elsewhere
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent < due-1 || sent > due {
		t.Errorf("%d were sent of the %d that were due", sent, due)
	}
	h := NewHistogram()
	for _, m := range w.meters.list {
		if m.hists[HistLate] != nil {
			h.Merge(m.hists[HistLate])
		}
	}
	if n := h.TotalCount(); n != int64(sent) {
		t.Errorf("%d were timed of %d", n, sent)
	}
	// The second was due after 1 ms and could not be sent before the 30th.
	if late := time.Duration(h.Max()); late < held-2*time.Millisecond {
		t.Errorf("at most %v late, though the sender was held for %v", late, held)
	}
}
