package engine

// pace is how fast a client may send: each of its elements takes a time, by its
// size but no less than a stanza's share, and what it sends ahead of the clock by
// more than a burst waits. Waiting is not an error: the connection is not read
// meanwhile, and TCP holds the client back.
type pace struct {
	nanosPerKiB int64
	perElement  int64 // nanoseconds, at least
}

const (
	second      = int64(1e9)
	paceBurst   = second      // what may be sent at once after silence
	paceLongest = 10 * second // what one element takes at most: a client that waits longer would seem gone
)

func newPace(l *Limits) pace {
	return pace{nanosPerKiB: 1024 * second / int64(l.BytesPerSecond), perElement: second / int64(l.StanzasPerSecond)}
}

// pay charges an element of n bytes to c.
func (p *pace) pay(c *conn, n int) {
	cost := min(max(int64(n)*p.nanosPerKiB/1024, p.perElement), paceLongest)
	c.paidTo = max(c.paidTo, c.loop.now-paceBurst) + cost
}

// aheadOfTime tells whether c has to wait before more of its input is looked at.
func (c *conn) aheadOfTime() bool { return c.paidTo > c.loop.now }

// slowDown leaves the input aside until the client's time has come.
func (c *conn) slowDown() {
	if !c.throttled {
		c.throttled = true
		c.loop.stats.throttled.Add(1)
	}
	c.rearm()
}

// goOnInTime takes input up again.
func (c *conn) goOnInTime() {
	if c.throttled && !c.aheadOfTime() {
		c.throttled = false
		c.resume()
	}
}
