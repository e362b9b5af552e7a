package inproc

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/measure"
)

// talk is users who write to each other in an open loop: a message is due when its
// time has come, whatever became of those before, and its latency counts from then.
// The users are the first of all, each with its neighbour.
type talk struct {
	run     *run
	users   int // an even number
	id      int // names it in messages
	begin   time.Time
	times   []atomic.Int64 // of each message, from when it was due until it arrived, ns; 0: it has not
	arrived *tally
	message *chain
	late    *hdrhistogram.Histogram // from when a message was due until it was sent, ns
}

// newTalk is one at the settings' rate, for warm-up and window.
func (r *run) newTalk(users, id int) *talk {
	n := int(r.settings.Rate * (r.settings.Warmup + r.settings.Duration).Seconds())
	return &talk{run: r, users: users, id: id, times: make([]atomic.Int64, n), arrived: newTally(),
		message: newChain(id, r.settings.Payload, !r.settings.Stock), late: newTimes()}
}

// newTimes is a histogram of nanoseconds.
func newTimes() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), int64(time.Minute), 2)
}

// record adds d, or the nearest that there is a place for.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(int64(min(max(d, time.Microsecond), time.Minute))) // inside its range
}

// go on until all messages have been sent and have arrived. The error says that some
// have not; they are counted as lost.
func (t *talk) goOn(ctx context.Context) error {
	t.begin = time.Now()
	sent, err := t.run.openLoop(ctx, t.begin, t.run.settings.Rate, len(t.times), 0, func(k int) {
		record(t.late, time.Since(t.due(k)))
		t.message.number = uint64(k)
		t.run.wires[k%t.users].Send(t.message.render(t.id, k%t.users^1))
	})
	if err != nil {
		return err
	}
	if sent < len(t.times) {
		t.run.result.Warnings = append(t.run.result.Warnings, fmt.Sprintf("the users could not keep their rate: %d of %d messages were sent", sent, len(t.times)))
	}
	return t.run.arriving(ctx, t.arrived, sent)
}

// due is when message k shall be sent.
func (t *talk) due(k int) time.Time {
	return t.begin.Add(time.Duration(float64(k) / t.run.settings.Rate * float64(time.Second)))
}

// hear looks at what a user got. It is called on the user's event loop.
func (t *talk) hear(u *user, p []byte) {
	for {
		id, number, rest, ok := mark(p)
		if !ok {
			return
		}
		p = rest
		if id != t.id || number >= uint64(len(t.times)) || uint32(int(number)%t.users^1) != u.index ||
			!t.times[number].CompareAndSwap(0, int64(max(time.Since(t.due(int(number))), 1))) {
			t.run.strange.Add(1)
			continue
		}
		t.arrived.add(1)
	}
}

// latency is that of the window.
func (t *talk) latency() *hdrhistogram.Histogram {
	h := newTimes()
	for k := int(t.run.settings.Rate * t.run.settings.Warmup.Seconds()); k < len(t.times); k++ {
		if d := t.times[k].Load(); d > 0 {
			record(h, time.Duration(d))
		}
	}
	return h
}

// openLoop calls send(k) for k from 0 to below n, each when it is due at that rate
// a second, and looks no more often than each tick whether one is. One that is late
// is sent at once. What is not sent within grace after the end is given up.
func (r *run) openLoop(ctx context.Context, begin time.Time, rate float64, n int, tick time.Duration, send func(k int)) (sent int, err error) {
	p, err := measure.NewPacer()
	if err != nil {
		return 0, err
	}
	defer p.Close()
	step := float64(time.Second) / rate
	end := begin.Add(time.Duration(step*float64(n)) + grace)
	for k := range n {
		now := time.Now()
		if ctx.Err() != nil {
			return k, context.Cause(ctx)
		}
		if now.After(end) {
			return k, nil
		}
		if due := begin.Add(time.Duration(step * float64(k))); due.After(now) {
			if err := p.Wait(max(due.Sub(now), tick)); err != nil {
				return k, err
			}
		}
		send(k)
	}
	return n, nil
}
