package hugepages

import (
	"context"
	"errors"
	"time"
)

// From is how many bytes of the heap must be alive for [Keep] to act: the processor
// finds much of a smaller one without the page tables. It is a hundred thousand
// idle sessions or so.
const From = 48 << 20

const (
	lookPause = 5 * time.Second
	renewTime = 5 * time.Minute // what was given back and is in use again becomes huge pages again

	// restTimes is for how many times as long as a step took nothing is done after
	// it. A step has the core for 1 to 2.5 ms, in which an event loop that shares it
	// waits: at a tenth of the time (9), while the heap grew under a flood, that was
	// most of what made the 99th percentile of other users' latency. With 199 a heap of 250 MB
	// takes 50 s, and one message of two hundred can meet a step.
	restTimes = 199
)

// Keep makes huge pages of the heap, once From bytes of it are alive, and of what is added
// to it, until ctx is done, which it returns nil for. done is called with what each pass has done; it
// may be nil. Errors: ErrUnsupported, at once or when
// the heap is large enough. Safe for concurrent use.
func Keep(ctx context.Context, done func(Report)) error {
	if _, err := pageSize(); err != nil {
		return err
	}
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	return keep(ctx, ticker.C, func() int64 { return gauge("/gc/heap/live:bytes") }, restTimes, done)
}

// keep is Keep, with a look at each tick; live tells how many bytes are alive, rest
// is restTimes.
func keep(ctx context.Context, ticks <-chan time.Time, live func() int64, rest int, done func(Report)) error {
	var s schedule
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticks:
			if !s.due(now, live()) {
				continue
			}
		}
		report, err := collapse(ctx, rest)
		if errors.Is(err, ErrUnsupported) {
			return err
		}
		if done != nil && err == nil {
			done(report)
		}
	}
}

// schedule tells when a pass is due.
type schedule struct {
	live int64 // bytes, at the last pass
	at   time.Time
}

// due tells whether one is due now, with so many bytes alive, and takes it as
// made: for each eighth that they have grown by, and every renewTime.
func (s *schedule) due(now time.Time, live int64) bool {
	if live < From || live < s.live+s.live/8 && now.Sub(s.at) < renewTime {
		return false
	}
	s.live, s.at = live, now
	return true
}
