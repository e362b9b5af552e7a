package engine

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/internal/invariants"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/component"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// loop is what one event loop owns: its connections, their timers, the
// memory of a turn, and an inbox through which everybody else speaks to it.
//
// A turn is what the poller reports at once: input of connections, and a wake-up.
// All that it makes is listed, and leaves at its end: one hand-over per other loop,
// one write per connection.
type loop struct {
	engine *Engine
	index  uint32
	waker  waker
	poller poller
	load   atomic.Int32 // sockets
	inbox  inbox
	due    atomic.Bool // the ticker asks for a look at the deadlines
	refill atomic.Bool // the refill timer asks for a look at the blocked

	nextDues atomic.Bool // the timer of dues asks for their next part

	slots slots
	wheel wheel
	dues  dues
	none  rare // see conn.more
	stats loopStats

	// The turn.
	now                int64 // Unix nanoseconds, read once
	inTurn             bool
	gave               bool   // work to other goroutines; see poller.wait
	crowded            bool   // see lookForRoom
	inputs, inputBytes int    // taken from sockets; see turnInputs
	delivered          uint32 // stanzas to sessions; see count
	handled            int    // stanzas of clients and to sessions, in this round
	out                session.Out
	sent               session.Stanza // the one that is being dispatched
	lane               lane           // of the last one of a client
	stamp              stanza.Stamp   // of the client that has sent the last one
	tail               []byte         // free part of the arena for session output
	arena              []byte         // the arena, length 0
	post               []*batch       // what this turn hands over, by loop; own index: to itself
	full               []*batch       // what it hands over to itself, in front of post
	ahead              int            // entries that warmEntries has looked at
	warmed             byte           // what it read, so that it is read
	spent              []*batch       // delivered in this turn; written pieces point into them
	dirty              []*conn        // have something to flush
	cuts               []*conn        // to be closed at the end of the turn
	rest               *batch         // of the inbox, not delivered yet

	in                      []byte      // what is read from a socket
	plain, sealed, gathered []byte      // scratch of the TLS filter and of gather
	warmth                  xtls.Warmth // the TLS connections that are in use
	packed, unpacked        []byte      // and of compression
	lists                   []*outList
	blocked                 []*conn
	refillArmed             bool

	asked  map[uint32]func(*storage.Result) // by Token.Serial
	serial uint32

	seat     xep.Seat                        // this loop, as extensions see it
	homes    homes                           // the accounts that are at home here
	unopened map[uint64]*unopened            // sessions that their home does not know yet, by SessionRef.ID
	bequests map[routing.Mailbox][]*bequests // on their way to the heirs of accounts that are at home here
	requests rawReader                       // frames what is handed to homes
	late     []*batch                        // handed over behind post, see goOn
	parcels  []sentParcel                    // written in this turn
	ended    ended                           // sessions that could have been resumed
	receipts []*receipts                     // empty ones for reuse

	bursts     map[routing.Mailbox]*burst // of the sessions here that have one
	burstBytes int                        // of their messages

	savingNow int               // sessions on their way into the store
	overdue   []routing.Mailbox // detached sessions that wait to end, see endOverdue

	remotes      map[string]remote // the remote domains that are at home here
	remoteDue    int64             // the earliest of their deadlines; 0: none
	actions      s2s.Actions
	peerOut      s2s.Out
	componentOut component.Out
	inbound      rawReader // frames what cannot be sent to other servers and components
	ordered      rawReader // frames what was held, see order
	recalled     rawReader // frames what is looked for in the journal

	keyed     []byte  // scratch of journal.messageKey
	addressed []byte  // scratch of addressee
	named     []named // sessions that the journal was asked for, by slot

	random *rand.ChaCha8
	id     [22]byte // the one that LentID has lent

	views   []*xep.MessageView // not in use
	copies  copies             // scratch of copySent and copyReceived
	targets []routing.Entry
	reader  rawReader // frames stanzas that are routed anew
	toBytes []byte    // scratch for addresses
}

const (
	lingerTime = int64(3 * time.Second)      // from our </stream:stream> to the cut
	refillTime = 5 * time.Millisecond        // pause between looks at blocked connections
	tickTime   = wheelTick * time.Nanosecond // pause between looks at the deadlines
	wokenTime  = time.Millisecond            // after which a turn leaves the rest of the inbox to the next one
	restTicks  = 40                          // a TLS connection drops its keys 10 to 20 s after their last use
)

