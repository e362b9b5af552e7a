package engine

import "unsafe"

// outList is what one turn writes to one connection: pieces lent by the
// turn's batches and by the loop's arena, written with one call at its end.
type outList struct {
	pieces [][]byte
	bytes  int
}

const (
	// shortBuffer bounds what is left unread in-process before it goes to the
	// backlog.
	shortBuffer = 64 << 10
	// maxPieces is where pieces are copied together instead of passed as a list
	// to writev, whose vector would have to be allocated.
	maxPieces = 8
	// gatherBytes is below which pieces are always copied together: the kernel
	// takes longer to look at a list of them.
	gatherBytes = 4 << 10
)

// write lists a piece for the end of the turn. It must stay unchanged until
// then. Pieces that lie side by side become one.
func (c *conn) write(b []byte) {
	if !c.connected() || len(b) == 0 {
		return
	}
	if c.out == nil {
		c.out = c.loop.outList()
		c.loop.touch(c)
	}
	o := c.out
	o.bytes += len(b)
	if n := len(o.pieces); n > 0 {
		last := o.pieces[n-1]
		if adjacent(last, b) {
			o.pieces[n-1] = last[: len(last)+len(b) : cap(last)]
			return
		}
	}
	o.pieces = append(o.pieces, b)
}

// adjacent tells whether b begins where a ends, in one allocation.
func adjacent(a, b []byte) bool {
	return cap(a)-len(a) >= len(b) && unsafe.SliceData(a[len(a):cap(a)]) == unsafe.SliceData(b)
}

// flush writes what the turn has listed, through TLS if there is one.
func (c *conn) flush() {
	if c.session.Asks() && c.phase == phaseStream {
		c.ask()
	}
	if o := c.out; o != nil {
		c.out = nil
		c.send(o)
		c.loop.freeOutList(o)
	}
	if c.phase == phaseClosing && c.backlog.size() == 0 {
		c.closeWrite()
	}
}

func (c *conn) send(o *outList) {
	if !c.connected() {
		return
	}
	pieces := o.pieces
	if c.zip != nil {
		packed, err := c.pack(pieces)
		if err != nil {
			c.lose(ErrDirty)
			return
		}
		o.pieces = append(o.pieces[:0], packed)
		pieces = o.pieces
	}
	if c.tls != nil && c.tls.Established() {
		sealed, err := c.seal(pieces)
		if err != nil {
			c.lose(ErrDirty)
			return
		}
		if c.phase == phaseClosing && c.backlog.size() == 0 { // the last words: one write and one packet less
			sealed = c.tls.CloseNotify(sealed)
			c.more().notified = true
		}
		o.pieces = append(o.pieces[:0], sealed)
		pieces = o.pieces
	} else if n := len(pieces); n > maxPieces || n > 1 && o.bytes <= gatherBytes {
		o.pieces = append(o.pieces[:0], c.loop.gather(pieces))
		pieces = o.pieces
	}
	c.transmit(pieces)
}

// seal encrypts the pieces into as few records as possible. The result is
// valid until the next call on this loop.
func (c *conn) seal(pieces [][]byte) ([]byte, error) {
	plain := pieces[0]
	if len(pieces) > 1 {
		plain = c.loop.gather(pieces)
	}
	sealed, err := c.tls.Encrypt(plain, c.loop.sealed[:0])
	if cap(sealed) <= keepBatchBytes {
		c.loop.sealed = sealed[:0]
	}
	return sealed, err
}

// transmit writes pieces, or adds them to the backlog while the peer does not
// keep up.
func (c *conn) transmit(pieces [][]byte) {
	l, total := c.loop, 0
	for _, p := range pieces {
		total += len(p)
	}
	l.stats.bytesOut.Add(uint64(total))
	taken := 0
	if c.backlog.size() == 0 && c.transport.buffered() <= shortBuffer {
		l.stats.writes.Add(1)
		if taken = c.transport.write(pieces, c.phase == phaseClosing); !c.connected() {
			return
		}
	}
	if rest := total - taken; rest > 0 {
		if c.backlog.size()+rest > c.outboundBytes() { // before it is held: what waited for the loop comes at once
			l.stats.slowClosed.Add(1)
			c.lose(ErrSlowConsumer)
			return
		}
		c.holdBack(pieces, taken)
	}
	if c.behind() {
		l.block(c)
	}
}

// holdBack adds what the transport has not taken to the backlog.
func (c *conn) holdBack(pieces [][]byte, taken int) {
	before := c.backlog.size()
	for _, p := range pieces {
		n := min(taken, len(p))
		taken -= n
		c.more().backlog.add(p[n:], &c.loop.engine.chunks)
	}
	c.loop.stats.outbound.Add(int64(c.backlog.size() - before))
}

// outboundBytes is the bound of the backlog.
func (c *conn) outboundBytes() int {
	if s := c.domainStream(); s != nil {
		return s.outboundBytes(c.loop.engine)
	}
	return c.loop.engine.limits.OutboundBytes
}

// waitingBytes are those that the peer has not taken yet.
func (c *conn) waitingBytes() int {
	n := c.backlog.size()
	if c.out != nil {
		n += c.out.bytes
	}
	return n
}

// refillNow moves the backlog on and tells whether the connection is still behind.
func (c *conn) refillNow() bool {
	behind := c.refill()
	if c.blocked != behind {
		c.more().blocked = behind
	}
	if !behind {
		c.settleRead(c.receives())
		c.less()
	}
	return behind
}

// unblock is called before the transport is given away: whoever has it then has
// to look after its room.
func (c *conn) unblock() {
	if c.blocked && c.transport.awaitRoom() {
		c.more().blocked = false
	}
}

// refill writes from the backlog what the peer takes. It tells whether the
// connection is still behind.
func (c *conn) refill() bool {
	for c.connected() && c.backlog.size() > 0 && c.transport.buffered() < shortBuffer {
		front := c.backlog.front()
		c.loop.stats.writes.Add(1)
		taken := c.transport.write([][]byte{front}, false)
		if !c.connected() {
			return false
		}
		c.loop.stats.outbound.Add(-int64(taken))
		c.backlog.take(taken, &c.loop.engine.chunks)
		if taken < len(front) {
			break
		}
	}
	if !c.connected() {
		return false
	}
	c.unstall()
	if c.backlog.size() == 0 && c.phase == phaseClosing && c.out == nil { // else flush writes the last words first
		c.closeWrite()
	}
	return c.connected() && c.behind()
}

// closeWrite ends our side of a closing connection, once.
func (c *conn) closeWrite() {
	if c.shut {
		return
	}
	c.more().shut = true
	if c.tls != nil && c.tls.Established() && !c.notified {
		c.more().notified = true
		c.transport.write([][]byte{c.tls.CloseNotify(nil)}, true)
		if c.phase == phaseClosed {
			return
		}
	}
	if c.transport.buffered() > 0 { // the peer has not read all: the deadline ends it
		c.shut = false
		c.loop.block(c)
		return
	}
	c.transport.closeWrite()
}

// dropOut forgets what the turn has listed.
func (c *conn) dropOut() {
	if c.out != nil {
		c.loop.freeOutList(c.out)
		c.out = nil
	}
}
