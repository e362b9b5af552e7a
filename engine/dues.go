package engine

import "slices"

// tick calls the connections whose deadline is over.
func (l *loop) tick() {
	l.lookForRoom()
	l.forgetHomes()
	l.tickRemotes()
	l.warmth.Cool(restTicks)
	l.dues, l.called = slices.Delete(l.dues, 0, l.called), 0
	l.dues = l.wheel.advance(l.now, l.dues)
	l.part = max(leastDues, len(l.dues)/dueParts+1)
	l.tickDues()
}

// tickDues calls some of the connections that are due. The others are called bit
// by bit until the next tick, so that input is not kept waiting: with ten thousand
// clients that acknowledge nothing, all that is theirs to be stored is due at once,
// at 20 to 40 µs each with what the store does for it.
func (l *loop) tickDues() {
	end := min(l.called+l.part, len(l.dues))
	for i := l.called; i < end; i++ {
		c := l.dues[i]
		l.dues[i] = nil
		if c.phase == phaseClosed || c.armed != 0 { // armed anew since it was due
			continue
		}
		c.tick()
		if c.phase != phaseClosed && c.armed == 0 {
			l.wheel.arm(c, c.deadline())
		}
	}
	if l.called = end; end < len(l.dues) {
		l.duesTimer.Reset(duePause)
		return
	}
	l.dues, l.called = l.dues[:0], 0
}
