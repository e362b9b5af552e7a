package engine

// wheel keeps the deadlines of a loop's connections: a hashed timer wheel with
// intrusive lists, so that arming costs no allocation. A deadline beyond one
// round stays in its slot until its round comes. Loop only.
type wheel struct {
	slots [wheelSlots]*conn
	now   int64 // the last tick that was handled
}

const (
	wheelSlots = 512
	wheelTick  = 250_000_000 // nanoseconds; deadlines are met within one tick after them
)

// tickOf is the tick behind a deadline, Unix nanoseconds. Ticks are counted modulo
// 2^32, of which 0 is none and left out: a deadline may be 17 years away.
func (w *wheel) tickOf(deadline int64) uint32 {
	if deadline == 0 {
		return 0
	}
	if tick := uint32(max(deadline/wheelTick, w.now) + 1); tick != 0 {
		return tick
	}
	return 1
}

// armedFor tells whether arm would change nothing.
func (w *wheel) armedFor(c *conn, deadline int64) bool { return c.armed == w.tickOf(deadline) }

// arm sets the deadline of c, Unix nanoseconds; 0 disarms.
func (w *wheel) arm(c *conn, deadline int64) {
	tick := w.tickOf(deadline)
	if c.armed == tick {
		return
	}
	w.disarm(c)
	if tick == 0 {
		return
	}
	c.armed = tick
	head := &w.slots[tick%wheelSlots]
	if c.wheelNext = *head; c.wheelNext != nil {
		c.wheelNext.wheelPrev = c
	}
	*head = c
}

func (w *wheel) disarm(c *conn) {
	if c.armed == 0 {
		return
	}
	if c.wheelPrev != nil {
		c.wheelPrev.wheelNext = c.wheelNext
	} else {
		w.slots[c.armed%wheelSlots] = c.wheelNext
	}
	if c.wheelNext != nil {
		c.wheelNext.wheelPrev = c.wheelPrev
	}
	c.wheelNext, c.wheelPrev, c.armed = nil, nil, 0
}

// advance appends the connections whose deadline is over to due and disarms
// them. now is Unix nanoseconds.
func (w *wheel) advance(now int64, due []*conn) []*conn {
	tick := now / wheelTick
	if w.now == 0 || tick-w.now > wheelSlots {
		w.now = max(tick-wheelSlots, 0)
	}
	for w.now < tick {
		w.now++
		for c := w.slots[w.now%wheelSlots]; c != nil; {
			next := c.wheelNext
			if int32(c.armed-uint32(w.now)) <= 0 {
				w.disarm(c)
				due = append(due, c)
			}
			c = next
		}
	}
	return due
}
