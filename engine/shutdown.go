package engine

import (
	"context"
	"time"

	"github.com/xylem-im/xylem/stanza"
)

// Shutdown drains: no new streams, all clients get the stream error
// system-shutdown and </stream:stream>, what waits for other servers is sent or
// returned, what must be stored is stored, then the connections are closed. With a
// Store and an extension that keeps messages, sessions that can be resumed
// (XEP-0198) are stored, too, and can be resumed after the restart. Clients have
// Limits.DrainTime to close their side before they are cut off, and sessions as long
// again to be stored; those that are left end. It returns when Run has, or with
// ctx's error when ctx is done before.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.stopOnce.Do(func() { close(e.stop) })
	if !e.running.Load() {
		return nil
	}
	select {
	case <-e.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain ends all sessions, or stores them, and waits for that.
func (e *Engine) drain() {
	e.draining.Store(true)
	for _, ln := range e.listeners {
		if ln.Role != RolePeer { // those prove us by dialback while something is sent to them
			ln.close()
		}
	}
	if !e.drained(drainAll{}, e.limits.DrainTime) {
		e.stopRemotes()
		e.settleLoops()
		e.cutAll()
	}
	if e.keepsSessions() {
		e.settleLoops()
		e.saveAll(e.limits.DrainTime)
		if e.detached.Load() > 0 {
			e.drained(drainAll{detached: true}, e.limits.DrainTime)
		}
	}
}

// drained tells all sessions to end, and waits until they have; false when that
// took too long. Sessions without a connection count when all says so.
func (e *Engine) drained(all drainAll, patience time.Duration) bool {
	all.detached = all.detached || !e.keepsSessions()
	left := func() int64 {
		n := e.admission.open.Load() + e.returning.Load()
		if all.detached {
			n += e.detached.Load()
		}
		return n
	}
	began, deadline := time.Now(), time.After(patience)
	for left() > 0 || !all.peers {
		all.components = e.Stats().Sessions-e.detached.Load() <= 0 && e.returning.Load() == 0
		if all.components && !all.peers && e.sentAll(began.Add(patience*3/4)) {
			e.stopRemotes()
			all.peers = true
			continue
		}
		for i := range e.loops {
			e.sendLoop(uint32(i), all) // again: one may have been on its way in
		}
		select {
		case <-deadline:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

// sentAll tells whether nothing waits for other servers any more that can be sent
// until then.
func (e *Engine) sentAll(until time.Time) bool {
	if !e.federates() || !time.Now().Before(until) || e.dialing.Err() != nil {
		return true
	}
	e.settleLoops() // the last stanzas of the clients
	counts := make(chan int, len(e.loops))
	for i := range e.loops {
		e.sendLoop(uint32(i), &unsentCount{until.UnixNano(), counts})
	}
	n := 0
	for range e.loops {
		n += <-counts
	}
	return n == 0
}

// unsentCount asks a loop how many stanzas are not sent, or not acknowledged though
// somebody waits for that.
type unsentCount struct {
	until int64
	to    chan<- int
}

func (u *unsentCount) apply(l *loop, _ *conn) {
	n := 0
	for _, r := range l.remotes {
		n += r.Unsent(u.until)
	}
	for i := range l.slots.table {
		if c := l.slots.table[i].conn; c != nil && c.peer != nil && c.phase == phaseStream {
			n += c.peer.stream.Awaited()
		}
	}
	u.to <- n
}

// stopRemotes ends the attempts to reach other servers, and returns what waits
// for them.
func (e *Engine) stopRemotes() {
	if e.dialing.Err() != nil {
		return
	}
	e.stopDialing()
	for _, ln := range e.listeners {
		ln.close()
	}
	counts := make(chan int, len(e.loops))
	for i := range e.loops {
		e.sendLoop(uint32(i), stoppingRemotes(counts))
	}
	n := 0
	for range e.loops {
		n += <-counts
	}
	if n > 0 {
		e.log.Warn("stanzas for other servers returned: they could not be sent before the end", "stanzas", n)
	}
}

type stoppingRemotes chan<- int

func (to stoppingRemotes) apply(l *loop, _ *conn) {
	n := 0
	for _, r := range l.remotes {
		n += r.Stop(&l.actions)
		l.act(r.domain, r.Remote)
	}
	to <- n
}

// drainAll ends the sessions of a loop, or closes the streams of those that are
// stored later; the streams of components when no client is left that may have
// something to tell them, and those of other servers when they have got all.
type drainAll struct{ components, peers, detached bool }

func (d drainAll) apply(l *loop, _ *conn) {
	for i := range l.slots.table {
		switch c := l.slots.table[i].conn; {
		case c == nil, c.component != nil && !d.components, c.peer != nil && !d.peers, c.finishesPeer(), c.phase == phaseDetached && !d.detached:
		case !d.detached && c.mayDetach():
			c.suspend()
		default:
			c.fail(stanza.StreamError{Condition: stanza.StreamSystemShutdown})
		}
	}
}

// settleLoops waits until what the loops had for each other has arrived, and
// what came of it, and of that.
func (e *Engine) settleLoops() {
	const rounds = 4
	done := make(chan struct{}, len(e.loops))
	for range rounds {
		for i := range e.loops {
			e.sendLoop(uint32(i), call(func() { done <- struct{}{} }))
		}
		for range e.loops {
			<-done
		}
	}
}

// cutAll closes the connections that did not go by themselves.
func (e *Engine) cutAll() {
	done := make(chan struct{}, len(e.loops))
	for i := range e.loops {
		e.sendLoop(uint32(i), cutting{done})
	}
	for range e.loops {
		<-done
	}
}

type cutting struct{ done chan<- struct{} }

func (t cutting) apply(l *loop, _ *conn) {
	for i := range l.slots.table {
		if c := l.slots.table[i].conn; c != nil && (c.phase != phaseDetached || !l.engine.keepsSessions()) {
			l.cutLater(c)
		}
	}
	t.done <- struct{}{}
}

// close stops what open has started: first who gives work, then who does it.
func (e *Engine) close() error {
	for _, ln := range e.listeners {
		if ln.at != nil {
			ln.close()
		}
	}
	var err error
	if e.pump != nil {
		err = e.pump.Close()
	} else if e.cfg.Store != nil {
		err = e.cfg.Store.Close()
	}
	e.closeLoops()
	if e.workers != nil {
		e.workers.close()
	}
	for _, l := range e.loops {
		l.letGo()
		if l.waker.fd != 0 {
			l.waker.close()
		}
	}
	e.coroutines.Close()
	return err
}

// letGo closes what was on its way to the loop when it stopped: handshakes whose
// last step came too late, each of which holds a coroutine, and sockets. Only when
// loop and workers have ended.
func (l *loop) letGo() {
	letGo(l.rest)
	letGo(l.inbox.takeAll())
}

// letGo closes what is in b and in those that follow it.
func letGo(b *batch) {
	for ; b != nil; b = b.next {
		for i := range b.entries {
			switch ctl := b.entries[i].ctl.(type) {
			case *stepped:
				ctl.filter.Close()
			case *arrival:
				ctl.socket.abandon()
			case *outgoing:
				ctl.socket.abandon()
			case *adoption:
				if s, ok := ctl.transport.(*socket); ok {
					s.abandon()
				}
			}
		}
	}
}
