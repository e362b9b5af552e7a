//go:build crash

package crash

import (
	"sync"
	"time"
)

// acks counts what servers have acknowledged to all clients, and has a test wait for
// that: what happens between two kills is told by it, and not by the time that it takes.
type acks struct {
	mu    sync.Mutex
	count int
	goal  int
	done  chan struct{} // closed at the goal; nil: nobody waits
}

func (a *acks) add(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count += n; a.done != nil && a.count >= a.goal {
		close(a.done)
		a.done = nil
	}
}

// wait returns when so many more were acknowledged; false: they are not, for too long.
func (a *acks) wait(more int) bool {
	done := make(chan struct{})
	a.mu.Lock()
	a.goal, a.done = a.count+more, done
	a.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
		return false
	}
}

// goesOn waits until servers have acknowledged so many more messages.
func (l *ledger) goesOn(more int) {
	if !l.acks.wait(more) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fault("%d messages are not acknowledged in %v: sent %v, arrived %v", more, patience, l.sent, l.next)
	}
}
