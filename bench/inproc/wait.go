package inproc

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// tally counts what happens on event loops for whoever waits for all of it.
type tally struct {
	count atomic.Int64
	more  chan struct{}
}

func newTally() *tally { return &tally{more: make(chan struct{}, 1)} }

func (t *tally) add(n int) {
	t.count.Add(int64(n))
	signal(t.more)
}

// await returns when n were counted. The error says how many there are when nothing
// more comes.
func (t *tally) await(ctx context.Context, n int, what string) error {
	for t.count.Load() < int64(n) {
		if !within(ctx, t.more) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			return fmt.Errorf("inproc: %d %s of %d", t.count.Load(), what, n)
		}
	}
	return nil
}

// signal tells, once, whoever waits.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// within tells whether a signal comes before everything that is under way must have
// arrived.
func within(ctx context.Context, c <-chan struct{}) bool {
	given, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	select {
	case <-c:
		return true
	case <-given.Done():
		return false
	}
}

// stretch is the time from now on, and what the process takes in it.
type stretch struct {
	begin time.Time
	cpu   time.Duration
}

func newStretch() stretch { return stretch{time.Now(), cpuTime()} }

// over is how many a second n were, and the microseconds of CPU of each.
func (s stretch) over(n int) (perSec, cpu float64) {
	return float64(n) / time.Since(s.begin).Seconds(), float64((cpuTime() - s.cpu).Nanoseconds()) / 1e3 / float64(n)
}
