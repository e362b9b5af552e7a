package engine

import (
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
)

// HomeLoop is the loop where an account is at home.
func (e *Engine) HomeLoop(bare string) int { return int(e.homeLoop(bare)) }

// LoopOf is the loop of the session that is bound to a full address; -1: none.
func (e *Engine) LoopOf(full string) int {
	j := jid.MustParse(full)
	if entry, ok := e.table.Domain(j.Domain()).LookupFull(j.Local(), j.Resource()); ok {
		return int(mailboxLoop(entry.Mailbox))
	}
	return -1
}

// Stall keeps a loop from doing anything until release is called.
func (e *Engine) Stall(loop int) (release func()) {
	stalled, release := e.StallLater(loop)
	<-stalled
	return release
}

// StallLater is Stall behind what was sent to the loop before; it does not wait.
func (e *Engine) StallLater(loop int) (stalled <-chan struct{}, release func()) {
	begun, released := make(chan struct{}), make(chan struct{})
	e.sendLoop(uint32(loop), call(func() {
		close(begun)
		<-released
	}))
	return begun, func() { close(released) }
}

// RefillsSoon tells whether a loop looks at its blocked connections in its next turn.
func (e *Engine) RefillsSoon(loop int) bool { return e.loops[loop].refill.Load() }

// LoopOfWire is the loop of an in-process connection.
func (e *Engine) LoopOfWire(w *Wire) int { return int(mailboxLoop(w.mailbox)) }

// HomeKnows is how many sessions an account's home knows of, and of how many its
// loop has heard before they were opened; behind all that has reached the loop.
func (e *Engine) HomeKnows(bare string) (sessions, unopened int) {
	done := make(chan struct{})
	loop := e.homeLoop(bare)
	e.sendLoop(loop, call(func() {
		l := e.loops[loop]
		sessions, unopened = l.home(jid.MustParse(bare)).Sessions(), len(l.unopened)
		close(done)
	}))
	<-done
	return sessions, unopened
}

// Input is what a turn takes from an in-process connection.
type Input struct {
	From  *Wire
	Bytes []byte
}

// OnLoop runs something on a loop, which may have turns there: each takes some inputs,
// as if they had been read from sockets.
func (e *Engine) OnLoop(at int, run func(turn func([]Input))) {
	e.within(at, func(l *loop) {
		run(func(inputs []Input) {
			for _, in := range inputs {
				in.From.conn.input(in.Bytes)
			}
			l.exit()
			l.enter()
		})
	})
}

// within runs something on a loop that ends turns, beside the turn that it is in.
func (e *Engine) within(at int, run func(*loop)) {
	done := make(chan struct{})
	e.sendLoop(uint32(at), call(func() {
		defer close(done)
		l := e.loops[at]
		outer := l.spent // is being worked off
		l.spent = nil
		run(l)
		l.spent = outer
	}))
	<-done
}

// FeedBetween has the loop of from take two stanzas as it takes them from one read,
// and does something between them.
func (e *Engine) FeedBetween(from *Wire, first, second []byte, between func()) {
	done := make(chan struct{})
	e.sendLoop(mailboxLoop(from.mailbox), call(func() {
		defer close(done)
		c := from.conn
		c.loop.lane.conn = nil
		in := append(first[:len(first):len(first)], second...)
		n := c.feedElement(nil, in)
		between()
		c.feedElement(nil, in[n:])
	}))
	<-done
}

// Table is the routing table.
func (e *Engine) Table() *routing.Table { return e.table }

// Crowded tells whether a loop finds no processors for others, at its next tick.
func (e *Engine) Crowded(loop int) (crowded bool) {
	done := make(chan struct{})
	e.sendLoop(uint32(loop), call(func() {
		e.loops[loop].tick()
		crowded = e.loops[loop].crowded
		close(done)
	}))
	<-done
	return crowded
}

// RouteInPart has a loop route a stanza and hand over what is for one other loop; what
// it has for the rest waits, as all else does there, until release is called.
func (e *Engine) RouteInPart(loop, other int, raw string) (release func()) {
	handedOver, released := make(chan struct{}), make(chan struct{})
	e.sendLoop(uint32(loop), call(func() {
		l := e.loops[loop]
		if err := l.routeRaw(&source{}, []byte(raw)); err != nil {
			panic(err)
		}
		e.loops[other].receive(l.post[other])
		l.post[other] = nil
		close(handedOver)
		<-released
	}))
	<-handedOver
	return func() { close(released) }
}