func newLoop(e *Engine, index uint32) *loop {
	l := &loop{engine: e, index: index, post: make([]*batch, e.loopCount()),
		late: make([]*batch, e.loopCount()), bursts: make(map[routing.Mailbox]*burst), unopened: make(map[uint64]*unopened),
		remotes: make(map[string]remote)}
	l.seat.Host, l.random = l, newRandom()
	l.homes = homes{hash: e.hashOf, table: make(map[uint64]*xep.Home)}
	l.out.Scanner = parser.NewScanner()
	l.peerOut.Scanner = parser.NewScanner()
	l.componentOut.Scanner = parser.NewScanner()
	l.asked = make(map[uint32]func(*storage.Result))
	l.dues.timer = time.AfterFunc(time.Hour, func() {
		l.nextDues.Store(true)
		l.waker.wake()
	})
	l.dues.timer.Stop()
	l.arena = make([]byte, 0, 4096)
	l.tail = l.arena
	return l
}

// enter begins a turn; exit ends it. A turn may begin in the middle of another
// one, so enter tells whether it did begin.
func (l *loop) enter() bool {
	if l.inTurn {
		return false
	}
	l.inTurn = true
	l.now = time.Now().UnixNano()
	return true
}

// exit hands over, delivers and writes what the turn has made, until nothing
// more comes of it.
func (l *loop) exit() {
	for {
		l.count()
		l.handOver()
		if b := l.nextOwn(); b != nil {
			l.deliver(b)
			continue
		}
		if b := l.late[l.index]; b != nil {
			l.late[l.index] = nil
			l.deliver(b)
			continue
		}
		if len(l.dirty) == 0 && len(l.cuts) == 0 {
			break
		}
		l.flush()
	}
	l.settle()
	for i, b := range l.spent {
		l.engine.pool.put(b)
		l.spent[i] = nil
	}
	l.spent = l.spent[:0]
	l.tail = l.arena[:0]
	l.inputs, l.inputBytes = 0, 0
	l.inTurn = false
	if invariants.Enabled && !l.none.isEmpty() {
		panic("engine: written to what connections share")
	}
}

// nextOwn takes the next batch that the loop has for itself; nil: there is none.
func (l *loop) nextOwn() (b *batch) {
	if len(l.full) > 0 {
		b = l.full[0]
		l.full = slices.Delete(l.full, 0, 1)
		return b
	}
	b, l.post[l.index] = l.post[l.index], nil
	return b
}

// handOver gives the other loops what this turn has for them.
func (l *loop) handOver() {
	for _, list := range [...][]*batch{l.post, l.late} {
		for i, b := range list {
			if b == nil || uint32(i) == l.index {
				continue
			}
			list[i] = nil
			l.engine.loops[i].receive(b)
		}
	}
}

// receive takes a batch from any goroutine. Safe for concurrent use.
func (l *loop) receive(b *batch) {
	if l.inbox.push(b) {
		l.stats.wakes.Add(1)
		l.waker.wake()
	}
}

// flush writes what is listed and closes what is to be closed.
func (l *loop) flush() {
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		l.dirty[i] = nil
		c.touched = false
		c.flush()
		c.unstall()
	}
	l.dirty = l.dirty[:0]
	cuts := l.cuts
	l.cuts = nil
	for _, c := range cuts {
		c.cut()
	}
}

// woken looks at the timers that wake the loop. What others have left in the inbox is
// a round's beginning.
func (l *loop) woken() {
	switch {
	case l.due.Swap(false):
		l.tick()
		l.endOverdue()
	case l.nextDues.Swap(false):
		l.beginDues()
	}
	if l.refill.Swap(false) {
		l.refillBlocked()
	}
}

// deliverInbox works off the inbox for wokenTime. What is left comes first in the
// next turn, so that input is not kept waiting: a store that was busy answers
// hundreds of requests at a time.
func (l *loop) deliverInbox() {
	if l.deliverAll(l.rest) {
		l.deliverAll(l.inbox.takeAll())
	}
}

