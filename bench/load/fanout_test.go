package load

import (
	"errors"
	"testing"
)

// The updates that count do not begin before the servers have told everything
// that subscribing brings, however late it comes.
func TestUntilStill(t *testing.T) {
	told, rests := int64(7), 0
	rest := func() error {
		if rests++; rests < 4 { // late presence during three rests
			told++
		}
		return nil
	}
	if err := untilStill(func() int64 { return told }, rest); err != nil || rests != 4 {
		t.Errorf("%d rests, %v; want to go on after the fourth", rests, err)
	}
	endless := func() error { told++; return nil }
	if err := untilStill(func() int64 { return told }, endless); err == nil {
		t.Error("presence without an end was taken for stillness")
	}
	stopped := errors.New("stopped")
	if err := untilStill(func() int64 { return told }, func() error { return stopped }); !errors.Is(err, stopped) {
		t.Errorf("got %v, want the interruption", err)
	}
}

// Updates that are under way at once are each complete with their last contact,
// also when they overtake each other: slow ones are not left out of the figures.
func TestUpdatesUnderWayAtOnce(t *testing.T) {
	f := &fan{missing: map[uint64]int{0: 2, 1: 2}}
	f.sent.Store(2)
	for i, step := range []struct {
		number uint64
		last   bool
	}{{0, false}, {1, false}, {1, true}, {0, true}, {0, false}} {
		if got := f.reached(step.number); got != step.last {
			t.Errorf("step %d: update %d complete: %v, want %v", i, step.number, got, step.last)
		}
	}
	if len(f.missing) != 0 || f.unreached() != 0 {
		t.Errorf("complete updates are kept: %v", f.missing)
	}
}
