package inproc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/measure"
)

// What messages in an open loop are marked with, in the place of a chain's number.
const (
	calmTalk  = iota // of users alone
	churnTalk        // beside logins
	mixTalk          // a day
	floodTalk        // beside a flood
	floodMark        // the flood
)

const (
	sampling = 20 * time.Millisecond // of the heap
	// spare is processors beside those of the event loops, which keep theirs for a while
	// when they wait in the kernel: without one to spare nobody noticed for up to 10 ms that
	// a message was due. xylem serve has four.
	spare = 4
)

// talk is users who write to each other in an open loop: a message is due when its
// time has come, whatever became of those before, and its latency counts from then.
// The users are the first of all, each with its neighbour.
type talk struct {
	run     *run
	users   int   // an even number, the first of all
	list    []int // or these, as many
	id      int   // names it in messages
	pace    measure.Pace
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

// alone measures the users with nothing beside them.
func (t *talk) alone(ctx context.Context) (Open, error) {
	defer t.run.hear(t.hear)()
	return t.beside(ctx, func(context.Context) error { return nil })
}

// beside measures the users while something else is done, which ends by itself. What
// users get must come to hear.
func (t *talk) beside(ctx context.Context, do func(context.Context) error) (o Open, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spare))
	defer t.run.noteSpare(pauseCounts())
	heap := mostHeap()
	var other sync.WaitGroup
	var failed error
	other.Go(func() { failed = do(ctx) })
	err = t.goOn(ctx)
	other.Wait()
	o.Heap = heap()
	if err := errors.Join(err, failed); err != nil {
		return o, err
	}
	times := t.latency()
	o.P50, o.P99, o.Max = micros(times, 50), micros(times, 99), micros(times, 100)
	o.Late = micros(t.late, 99)
	o.Times, err = times.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	return o, err
}

// goOn sends all messages and waits until they have arrived. The error says that some
// have not; they are counted as lost.
func (t *talk) goOn(ctx context.Context) error {
	t.pace = measure.Pace{Begin: time.Now(), Rate: t.run.settings.Rate, Count: len(t.times), Grace: grace}
	sent, err := t.pace.Run(ctx, func(k int, now time.Time) {
		record(t.late, now.Sub(t.pace.Due(k)))
		from, to := t.pair(k)
		t.run.wires[from].Send(t.message.render(t.id, uint64(k), to, domain))
	})
	if err != nil {
		return err
	}
	if sent < len(t.times) {
		t.run.result.Warnings = append(t.run.result.Warnings, fmt.Sprintf("the users could not keep their rate: %d of %d messages were sent", sent, len(t.times)))
	}
	return t.run.arriving(ctx, t.arrived, sent)
}

// hear looks at what a user got. It is called on the user's event loop.
func (t *talk) hear(u *user, p []byte) {
	for {
		id, number, rest, ok := mark(p)
		if !ok {
			return
		}
		p = rest
		if id != t.id || number >= uint64(len(t.times)) || !t.goesTo(number, u) ||
			!t.times[number].CompareAndSwap(0, int64(max(time.Since(t.pace.Due(int(number))), 1))) {
			t.run.strange.Add(1)
			continue
		}
		t.arrived.add(1)
	}
}

// stride is how far apart those are who write one after the other, in users: a prime.
const stride = 7919

// pair is who writes message k to whom.
func (t *talk) pair(k int) (from, to int) {
	from = k * stride % t.users
	if to = from ^ 1; t.list != nil {
		return t.list[from], t.list[to]
	}
	return from, to
}

func (t *talk) goesTo(number uint64, u *user) bool {
	_, to := t.pair(int(number))
	return uint32(to) == u.index
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

// mostHeap looks again and again at what the last collection left of the heap. The
// result ends that, and tells the most, in bytes.
func mostHeap() (end func() float64) {
	stop, result := make(chan struct{}), make(chan float64)
	go func() {
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		for most := 0.0; ; {
			most = max(most, gauge(metricLive))
			select {
			case <-tick.C:
			case <-stop:
				result <- most
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-result
	}
}

// micros is a quantile, in percent, of nanoseconds in microseconds.
func micros(h *hdrhistogram.Histogram, q float64) float64 { return float64(h.ValueAtQuantile(q)) / 1e3 }