// deliverAll works off b and what follows it, unless the time is over.
func (l *loop) deliverAll(b *batch) (all bool) {
	for b != nil {
		next := b.next
		l.deliver(b)
		b.next = nil
		if b = next; b != nil && time.Now().UnixNano()-l.now > int64(wokenTime) {
			l.rest = b // next does not sleep then
			return false
		}
	}
	l.rest = nil
	return true
}

// begin prepares the loop's Out for a call of a session.
func (l *loop) begin() *session.Out {
	l.out.Reset(l.tail)
	return &l.out
}

// took moves on behind what the session has written.
func (l *loop) took(out *session.Out) { l.advance(out.Bytes) }

// count moves what sessions and deliveries have counted into the counters of the
// loop, before others see what came of it. An atomic addition for each stanza is 3 %
// of a message.
func (l *loop) count() {
	l.handled += int(l.out.Stanzas) + int(l.delivered)
	take(&l.out.Stanzas, &l.stats.stanzasIn)
	take(&l.delivered, &l.stats.stanzasOut)
	take(&l.out.StreamErrors, &l.stats.streamErrors)
	take(&l.out.AuthSuccesses, &l.stats.authSuccess)
}

// advance goes on in the arena behind b, which was appended there.
func (l *loop) advance(b []byte) {
	if cap(b) <= cap(l.tail) {
		l.tail = b[len(b):]
	} else { // the arena was too small: go on with a larger one
		l.arena = make([]byte, 0, min(2*cap(l.arena), keepBatchBytes))
		l.tail = l.arena
	}
}

// take moves a count into a counter.
func take(n *uint32, to *atomic.Uint64) {
	if *n > 0 {
		to.Add(uint64(*n))
		*n = 0
	}
}

// batchFor is the batch of this turn for a loop.
func (l *loop) batchFor(index uint32) *batch {
	b := l.post[index]
	if b != nil && len(b.data) > fullBatchBytes {
		if l.post[index] = nil; index == l.index {
			l.full = append(l.full, b)
		} else {
			l.engine.loops[index].receive(b)
		}
		b = nil
	}
	if b == nil {
		b = l.engine.pool.get()
		l.post[index] = b
	}
	return b
}

// touch has c flushed at the end of the turn.
func (l *loop) touch(c *conn) {
	if !c.touched {
		c.touched = true
		l.dirty = append(l.dirty, c)
	}
}

func (l *loop) cutLater(c *conn) { l.cuts = append(l.cuts, c) }

// gather copies pieces into one. valid until the next call.
func (l *loop) gather(pieces [][]byte) []byte {
	b := l.gathered[:0]
	for _, p := range pieces {
		b = append(b, p...)
	}
	if cap(b) <= keepBatchBytes {
		l.gathered = b
	}
	return b
}

// keepPlain keeps the scratch of decrypt, unless it has become too large.
func (l *loop) keepPlain(b []byte) {
	if cap(b) <= keepBatchBytes {
		l.plain = b[:0]
	}
}

func (l *loop) outList() *outList {
	n := len(l.lists)
	if n == 0 {
		return &outList{}
	}
	o := l.lists[n-1]
	l.lists = l.lists[:n-1]
	return o
}

func (l *loop) freeOutList(o *outList) {
	clear(o.pieces)
	o.pieces, o.bytes = o.pieces[:0], 0
	l.lists = append(l.lists, o)
}

// openAs adds a connection to the loop, by the role of its listener.
func (l *loop) openAs(t transport, ln *listener) *conn {
	switch ln.Role {
	case RolePeer:
		return l.openPeer(t, ln)
	case RoleComponent:
		return l.openComponent(t, ln)
	}
	return l.open(t, ln)
}

// open adds a client's connection.
func (l *loop) open(t transport, ln *listener) *conn {
	c := l.newConn(t)
	c.listener = ln.index
	c.slot, c.generation = l.slots.add(c)
	c.session.Open(ln.session, l.now)
	c.session.SetHandle(uint64(c.mailbox()))
	l.stats.accepted.Add(1)
	if ln.TLS {
		c.startTLS()
	}
	l.wheel.arm(c, c.session.Deadline())
	return c
}

// viewOf prepares the address b, lent until the next call.
func (l *loop) viewOf(b []byte) (jid.View, error) { return jid.ParseView(b, &l.toBytes) }
