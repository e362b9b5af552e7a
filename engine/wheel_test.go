package engine

import (
	"math/rand/v2"
	"testing"
)

// wheelModel is what a wheel with some connections must do, by deadline.
type wheelModel struct {
	*testing.T
	w        wheel
	conns    []*conn
	deadline map[*conn]int64 // of those that are armed
	tick     map[*conn]int64 // at which they are due
	now      int64
}

func newWheelModel(t *testing.T, n int) *wheelModel {
	m := &wheelModel{T: t, deadline: map[*conn]int64{}, tick: map[*conn]int64{}, now: 1_700_000_000 * wheelTick}
	m.w.now = m.now / wheelTick
	for range n {
		m.conns = append(m.conns, &conn{})
	}
	return m
}

func (m *wheelModel) arm(c *conn, deadline int64) {
	waits := m.tick[c] != 0 && m.tick[c] <= m.w.now && deadline/wheelTick < m.w.now
	m.w.arm(c, deadline)
	switch m.deadline[c] = deadline; {
	case deadline == 0:
		delete(m.deadline, c)
		delete(m.tick, c)
	case !waits:
		m.tick[c] = max(deadline/wheelTick, m.w.now) + 1
	}
}

// next looks at one connection, and checks that it is time.
func (m *wheelModel) next() (c *conn, more bool) {
	before := m.w.waiting(m.now)
	c, more = m.w.next(m.now)
	if more != (before > 0) {
		m.Fatalf("one to be looked at: %v, though %d wait", more, before)
	}
	if c == nil {
		return nil, more // for a later round: it may have to be looked at again by then
	}
	if left := m.w.waiting(m.now); left != before-1 {
		m.Fatalf("%d wait, %d before", left, before)
	}
	if d, armed := m.deadline[c]; !armed || d > m.now || m.tick[c] > m.w.now {
		m.Fatalf("called %d ns before its deadline, tick %d of %d, armed: %v", d-m.now, m.w.now, m.tick[c], armed)
	}
	if c.armed != 0 || c.wheelNext != nil || c.wheelPrev != nil {
		m.Fatal("it is still in a list")
	}
	delete(m.deadline, c)
	delete(m.tick, c)
	return c, more
}

// drain looks at all that wait, and checks that none is left whose tick is over.
func (m *wheelModel) drain() {
	for more := true; more; {
		_, more = m.next()
	}
	for c, tick := range m.tick {
		if tick <= m.now/wheelTick {
			m.Fatalf("a deadline of %d ns ago was forgotten", m.now-m.deadline[c])
		}
	}
}

// Connections are armed, armed anew and disarmed while others are looked at, now
// and in later rounds of the wheel; time goes on by parts of ticks, and by rounds.
func TestWheel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := newWheelModel(t, 64)
	for step := range 200_000 {
		c := m.conns[random.IntN(len(m.conns))]
		switch random.IntN(8) {
		case 0, 1:
			m.arm(c, m.now+random.Int64N(8*wheelTick)-2*wheelTick)
		case 2:
			m.arm(c, m.now+random.Int64N(4*wheelSlots*wheelTick))
		case 3:
			m.arm(c, 0)
		case 4:
			m.now += random.Int64N(wheelTick)
		case 5:
			if step%64 == 5 {
				m.now += random.Int64N(3 * wheelSlots * wheelTick)
			}
		case 6:
			m.next()
		case 7:
			if step%16 == 7 {
				m.drain()
			}
		}
	}
	m.now += 5 * wheelSlots * wheelTick
	if m.drain(); len(m.deadline) != 0 {
		t.Errorf("%d connections were not called", len(m.deadline))
	}
	for i := range m.w.slots {
		if n := m.w.slots[i].count; n != 0 {
			t.Errorf("slot %d counts %d", i, n)
		}
	}
}

// One that is due and waits to be called keeps its place when it is armed for what is
// over: a client with traffic would be put off from tick to tick.
func TestWheelDoesNotPutOff(t *testing.T) {
	m := newWheelModel(t, 3)
	over := m.now
	for _, c := range m.conns {
		m.arm(c, over)
	}
	m.now += wheelTick
	if c, _ := m.next(); c == nil {
		t.Fatal("none was due")
	}
	for c := range m.deadline {
		m.arm(c, over)
	}
	if n := m.w.waiting(m.now); n != 2 {
		t.Errorf("%d wait, want the other 2", n)
	}
	var waiting *conn
	for c := range m.deadline {
		waiting = c
	}
	m.arm(waiting, m.now+wheelTick)
	if n := m.w.waiting(m.now); n != 1 {
		t.Errorf("%d wait, want 1: the other one has time", n)
	}
	m.drain()
	m.now += 2 * wheelTick
	if c, _ := m.next(); c != waiting {
		t.Error("it was not called later")
	}
}

// What is called again comes first, and is a connection like others until then.
func TestWheelAgain(t *testing.T) {
	m := newWheelModel(t, 3)
	for _, c := range m.conns {
		m.arm(c, m.now)
	}
	m.now += wheelTick
	first, _ := m.next()
	m.w.again(first)
	m.deadline[first], m.tick[first] = m.now, m.w.now
	if n := m.w.waiting(m.now); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
	if c, _ := m.next(); c != first {
		t.Error("another one came first")
	}
	m.w.again(first)
	m.arm(first, 0)
	m.drain()
	if m.w.passing.count != 0 || m.w.passing.first != nil {
		t.Errorf("%d are left", m.w.passing.count)
	}
}
