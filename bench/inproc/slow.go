package inproc

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/bench/measure"
)

const (
	// fullBuffer is what such a client has not read: more than the engine gives a
	// connection before it holds the rest back by itself.
	fullBuffer = 1 << 20
	// pendingMost is what a client that floods has on its way into the engine; a
	// socket takes no more either.
	pendingMost = 64 << 10
	// floodTick is how often the flood is looked after: its messages have no latency.
	floodTick = time.Millisecond
)

// group is some of the sessions.
type group struct{ first, n int }

func (g group) has(u *user) bool { return int(u.index) >= g.first && int(u.index) < g.first+g.n }

// fate is what became of a message of the flood.
type fate = uint32

const (
	notSent fate = iota
	unknown
	refused // its sender has got it back as an error
	kept    // its recipient has got it at the next login
)

// overload is users who write to each other, without and with a flood beside them to
// clients that read nothing.
type overload struct {
	*run
	talkers           int
	flooders, stalled group
	calm, flooded     *talk
	fates             []atomic.Uint32 // of each message of the flood
	of                [kept + 1]atomic.Int64
	twice             atomic.Int64
	open              []atomic.Int32 // messages without a fate, of each client that reads nothing
	known             chan struct{}  // signals fates
	answered          *tally         // requests of those who flood
	gone              *tally         // connections that ended
}

// overload is none when there are too few sessions.
func (r *run) overload() (o *overload, ok bool) {
	users, flooders, stalled := r.settings.Crowd()
	if stalled == 0 {
		return nil, false
	}
	o = &overload{run: r, talkers: users, flooders: group{users, flooders}, stalled: group{users + flooders, stalled},
		known: make(chan struct{}, 1), answered: newTally(), gone: newTally()}
	o.calm, o.flooded = r.newTalk(o.talkers, calmTalk), r.newTalk(o.talkers, floodTalk)
	o.open = make([]atomic.Int32, stalled)
	o.fates = make([]atomic.Uint32, int(r.settings.Flood*(r.settings.Warmup+r.settings.Duration).Seconds()))
	return o, true
}

// slow measures users without and with the flood.
func (r *run) slow(ctx context.Context) (s Slow, err error) {
	o, ok := r.overload()
	if !ok {
		return s, nil
	}
	s.Users, s.Flooders, s.Stalled = o.talkers, o.flooders.n, o.stalled.n
	r.tell("users without a flood")
	if err := o.stall(ctx); err != nil {
		return s, err
	}
	before, err := readMemory()
	if err != nil {
		return s, err
	}
	if s.Calm, err = o.calm.alone(ctx); err != nil {
		return s, err
	}
	r.tell("users beside a flood")
	r.gone.Store(o.gone) // from here: the server closes the connection of who has too much to read
	defer r.gone.Store(nil)
	defer r.hear(o.listen)()
	if s.Beside, err = o.flooded.beside(ctx, o.flood); err != nil {
		return s, err
	}
	r.tell("what became of the flood")
	if err := o.ping(ctx); err != nil {
		return s, err
	}
	after, err := readMemory()
	if err != nil {
		return s, err
	}
	s.Beside.Heap = max(s.Beside.Heap, after.heap)
	s.Heap = (after.heap - before.heap) / float64(o.stalled.n)
	s.Bound = s.Calm.Heap + float64(o.stalled.n)*float64(r.settings.Held)
	err = o.settle(ctx)
	s.Flood, s.Refused, s.Kept, s.Twice = o.sent(), int(o.of[refused].Load()), int(o.of[kept].Load()), int(o.twice.Load())
	s.Unaccounted = s.Flood - s.Refused - s.Kept
	return s, err
}

// stall has clients turn stream management on, and read nothing from then on.
func (o *overload) stall(ctx context.Context) error {
	enabled := newTally()
	defer o.hear(func(_ *user, p []byte) { enabled.add(bytes.Count(p, []byte("<enabled "))) })()
	wires := o.wires[o.stalled.first:][:o.stalled.n]
	for _, w := range wires {
		w.Send([]byte("<enable xmlns='urn:xmpp:sm:3'/>"))
	}
	if err := enabled.await(ctx, len(wires), "sessions with stream management"); err != nil {
		return err
	}
	for i := range o.stalled.n {
		o.users[o.stalled.first+i].state.Store(stateStalled)
	}
	return nil
}

