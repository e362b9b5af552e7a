package engine

// When the window of many detached sessions ends at the same time, as minutes after a
// network has failed, the store could not take all that they leave at once, and would
// have to refuse it. So no more of them end than the homes have room to deal with; the
// others stay as they are until then, with their stanzas, within their bounds. Whoever
// comes back meanwhile has the session still.
const (
	// leavingMost is how many sessions have ended whose stanzas are not dealt with yet
	// when no more end. Each has one operation or two in the store, which takes 16,384.
	leavingMost = 1024
	// leavingBytes is the same for their stanzas; the store takes 32 MiB.
	leavingBytes = 8 << 20
	// overdueAtOnce is how many sessions end in one go of a loop.
	overdueAtOnce = 128
)

// windowOver ends a detached session that nobody has resumed in time, now or as soon as
// there is room for what it leaves.
func (c *conn) windowOver() {
	l := c.loop
	if c.mayLeave() && len(l.overdue) == 0 {
		c.expire(ErrNotResumed)
		return
	}
	c.lingerTo = 0 // it is in the list instead
	l.overdue = append(l.overdue, c.mailbox())
	l.engine.overdue.Add(1)
	c.rearm()
}

// mayLeave tells whether there is room for what the session leaves.
func (c *conn) mayLeave() bool {
	e := c.loop.engine
	return c.session.Sent() == c.session.Acked() || e.returning.Load() < int64(e.leavingMost) && e.returningBytes.Load() < leavingBytes
}

// isOverdue tells whether a session is in the list: it may have ended otherwise, been
// resumed, or be on its way into the store.
func (c *conn) isOverdue() bool {
	return c != nil && c.phase == phaseDetached && c.lingerTo == 0 && !c.saving
}

// endOverdue ends sessions for which there is room now, in the order in which their
// windows ended. It goes on by itself while there is.
func (l *loop) endOverdue() {
	for range overdueAtOnce {
		if len(l.overdue) == 0 {
			l.overdue = nil
			return
		}
		c := l.slots.find(l.overdue[0])
		if c.isOverdue() {
			if !c.mayLeave() {
				return
			}
			c.expire(ErrNotResumed)
		}
		l.overdue = l.overdue[1:]
		l.engine.overdue.Add(-1)
	}
	l.engine.sendLoop(l.index, overdueNow{})
}

// overdueNow has a loop do so.
type overdueNow struct{}

func (overdueNow) apply(l *loop, _ *conn) { l.endOverdue() }

// left counts an ended session whose stanzas were dealt with, and has others end when
// half of the room is free. A tick does, too: what others return may keep it from that.
func (e *Engine) left(bytes int) {
	n := e.returning.Add(-1)
	e.returningBytes.Add(-int64(bytes))
	if e.overdue.Load() == 0 || n != 0 && n != int64(e.leavingMost/2) {
		return
	}
	for i := range e.loops {
		e.sendLoop(uint32(i), overdueNow{})
	}
}

// gone counts stanzas that are on their way to the home of their account.
func (r *returned) gone(l *loop) {
	for i := range r.stanzas {
		r.bytes += len(r.stanzas[i].raw)
	}
	l.engine.returning.Add(1)
	l.engine.returningBytes.Add(int64(r.bytes))
	l.postHome(r.bare.String(), r)
}
