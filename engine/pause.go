package engine

// A client that sends faster than its session can go on (it waits for the
// disk, say) is held back by TCP: its socket is not read until the session has
// caught up.
const (
	// pauseAt is the input held for a waiting session at which reading stops.
	pauseAt = 32 << 10
	// heldBackAt is the output that a client has not read at which it is not
	// read from either: what it sends would only be answered with more. Well
	// below Limits.OutboundBytes, which cuts it off.
	heldBackAt = 128 << 10
)

// pause stops reading while much is held; resumed by unpause.
func (c *conn) pause() {
	if !c.paused {
		c.paused = c.transport.pause()
	}
}

// behindTooFar tells whether the client must read before more of what it sends
// is looked at.
func (c *conn) behindTooFar() bool {
	n := c.backlog.size()
	if c.out != nil {
		n += c.out.bytes
	}
	return n >= heldBackAt
}

// unstall goes on with a client whose input was left aside while it was behind.
func (c *conn) unstall() {
	if c.stalled && c.phase == phaseStream && !c.behindTooFar() {
		c.stalled = false
		c.resume()
	}
}

func (c *conn) unpause() {
	if c.paused {
		c.paused = false
		c.transport.unpause()
	}
}

// An in-process peer is held back by what it may leave pending.

func (t wireTransport) pause() bool {
	t.w.holding = true
	return true
}

func (t wireTransport) unpause() {
	t.w.holding = false
	t.taken(0)
}
