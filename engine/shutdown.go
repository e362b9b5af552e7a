package engine

import (
	"context"
	"time"

	"github.com/xylem-im/xylem/stanza"
)

// Shutdown drains: no new streams, all clients get the stream error
// system-shutdown and </stream:stream>, what must be stored is stored, then
// the connections are closed. It waits for Limits.DrainTime at most before it
// cuts those that are left, and returns when Run has, or with ctx's error when
// ctx is done before.
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

// drain ends all sessions and waits for them.
func (e *Engine) drain() {
	e.draining.Store(true)
	e.stopDialing()
	for _, ln := range e.listeners {
		ln.close()
	}
	deadline := time.After(e.limits.DrainTime)
	for e.admission.open.Load()+e.detached.Load()+e.returning.Load() > 0 {
		all := drainAll{components: e.Stats().Sessions == 0 && e.returning.Load() == 0}
		for i := range e.loops {
			e.sendLoop(uint32(i), all) // again: one may have been on its way in
		}
		select {
		case <-deadline:
			e.cutAll()
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// drainAll ends the sessions of a loop, and the streams of components when no
// session is left that may have something to tell them.
type drainAll struct{ components bool }

func (d drainAll) apply(l *loop, _ *conn) {
	for i := range l.slots.table {
		if c := l.slots.table[i].conn; c != nil && (c.component == nil || d.components) && !c.finishesPeer() {
			c.fail(stanza.StreamError{Condition: stanza.StreamSystemShutdown})
		}
	}
}

// cutAll closes what did not go by itself.
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
		if c := l.slots.table[i].conn; c != nil {
			l.cutLater(c)
		}
	}
	t.done <- struct{}{}
}

// close stops what open has started: first who gives work, then who does it.
func (e *Engine) close() error {
	for _, ln := range e.listeners {
		if ln.net != nil {
			ln.close()
		}
	}
	var err error
	if e.pump != nil {
		err = e.pump.Close()
	} else if e.cfg.Store != nil {
		err = e.cfg.Store.Close()
	}
	if e.client != nil {
		_ = e.client.Stop() // its only errors are those that made a loop end, which were logged
	}
	if e.workers != nil {
		e.workers.close()
	}
	for _, l := range e.loops {
		l.letGo()
		if l.waker.fd != 0 {
			l.waker.close()
		}
	}
	return err
}

// letGo ends the handshakes whose last step came after the loop had stopped:
// each holds a coroutine. Only when loop and workers have ended.
func (l *loop) letGo() {
	for b := l.inbox.takeAll(); b != nil; b = b.next {
		for i := range b.entries {
			if s, ok := b.entries[i].ctl.(*stepped); ok {
				s.filter.Close()
			}
		}
	}
}

// tick has the loops look at their deadlines.
func (e *Engine) tick() {
	t := time.NewTicker(tickTime)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			e.tickets.Rotate(now)
			for _, l := range e.loops {
				l.due.Store(true)
				l.waker.wake()
			}
		case <-e.stopped:
			return
		}
	}
}
