package load

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

// A generator that falls behind sends everything, as it was due, and says how late
// it was.
func TestLatenessIsTold(t *testing.T) {
	w := newWorker(Job{Epoch: time.Now().UnixNano()}, nil)
	w.meters.begin(0, math.MaxInt64)
	const held, count = 30 * time.Millisecond, 20
	ctx, cancel := context.WithCancel(context.Background())
	var dues []int64
	err := w.openLoop(ctx, HistLate, 1000, math.MaxInt64-int64(grace), func(k int, due int64) {
		if k == 0 {
			<-time.After(held) // the sender is busy elsewhere
		}
		if dues = append(dues, due); len(dues) == count {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for k, due := range dues {
		if due != dues[0]+int64(k)*int64(time.Millisecond) {
			t.Errorf("number %d was due after %v", k, time.Duration(due-dues[0]))
		}
	}
	h := NewHistogram()
	for _, m := range w.meters.list {
		if m.hists[HistLate] != nil {
			h.Merge(m.hists[HistLate])
		}
	}
	if n := h.TotalCount(); n != count {
		t.Errorf("%d were timed of %d", n, count)
	}
	// The second was due after 1 ms and could not be sent before the 30th.
	if late := time.Duration(h.Max()); late < held-2*time.Millisecond {
		t.Errorf("at most %v late, though the sender was held for %v", late, held)
	}
}

// Nothing is sent that is due at the end or later.
func TestOpenLoopEnds(t *testing.T) {
	w := newWorker(Job{Epoch: time.Now().UnixNano()}, nil)
	w.meters.begin(0, math.MaxInt64)
	var last int64
	end := w.clock.now() + int64(20*time.Millisecond)
	if err := w.openLoop(context.Background(), HistLate, 1000, end, func(_ int, due int64) { last = due }); err != nil {
		t.Fatal(err)
	}
	if now := w.clock.now(); last >= end || now < end-int64(time.Millisecond) {
		t.Errorf("the last was due %v before the end, and it took %v", time.Duration(end-last), time.Duration(now-end)+20*time.Millisecond)
	}
}
