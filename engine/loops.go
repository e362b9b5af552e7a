package engine

import (
	"runtime"
	"time"

	"github.com/xylem-im/xylem/routing"
)

// loopCount is Config.Loops, or one for each usable core.
func (e *Engine) loopCount() int {
	if e.cfg.Loops > 0 {
		return e.cfg.Loops
	}
	return runtime.GOMAXPROCS(0)
}

// openLoops starts the event loops.
func (e *Engine) openLoops() error {
	for i := range e.loopCount() {
		l := newLoop(e, uint32(i))
		if err := l.openPoller(); err != nil {
			for _, opened := range e.loops {
				opened.poller.close()
			}
			return err
		}
		e.loops = append(e.loops, l)
	}
	for _, l := range e.loops {
		e.looping.Go(l.run)
	}
	go e.tick()
	return nil
}

// closeLoops ends them, and the connections that are left.
func (e *Engine) closeLoops() {
	e.halted.Store(true)
	for _, l := range e.loops {
		l.waker.wake()
	}
	e.looping.Wait()
}

// tick has the loops look at their deadlines.
func (e *Engine) tick() {
	t := time.NewTicker(tickTime)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			e.tickets.Rotate(now)
			if r := e.recalls(); r != nil && now.UnixNano() >= r.until {
				e.recall.Store(nil)
			}
			for _, l := range e.loops {
				l.due.Store(true)
				l.waker.wake()
			}
		case <-e.stopped:
			return
		}
	}
}

// leastLoaded is the loop with the fewest sockets: favored if no other has fewer.
func (e *Engine) leastLoaded(favored *loop) *loop {
	least := favored
	for _, l := range e.loops {
		if l.load.Load() < least.load.Load() {
			least = l
		}
	}
	return least
}

// send hands a control to the loop of a connection, from any goroutine.
func (e *Engine) send(to routing.Mailbox, ctl control) {
	e.post(mailboxLoop(to), entry{to: to, kind: entryControl, ctl: ctl})
}

// sendLoop hands a control to a loop itself; false when the engine does not run.
func (e *Engine) sendLoop(index uint32, ctl control) bool {
	return e.post(index, entry{kind: entryControl, ctl: ctl})
}

func (e *Engine) post(index uint32, item entry) bool {
	if int(index) >= len(e.loops) {
		return false
	}
	b := e.pool.get()
	b.entries = append(b.entries, item)
	e.loops[index].receive(b)
	return true
}
