package engine

// wheel keeps the deadlines of a loop's connections: a hashed timer wheel with
// intrusive lists, so that arming costs no allocation. Ten thousand connections may
// have the same slot, none of which is in the processor's cache: when its time has
// come they are looked at one by one, see next. Loop only.
type wheel struct {
	slots   [wheelSlots]timers
	passing timers // what was in the slot of now and was not looked at yet
	now     int64  // the tick that is being handled
}

// timers is one list of a wheel.
type timers struct {
	first *conn
	count int32
	lap   bool // changes when the slot's list begins to pass, see listOf
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

// armedFor tells whether arm would change nothing. A connection that is due and waits
// for next is not put off when something arms it.
func (w *wheel) armedFor(c *conn, deadline int64) bool {
	return c.armed == w.tickOf(deadline) ||
		c.armed != 0 && w.isDue(c) && deadline != 0 && deadline/wheelTick < w.now
}

// isDue tells whether the tick of an armed connection has come.
func (w *wheel) isDue(c *conn) bool { return int32(c.armed-uint32(w.now)) <= 0 }

// arm sets the deadline of c, Unix nanoseconds; 0 disarms.
func (w *wheel) arm(c *conn, deadline int64) {
	if w.armedFor(c, deadline) {
		return
	}
	w.disarm(c)
	if tick := w.tickOf(deadline); tick != 0 {
		c.armed = tick
		w.insert(c)
	}
}

func (w *wheel) disarm(c *conn) {
	if c.armed != 0 {
		w.remove(c)
		c.armed = 0
	}
}

// again has c, which is not armed, be the one that next looks at.
func (w *wheel) again(c *conn) {
	c.armed = max(1, uint32(w.now))
	c.lap = !w.slots[c.armed%wheelSlots].lap
	w.passing.push(c)
}

// next looks at one of the connections whose ticks have come by a time, Unix
// nanoseconds, or may have: those of other rounds are in the same slots and stay
// there. c is nil for such a one; otherwise its deadline is over and it is disarmed.
// more is false when there was none to be looked at.
func (w *wheel) next(by int64) (c *conn, more bool) {
	for w.passing.first == nil {
		if !w.turn(by / wheelTick) {
			return nil, false
		}
	}
	c = w.passing.first
	w.remove(c)
	if w.isDue(c) {
		c.armed = 0
		return c, true
	}
	w.insert(c)
	return nil, true
}

// turn lets the next slot pass. false: the wheel stands at the tick already.
func (w *wheel) turn(tick int64) bool {
	if w.now == 0 || tick-w.now > wheelSlots {
		w.now = max(tick-wheelSlots, 0)
	}
	if w.now >= tick {
		return false
	}
	w.now++
	s := &w.slots[w.now%wheelSlots]
	w.passing, *s = timers{first: s.first, count: s.count}, timers{lap: !s.lap}
	return true
}

// waiting is how many connections next would look at by a time.
func (w *wheel) waiting(by int64) (n int) {
	n = int(w.passing.count)
	tick := by / wheelTick
	for t := max(w.now, tick-wheelSlots) + 1; t <= tick; t++ {
		n += int(w.slots[t%wheelSlots].count)
	}
	return n
}

// listOf is the list that an armed connection is in.
func (w *wheel) listOf(c *conn) *timers {
	if s := &w.slots[c.armed%wheelSlots]; s.lap == c.lap {
		return s
	}
	return &w.passing
}

// insert puts a connection whose tick is set into its slot.
func (w *wheel) insert(c *conn) {
	s := &w.slots[c.armed%wheelSlots]
	c.lap = s.lap
	s.push(c)
}

func (s *timers) push(c *conn) {
	if c.wheelNext = s.first; c.wheelNext != nil {
		c.wheelNext.wheelPrev = c
	}
	s.first = c
	s.count++
}

// remove takes an armed connection out of its list; its tick stays set.
func (w *wheel) remove(c *conn) {
	s := w.listOf(c)
	if s.count--; c.wheelPrev != nil {
		c.wheelPrev.wheelNext = c.wheelNext
	} else {
		s.first = c.wheelNext
	}
	if c.wheelNext != nil {
		c.wheelNext.wheelPrev = c.wheelPrev
	}
	c.wheelNext, c.wheelPrev = nil, nil
}
