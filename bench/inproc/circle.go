package inproc

import "github.com/xylem-im/xylem/engine"

// circle is the sessions among which chains run: the first ones, near, or in s2s those of
// two servers, where each second message is sent at the other one.
type circle struct {
	near, far int
	across    bool // to the other server instead of the own one
}

// hop is one message of a chain.
type hop struct {
	from, to int
	wire     *engine.Wire // of from
}

// drawn is how many messages of a chain are drawn at a time.
const drawn = 8

// draw draws the next messages of a chain. What clients need of memory to send them, which
// no server would wait for elsewhere, is in no cache when there are many; so it is read
// now, for all of them, instead of for one after the other.
func (r *run) draw(c *chain) {
	for i := range c.ahead {
		c.ahead[i] = r.next(c)
	}
	for i := range c.ahead {
		c.read += int64(c.ahead[i].wire.Pending())
	}
	c.used = 0
}

// all is a circle at one server.
func all(n int) circle { return circle{near: n} }

// next draws who writes next. Its neighbour gets it, or in s2s between two servers anybody.
func (r *run) next(c *chain) hop {
	o := r.circle.Load()
	c.random = c.random*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
	own, ownFirst, other, otherFirst := o.near, 0, o.far, r.settings.Sessions
	if c.side = !c.side && o.far > 0; c.side {
		own, ownFirst, other, otherFirst = other, otherFirst, own, ownFirst
	}
	at := int((c.random >> 33) % uint64(own&^1))
	h := hop{from: ownFirst + at, to: ownFirst + (at ^ 1)}
	if o.across {
		h.to = otherFirst + int(c.random>>20&0xffffff)*other>>24
	}
	h.wire = r.wires[h.from]
	return h
}

// launch has all chains run in a circle.
func (r *run) launch(o circle) {
	r.circle.Store(&o)
	r.stop.Store(false)
	for k, c := range r.chains {
		c.Lock()
		c.latency.Reset()
		r.draw(c)
		r.running.Add(1)
		r.send(k, c)
		c.Unlock()
	}
}
