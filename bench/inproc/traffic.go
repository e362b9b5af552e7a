package inproc

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/measure"
)

// traffics are the windows, one after the other.
func (r *run) traffics(ctx context.Context) (err error) {
	everybody, few := all(r.settings.Sessions), all(min(HotSessions, r.settings.Sessions))
	if r.result.Spread, err = r.traffic(ctx, "messages among all", everybody, nil); err != nil {
		return err
	}
	if r.result.Clients, err = r.clients(ctx, everybody); err != nil {
		return err
	}
	if r.result.HotClients, err = r.clients(ctx, few); err != nil {
		return err
	}
	if r.result.Hot, err = r.traffic(ctx, "messages among a few", few, nil); err != nil {
		return err
	}
	r.result.Busy, err = r.traffic(ctx, "messages during collections", everybody, runtime.GC)
	return err
}

// traffic lets all chains run in a circle and counts inside a window.
// beside, unless nil, is called over and over meanwhile.
func (r *run) traffic(ctx context.Context, what string, o circle, beside func()) (t Traffic, err error) {
	r.tell(what)
	r.launch(o)
	if err := measure.Pause(ctx, r.settings.Warmup); err != nil {
		return t, err
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for beside != nil && !closed(over) {
			beside()
		}
	}()
	messages, cpu, begin := r.total(), cpuTime(), time.Now()
	r.opened.Store(int64(begin.Sub(r.start)))
	err = measure.Pause(ctx, r.settings.Duration)
	r.opened.Store(0)
	messages, cpu = r.total()-messages, cpuTime()-cpu
	wall := time.Since(begin)
	close(over)
	<-ended
	if err != nil {
		return t, err
	}
	if err := r.settle(ctx); err != nil {
		return t, err
	}
	all := hdrhistogram.New(int64(time.Microsecond), int64(time.Minute), 2)
	for _, c := range r.chains {
		all.Merge(c.latency)
	}
	micros := func(q float64) float64 { return float64(all.ValueAtQuantile(q)) / 1e3 }
	t = Traffic{PerSec: float64(messages) / wall.Seconds(), P50: micros(50), P99: micros(99), Max: micros(100)}
	if messages == 0 {
		r.result.Warnings = append(r.result.Warnings, what+": nothing arrived in the window")
		return t, nil
	}
	t.CPU = float64(cpu.Nanoseconds()) / 1e3 / float64(messages)
	return t, nil
}

func (r *run) total() (n int64) {
	for _, c := range r.chains {
		n += c.last.Load()
	}
	return n
}

// settle ends the chains and counts what does not arrive.
func (r *run) settle(ctx context.Context) error {
	r.stop.Store(true)
	left, quiet := r.running.Load(), time.Now()
	for left > 0 && time.Since(quiet) < grace {
		if err := measure.Pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
		if now := r.running.Load(); now != left {
			left, quiet = now, time.Now()
		}
	}
	if left > 0 {
		r.result.Lost += int(left)
		return fmt.Errorf("inproc: %d messages did not arrive", left)
	}
	return nil
}

// send is the next message of a chain.
func (r *run) send(k int, c *chain) {
	if c.used == drawn {
		r.draw(c)
	}
	h := &c.ahead[c.used]
	c.used++
	c.from, c.to = h.from, h.to
	c.sent = time.Now()
	c.number++
	message := c.render(k, c.number, c.to, r.domainOf(c.to))
	if !r.alone.Load() {
		h.wire.Send(message)
	}
}

// arrived looks at what a user got. It is called on the user's event loop.
func (r *run) arrived(u *user, p []byte) {
	if f := r.hears.Load(); f != nil {
		(*f)(u, p)
		return
	}
	for {
		k, number, rest, ok := mark(p)
		if !ok {
			return
		}
		p = rest
		if k >= len(r.chains) {
			r.strange.Add(1)
			continue
		}
		r.goOn(k, number, u)
	}
}

// goOn counts the message in flight and sends the next, if this is it.
func (r *run) goOn(k int, number uint64, u *user) {
	c := r.chains[k]
	c.Lock()
	defer c.Unlock()
	if number != c.number || uint32(c.to) != u.index {
		r.strange.Add(1)
		return
	}
	if opened := r.opened.Load(); opened != 0 && int64(c.sent.Sub(r.start)) >= opened {
		now := time.Since(c.sent)
		_ = c.latency.RecordValue(int64(min(max(now, time.Microsecond), time.Minute))) // inside its range
	}
	c.last.Add(1)
	if r.stop.Load() && !r.alone.Load() { // passOn ends its chains by itself
		r.end(c)
		return
	}
	r.send(k, c)
}

// end is called when nobody has the message of a chain: whatever comes under its
// number from now on is strange.
func (r *run) end(c *chain) {
	c.number++
	r.running.Add(-1)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