// flood writes to the clients that read nothing, at the settings' rate.
func (o *overload) flood(ctx context.Context) error {
	message := newChain(floodMark, o.settings.Payload, !o.settings.Stock)
	pace := measure.Pace{Begin: time.Now(), Rate: o.settings.Flood, Count: len(o.fates), Tick: floodTick, Grace: grace}
	_, err := pace.Run(ctx, func(k int, _ time.Time) {
		w := o.wires[o.flooders.first+k%o.flooders.n]
		for full := time.Now(); w.Pending() > pendingMost && time.Since(full) < grace && ctx.Err() == nil; {
			_ = measure.Pause(ctx, floodTick) // ctx is looked at above
		}
		o.open[k%len(o.open)].Add(1)
		o.fates[k].Store(unknown)
		w.Send(message.render(floodMark, uint64(k), o.stalled.first+k%o.stalled.n, domain))
	})
	return err
}

// listen looks at what anybody gets beside the flood. It is called on the user's event loop.
func (o *overload) listen(u *user, p []byte) {
	switch {
	case int(u.index) < o.talkers:
		o.flooded.hear(u, p)
	case o.flooders.has(u):
		o.answered.add(bytes.Count(p, behindMark))
		o.learn(p, refused)
	case o.stalled.has(u):
		o.learn(p, kept)
	}
}

// learn notes the fate of the messages in p.
func (o *overload) learn(p []byte, what fate) {
	for {
		id, number, rest, ok := mark(p)
		switch p = rest; {
		case !ok:
			return
		case id != floodMark || number >= uint64(len(o.fates)):
			o.strange.Add(1)
		case !o.fates[number].CompareAndSwap(unknown, what):
			o.twice.Add(1)
		default:
			o.of[what].Add(1)
			o.open[number%uint64(len(o.open))].Add(-1)
			signal(o.known)
		}
	}
}

// sent is how many messages of the flood were.
func (o *overload) sent() (n int) {
	for k := range o.fates {
		if o.fates[k].Load() != notSent {
			n++
		}
	}
	return n
}

// ping waits until those who flood have been answered what they ask behind it.
func (o *overload) ping(ctx context.Context) error {
	for _, w := range o.wires[o.flooders.first:][:o.flooders.n] {
		w.Send([]byte("<iq type='get' to='" + domain + "' " + string(behindMark) + "><ping xmlns='urn:xmpp:ping'/></iq>"))
	}
	return o.answered.await(ctx, o.flooders.n, "answers behind the flood")
}

// settle finds out what became of the flood. Its recipients have acknowledged nothing,
// so when their connections are cut each message goes back to its sender, or in the
// stock server waits for the account's next login. A few at a time are cut: what
// all of them leave at once could be more than the store takes.
func (o *overload) settle(ctx context.Context) error {
	for first := 0; first < o.stalled.n; first += loginsAtOnce {
		few := indexes(o.stalled.first+first, o.stalled.first+min(first+loginsAtOnce, o.stalled.n))
		if err := o.cut(ctx, few); err != nil {
			return err
		}
		few = slices.DeleteFunc(few, func(i int) bool { return o.open[i-o.stalled.first].Load() == 0 })
		if o.settings.Stock {
			if err := o.fetch(ctx, few); err != nil {
				return err
			}
		}
		if o.learned(ctx, few); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// learned waits until all messages to these clients have a fate, or nothing more comes:
// how many have none is a figure.
func (o *overload) learned(ctx context.Context, list []int) {
	for _, i := range list {
		for o.open[i-o.stalled.first].Load() > 0 {
			if !within(ctx, o.known) {
				return
			}
		}
	}
}

// cut breaks the connections of those who read nothing.
func (o *overload) cut(ctx context.Context, list []int) error {
	for _, i := range list {
		o.wires[i].Close()
	}
	for _, i := range list {
		for o.run.users[i].state.Load() != stateClosed {
			if !within(ctx, o.gone.more) {
				return errors.Join(context.Cause(ctx), errors.New("inproc: connections do not end"))
			}
		}
	}
	return nil
}

// fetch logs clients in again, who get what waits for them.
func (o *overload) fetch(ctx context.Context, list []int) error {
	if err := o.bringUp(ctx, list, bound); err != nil {
		return err
	}
	for _, i := range list {
		o.wires[i].Send([]byte("<presence/>"))
	}
	return nil
}
