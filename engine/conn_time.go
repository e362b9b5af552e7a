package engine

import (
	"fmt"

	"github.com/xylem-im/xylem/session"
)

// rearm sets the timer to the next deadline. A client's is not set to a later time: most
// of its deadlines (for an acknowledgement, before all) are over before they come, and
// are made anew with the next message. It fires once too early then, which does nothing
// and sets it.
func (c *conn) rearm() {
	if c.phase == phaseClosed {
		return
	}
	w, deadline := &c.loop.wheel, c.deadline()
	if c.phase == phaseStream && c.armed != 0 && c.domainStream() == nil &&
		(deadline == 0 || int32(w.tickOf(deadline)-c.armed) >= 0) {
		return
	}
	w.arm(c, deadline)
}

// deadline is when tick wants to be called.
func (c *conn) deadline() int64 {
	switch {
	case c.phase == phaseClosing:
		return c.lingerTo
	case c.phase == phaseDetached && c.resumer != nil:
		return session.Earlier(session.Earlier(c.lingerTo, c.keepDue()), c.resumer.until)
	case c.phase == phaseDetached:
		return session.Earlier(c.lingerTo, c.keepDue())
	}
	if s := c.domainStream(); s != nil {
		return s.deadline()
	}
	deadline := session.Earlier(c.session.Deadline(), c.keepDue())
	if c.throttled && (deadline == 0 || c.paidTo < deadline) {
		return c.paidTo
	}
	return deadline
}

// tick acts on a deadline that is over.
func (c *conn) tick() {
	if due := c.keepDue(); due != 0 && c.loop.now >= due {
		c.keepSome()
	}
	switch c.phase {
	case phaseClosing:
		c.cut()
	case phaseDetached:
		if c.lingerTo != 0 && c.loop.now >= c.lingerTo {
			c.windowOver()
		} else if c.resumer != nil {
			c.grant(c.resumer)
		}
	case phaseHandshake: // a stream error cannot be said yet
		c.abort(fmt.Errorf("%w: it did not end in time", ErrHandshake))
	case phaseStream:
		if s := c.domainStream(); s != nil {
			s.tick(c)
			return
		}
		c.goOnInTime()
		if c.phase != phaseStream {
			return
		}
		out := c.loop.begin()
		c.session.Tick(c.loop.now, out)
		c.perform(out)
	}
}
