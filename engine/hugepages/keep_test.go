package hugepages_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine/hugepages"
)

func TestWhenAPassIsDue(t *testing.T) {
	const from = hugepages.From
	var s hugepages.Schedule
	for _, c := range []struct {
		seconds, live int64
		want          bool
	}{
		{0, from - 1, false},
		{5, from, true},
		{10, from, false},
		{15, from + from/8 - 1, false},
		{20, from + from/8, true},
		{25, from + from/8, false},
		{30, from * 4, true},
		{35, from, false},      // it has shrunk
		{329, from, false},     // five minutes after the last
		{330, from, true},      // now
		{335, from - 1, false}, // too small again
	} {
		if got := s.Due(c.seconds, c.live); got != c.want {
			t.Errorf("after %d s with %d bytes: got %v, want %v", c.seconds, c.live, got, c.want)
		}
	}
}

// A look at a small heap does nothing, one at a large heap makes huge pages.
func TestKeep(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	used := touched(32 << 20)
	ticks, reports, ended := make(chan time.Time), make(chan hugepages.Report, 2), make(chan error, 1)
	live := []int64{hugepages.From - 1, hugepages.From}
	go func() {
		ended <- hugepages.KeepAt(ctx, ticks, func() int64 {
			defer func() { live = live[1:] }()
			return live[0]
		}, 0, func(r hugepages.Report) { reports <- r })
	}()
	ticks <- time.Unix(0, 0)
	ticks <- time.Unix(5, 0)
	select {
	case r := <-reports:
		if r.Heap < int64(len(used)) || r.Huge+r.Refused == 0 {
			t.Errorf("got %+v, want that of %d bytes at least", r, len(used))
		}
	case err := <-ended:
		if !errors.Is(err, hugepages.ErrUnsupported) {
			t.Fatalf("it ended by itself: %v", err)
		}
		return
	}
	cancel()
	if err := <-ended; err != nil || len(reports) > 0 {
		t.Errorf("got %v and %d more passes, want nil and none", err, len(reports))
	}
	runtime.KeepAlive(used)
}

// Keep ends when it is told to; at once where there are no huge pages.
func TestKeepEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hugepages.Keep(ctx, nil); err != nil && !errors.Is(err, hugepages.ErrUnsupported) {
		t.Error(err)
	}
}
