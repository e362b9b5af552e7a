package engine

import (
	"github.com/xylem-im/xylem/stanza"
)

// fail ends the session with a stream error.
func (c *conn) fail(e stanza.StreamError) {
	switch c.phase {
	case phaseHandshake:
		c.abort(e)
	case phaseStream, phaseDetached:
		if s := c.domainStream(); s != nil {
			s.fail(c, e)
			return
		}
		out := c.loop.begin()
		c.session.Fail(e, out)
		c.perform(out)
	}
}

// sessionEnded takes the session out of the routing table, once.
func (c *conn) sessionEnded(reason error) {
	c.settle(false)
	if s := c.domainStream(); s != nil {
		s.end(c, reason)
	}
	if !c.entered {
		return
	}
	c.entered = false
	handed := c.session.Managed() && c.giveBack()
	c.freeReceipts()
	c.loop.leave(c, handed, reason)
}

// abort ends the connection at once; what waits for the peer is lost.
func (c *conn) abort(reason error) {
	if c.phase == phaseClosed {
		return
	}
	if c.phase == phaseDetached {
		c.expire(reason)
		return
	}
	c.sessionEnded(reason)
	c.phase = phaseClosing
	c.loop.engine.log.Debug("connection aborted", "remote", c.transport.remote(), "reason", reason)
	c.more().lingerTo = c.loop.now
	c.dropOut()
	c.clearBacklog()
	c.loop.cutLater(c)
}

// finish closes our side after all output: TLS close_notify, then the end of
// the TCP stream. The peer's end, or the deadline, closes the connection; a
// close with unread input would reset it and destroy the last words.
func (c *conn) finish() {
	switch c.phase {
	case phaseClosed, phaseClosing:
		return
	case phaseDetached:
		c.dispose()
		return
	}
	c.phase = phaseClosing
	c.more().lingerTo = c.loop.now + lingerTime
	c.loop.wheel.arm(c, c.lingerTo)
	c.loop.touch(c)
}

// cut closes the transport now.
func (c *conn) cut() {
	switch c.phase {
	case phaseClosed, phaseMoved:
	case phaseDetached:
		c.expire(ErrPeerClosed)
	default:
		c.transport.close()
	}
}

// transportClosed is called once, when the transport has gone. Nothing of it
// may be touched afterwards: its descriptor may already be another user's.
func (c *conn) transportClosed() {
	if !c.connected() {
		return
	}
	l := c.loop
	if c.movedFrom != 0 {
		l.engine.send(c.movedFrom, moveOver{})
		c.movedFrom = 0
	}
	l.engine.admission.leave(c.transport.origin())
	if c.mayDetach() {
		filter := c.tls
		c.closeTLS(filter)
		c.detach()
		l.engine.admission.release()
		return
	}
	c.sessionEnded(ErrPeerClosed)
	c.phase = phaseClosed
	c.releaseAll()
	l.wheel.disarm(c)
	c.session.Release(&l.out)
	if s := c.domainStream(); s != nil {
		s.release(l)
	}
	c.dropPartial()
	c.dropPacked()
	c.dropOut()
	c.clearBacklog()
	c.closeTLS(c.tls)
	l.slots.remove(c.slot)
	l.engine.admission.release()
}

func (c *conn) clearBacklog() {
	c.loop.stats.outbound.Add(-int64(c.backlog.size()))
	if c.backlog.size() > 0 {
		c.backlog.clear(&c.loop.engine.chunks)
	}
}
