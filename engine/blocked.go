package engine

import (
	"slices"
	"time"
)

// block remembers a connection whose peer does not keep up, to look after it
// every refillTime if its transport does not say when it takes more.
func (l *loop) block(c *conn) {
	if c.blocked || !c.connected() {
		return
	}
	c.more().blocked = true
	if c.transport.awaitRoom() {
		return
	}
	l.blocked = append(l.blocked, c)
	l.armRefill()
}

func (l *loop) armRefill() {
	if l.refillArmed {
		return
	}
	l.refillArmed = true
	time.AfterFunc(refillTime, func() {
		l.refill.Store(true)
		l.waker.wake()
	})
}

func (l *loop) refillBlocked() {
	l.refillArmed = false
	l.blocked = slices.DeleteFunc(l.blocked, func(c *conn) bool { return !c.refillNow() })
	if len(l.blocked) > 0 {
		l.armRefill()
	}
}
