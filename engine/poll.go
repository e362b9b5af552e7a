package engine

import (
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	// readBytes is how much is read from a socket at once. Each loop has one
	// buffer for it.
	readBytes = 64 << 10

	// A turn that has taken input from turnInputs connections, or turnBytes of
	// it, ends before its round does, so that the first do not wait long for
	// the last and what the turn has made is still in the cache when it is
	// written.
	turnInputs = 32
	turnBytes  = 64 << 10
)

// openPoller makes the loop ready to serve.
func (l *loop) openPoller() error {
	if err := l.poller.open(); err != nil {
		return err
	}
	if err := l.waker.open(&l.poller); err != nil {
		l.poller.close()
		return err
	}
	l.in = make([]byte, readBytes)
	return nil
}

// run works off the events of the loop's sockets, and what others leave for
// it, until the engine is halted. Then it closes what is left.
func (l *loop) run() {
	l.lookForRoom()
	hook := l.engine.cfg.Hooks.Round
	for !l.engine.halted.Load() {
		round, err := l.next()
		if err != nil {
			l.engine.log.Error("event loop failed", "loop", l.index, "error", err)
			break
		}
		if hook != nil {
			hook(int(l.index))
		}
		l.round(round)
	}
	began := l.enter()
	for i := range l.slots.table {
		if c := l.slots.table[i].conn; c != nil {
			if s, ok := c.transport.(*socket); ok {
				s.close()
			}
		}
	}
	if began {
		l.exit()
	}
	l.poller.close()
}

// next returns the next round: what sockets report already if there is anything or
// others have left something for the loop, else the first that comes.
//
// A loop that has given work away lets goroutines that are ready have their turn
// before its thread sleeps: the worker then begins on this thread, and has often
// answered before the loop sleeps, which saves the wake-up. Each time else it would only
// have another thread woken to take the loop over, which took a third of a login's
// wake-ups.
func (l *loop) next() ([]unix.EpollEvent, error) {
	yields := l.gave || l.crowded
	l.gave = false
	if yields && !l.hasMore() && l.inbox.isEmpty() {
		if events, err := l.poller.look(); err != nil || len(events) > 0 {
			return events, err
		}
		runtime.Gosched()
		if !l.inbox.isEmpty() {
			return nil, nil // the sockets have been looked at
		}
	}
	if l.hasMore() || !l.inbox.mayRest() {
		return l.poller.look()
	}
	defer l.inbox.rouse()
	return l.poller.wait()
}

// hasMore tells whether the loop has left something for its next round.
func (l *loop) hasMore() bool { return l.rest != nil || l.dues.left > 0 }

// lookForRoom tells whether there are processors for goroutines beside the loops. If
// not they run only when a loop lets them on; a program may change that at any time.
func (l *loop) lookForRoom() { l.crowded = runtime.GOMAXPROCS(0) <= len(l.engine.loops) }

// round is a turn for what others have left for the loop and all that epoll has
// reported at once, or several. Reading
// one socket after the other, then routing, then writing keeps the code of each step
// at hand (a tenth of a message's CPU where it was measured, on a busy machine); and
// there is one wake-up of another loop, and one write to a connection, for all of it.
func (l *loop) round(events []unix.EpollEvent) {
	l.handled = 0
	l.enter()
	l.deliverInbox()
	for i := range events {
		if i%warmGroup == 0 {
			l.warmEvents(events[i:])
		}
		l.event(int(events[i].Fd), events[i].Events)
		if l.inputs >= turnInputs || l.inputBytes >= turnBytes || l.isFull() {
			l.exit()
			l.enter()
		}
	}
	l.exit()
	if l.dues.left > 0 {
		l.callDues()
	}
}

// isFull tells whether a turn has as much for this loop as a batch should hold: what is
// copied to many is more than what came.
func (l *loop) isFull() bool {
	b := l.post[l.index]
	return b != nil && len(b.data) > fullBatchBytes
}

// event is for one socket, a listener, or who has woken the loop.
func (l *loop) event(fd int, what uint32) {
	switch {
	case fd == l.waker.fd:
		l.woken()
		return
	case fd < 0:
		l.accept(l.engine.listeners[listenerNumber-fd])
		return
	}
	s := l.engine.sockets.find(fd)
	if s == nil || s.loop != l {
		return // closed by an event of the same round, and perhaps another one's by now
	}
	if what&(writeEvents|errorEvents) != 0 {
		s.writable()
	}
	if what&(readEvents|errorEvents) != 0 {
		s.read(what&endEvents != 0)
	}
}