// MostKept is how many messages a round hands to the store that has little input.
const MostKept = dueAtOnce * keepAtOnce

// Rounds is a loop that has rounds when it is told to.
type Rounds struct{ loop *loop }

// OnRounds runs something on a loop.
func (e *Engine) OnRounds(at int, run func(*Rounds)) {
	e.within(at, func(l *loop) {
		l.exit()
		run(&Rounds{l})
		l.enter()
	})
}

// Round is one of the loop, as run has them. It tells whether the loop has worked off all
// that others had left for it: on a machine that did something else its time may be over.
func (r *Rounds) Round() (all bool) {
	events, err := r.loop.next()
	if err != nil {
		panic(err)
	}
	r.loop.round(events)
	return r.loop.rest == nil
}

// FallDue has all that clients have not acknowledged fall due for the store.
func (r *Rounds) FallDue() {
	l := r.loop
	for i := range l.slots.table {
		c := l.slots.table[i].conn
		if c == nil || c.receipts == nil {
			continue
		}
		c.receipts.due = l.now
		l.wheel.disarm(c)
		l.wheel.arm(c, l.now)
	}
	l.dues.by = (max(l.now/wheelTick, l.wheel.now) + 1) * wheelTick
	l.dues.part = l.wheel.waiting(l.dues.by)
	l.beginDues()
}

// SetLeavingMost changes how many ended sessions the homes deal with at a time. Before
// there are sessions.
func (e *Engine) SetLeavingMost(n int) { e.leavingMost = n }

// Leaving is how many ended sessions the homes deal with, and Overdue how many wait to end.
func (e *Engine) Leaving() int64 { return e.returning.Load() }
func (e *Engine) Overdue() int64 { return e.overdue.Load() }

// SetKeepAfter changes how long a recipient has to acknowledge a message before it is
// stored. Before there are sessions.
func (e *Engine) SetKeepAfter(d time.Duration) { e.keepAfter = int64(d) }

// TakeNoShortWays has each stanza and each receipt dealt with by itself. It does so only
// in builds with the tag invariants. Before there are sessions.
func (e *Engine) TakeNoShortWays() { e.plain = true }

// AttachOn is Attach on a loop; from one goroutine at a time.
func (e *Engine) AttachOn(loop int, sink Sink) (*Wire, error) {
	e.nextLoop.Store(uint32(loop + len(e.loops) - 1))
	return e.Attach(sink)
}

// FeedRow has the loop of an in-process connection, behind which nobody waits, take parts
// as it takes them from one read, and does something between them.
func (e *Engine) FeedRow(from *Wire, parts []string, between func(int)) {
	done := make(chan struct{})
	in, ends := []byte(nil), []int(nil)
	for _, part := range parts {
		in = append(in, part...)
		ends = append(ends, len(in))
	}
	e.sendLoop(mailboxLoop(from.mailbox), call(func() {
		defer close(done)
		c, at := from.conn, 0
		c.loop.lane.conn = nil
		for i, end := range ends {
			for n := 1; n > 0 && at < end && c.phase == phaseStream && c.takes(nil, in[at:]); at += n {
				n = c.feedElement(nil, in[at:])
			}
			if i < len(ends)-1 {
				between(i)
			}
		}
		if c.phase == phaseStream {
			c.keep(in, at)
		}
	}))
	<-done
}

// Quiesce waits until nothing is under way among the loops from one on, but for what
// only time or a client ends.
func (e *Engine) Quiesce(from int) {
	const hops = 8 // of what is handed on from loop to loop
	for quiet := 0; quiet < hops; quiet++ {
		for i := from; i < len(e.loops); i++ {
			busy := make(chan bool)
			e.sendLoop(uint32(i), call(func() { busy <- len(e.loops[i].asked) > 0 }))
			if <-busy {
				quiet = -1
			}
		}
	}
}

// KeepAll has the sessions of the loops from one on hand to the store what their clients
// have not acknowledged.
func (e *Engine) KeepAll(from int) {
	for i := from; i < len(e.loops); i++ {
		e.within(i, func(l *loop) {
			for k := range l.slots.table {
				if c := l.slots.table[k].conn; c != nil {
					c.keepNow()
				}
			}
		})
	}
}
