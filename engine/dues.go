package engine

import "time"

const (
	dueParts  = 200              // in which a tick calls the connections whose deadline is over
	leastDues = 4                // connections in such a part
	duePause  = time.Millisecond // between two parts: all fit into a tick
	dueAtOnce = 2                // connections between two looks at the sockets, see callDues
)

// dues is where a loop is with the connections that are due. Loop only.
type dues struct {
	by    int64       // those of this time are called, Unix nanoseconds
	part  int         // how many are looked at in a part
	left  int         // of this one
	timer *time.Timer // for the next part
}

// tick begins with the connections whose deadline is over.
func (l *loop) tick() {
	l.lookForRoom()
	l.forgetHomes()
	l.tickRemotes()
	l.warmth.Cool(restTicks)
	l.dues.by = l.now
	l.dues.part = max(leastDues, l.wheel.waiting(l.now)/dueParts+1)
	l.beginDues()
}

// beginDues has a part of the connections that are due called, one after the other
// with a look at the sockets after each few: with ten thousand clients that
// acknowledge nothing, all that is theirs to be stored is due at the same tick, at 20
// to 40 µs each with what the store does for it.
func (l *loop) beginDues() { l.dues.left = l.dues.part }

// callDues calls a few of them after a round, so that input does not wait for all of
// the part: more only if the round has handled more, so that they do not wait for all
// input either.
func (l *loop) callDues() {
	l.enter()
	for n := max(dueAtOnce, l.handled/2); n > 0 && l.dues.left > 0; n-- {
		l.callDue()
	}
	l.exit()
}

// callDue looks at one connection of the part.
func (l *loop) callDue() {
	c, more := l.wheel.next(l.dues.by)
	if !more {
		l.dues.left = 0
		return
	}
	if l.dues.left--; c != nil {
		c.tick()
		c.goOnWhenDue()
	}
	if l.dues.left == 0 {
		l.dues.timer.Reset(duePause)
	}
}

// goOnWhenDue sets the timer of a connection that was called. What is left of its
// messages for the store comes next, as part of the same call.
func (c *conn) goOnWhenDue() {
	l := c.loop
	switch due := c.keepDue(); {
	case c.phase == phaseClosed:
	case due != 0 && l.now >= due:
		l.wheel.disarm(c)
		l.wheel.again(c)
		l.dues.left++
	case c.armed == 0:
		l.wheel.arm(c, c.deadline())
	}
}
