package inproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxContacts is how many contacts the publisher has at most, as in the scenario
// presence over the wire.
const maxContacts = 999

// fan is the first session, which publishes, and its contacts, those behind it.
type fan struct {
	contacts int
	number   atomic.Uint64   // of the update under way; 0: none
	missing  atomic.Int64    // contacts that do not have it
	told     atomic.Int64    // deliveries ever
	last     []atomic.Uint64 // update that each contact has got
	complete chan struct{}   // the last contact has the update under way
	approved *tally          // contacts whose request was answered
}

// presence measures the fan-out of one account's presence to its contacts, in a
// closed loop: the next update when the last contact has the one before.
func (r *run) presence(ctx context.Context) (p Presence, err error) {
	r.tell("presence")
	f := &fan{contacts: min(maxContacts, r.settings.Sessions-1), complete: make(chan struct{}, 1), approved: newTally()}
	f.last = make([]atomic.Uint64, f.contacts+1)
	defer r.hear(f.arrived)()
	if err := r.subscribe(ctx, f); err != nil {
		return p, err
	}
	times := hdrhistogram.New(int64(time.Microsecond), int64(time.Minute), 2)
	if err := r.publish(ctx, f, r.settings.Warmup, nil); err != nil {
		return p, err
	}
	told, cpu, begin := f.told.Load(), cpuTime(), time.Now()
	if err := r.publish(ctx, f, r.settings.Duration, times); err != nil {
		return p, err
	}
	told, cpu = f.told.Load()-told, cpuTime()-cpu
	p = Presence{Contacts: f.contacts, PerSec: float64(told) / time.Since(begin).Seconds(), CPU: float64(cpu.Nanoseconds()) / 1e3 / float64(max(told, 1)),
		P50: float64(times.ValueAtQuantile(50)) / 1e3, P99: float64(times.ValueAtQuantile(99)) / 1e3}
	return p, nil
}

// befriends has a user subscribe to a publisher.
func (r *run) befriends(i, publisher int) {
	r.wires[i].Send(fmt.Appendf(nil, "<presence type='subscribe' to='%s@%s'/>", name(publisher), domain))
	r.wires[publisher].Send(fmt.Appendf(nil, "<presence type='subscribed' to='%s@%s'/>", name(i), domain))
}

// subscribe lets all contacts subscribe at once, which the publisher approves (RFC
// 6121 §3.1) before or after it is asked, and proves that each gets an update.
func (r *run) subscribe(ctx context.Context, f *fan) error {
	for i := 1; i <= f.contacts; i++ {
		r.befriends(i, 0)
	}
	if err := f.approved.await(ctx, f.contacts, "approved subscriptions"); err != nil {
		return err
	}
	f.begin(r)
	if missing, err := f.wait(ctx); err != nil || missing > 0 {
		return errors.Join(err, fmt.Errorf("inproc: %d of %d contacts do not get presence", missing, f.contacts))
	}
	return nil
}

// publish sends updates for as long as d, at least one.
func (r *run) publish(ctx context.Context, f *fan, d time.Duration, times *hdrhistogram.Histogram) error {
	for end := time.Now().Add(d); ; {
		begin := time.Now()
		f.begin(r)
		missing, err := f.wait(ctx)
		if err != nil {
			return err
		}
		if missing > 0 {
			r.result.Lost += int(missing)
			return fmt.Errorf("inproc: an update did not reach %d of %d contacts", missing, f.contacts)
		}
		now := time.Now()
		if times != nil {
			_ = times.RecordValue(int64(min(max(now.Sub(begin), time.Microsecond), time.Minute))) // inside its range
		}
		if !now.Before(end) {
			return nil
		}
	}
}

// begin publishes the next update.
func (f *fan) begin(r *run) {
	select {
	case <-f.complete: // of one that was given up
	default:
	}
	number := f.number.Load() + 1
	f.missing.Store(int64(f.contacts))
	f.number.Store(number)
	r.wires[0].Send(fmt.Appendf(nil, "<presence><status>%s%020d</status></presence>", updateMark, number))
}

// wait returns when the last contact has the update, or how many do not have it
// when nothing more comes.
func (f *fan) wait(ctx context.Context) (missing int64, err error) {
	if within(ctx, f.complete) {
		return 0, nil
	}
	return f.missing.Load(), context.Cause(ctx)
}

const (
	updateMark  = "update."
	updateWidth = 20 // digits
)

// nextUpdate finds the next update in p: its number and what follows; math.MaxUint64 for
// one that is none of ours. ok is false when there is none.
func nextUpdate(p []byte) (number uint64, rest []byte, ok bool) {
	_, rest, ok = bytes.Cut(p, []byte(updateMark))
	if !ok || len(rest) < updateWidth {
		return 0, nil, false
	}
	number, err := strconv.ParseUint(string(rest[:updateWidth]), 10, 64)
	if err != nil {
		number = math.MaxUint64
	}
	return number, rest[updateWidth:], true
}

// arrived looks at what a contact got. It is called on the contact's event loop.
func (f *fan) arrived(u *user, p []byte) {
	switch {
	case u.index == 0 || int(u.index) > f.contacts:
		return
	case bytes.Contains(p, []byte("type='subscribed'")):
		f.approved.add(1)
	}
	for {
		number, rest, ok := nextUpdate(p)
		if !ok {
			return
		}
		p = rest
		if number != f.number.Load() || f.last[u.index].Swap(number) == number {
			continue // an old one, or the one that subscribing brings once more
		}
		f.told.Add(1)
		if f.missing.Add(-1) == 0 {
			signal(f.complete)
		}
	}
}
