package engine

import (
	"errors"
	"net"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Errors that end a detached session.
var (
	// ErrNotResumed: nobody resumed the session (XEP-0198) within its window.
	ErrNotResumed = errors.New("engine: session was not resumed in time")
	// ErrTooManyDetached: the account has Limits.DetachedPerUser newer sessions
	// that wait for a resumption.
	ErrTooManyDetached = errors.New("engine: newer sessions of the account wait for a resumption")
)

// gone is the transport of a detached session.
type gone struct{ addr net.Addr }

func (gone) write([][]byte, bool) int { return 0 }
func (gone) awaitRoom() bool          { return false }
func (gone) buffered() int            { return 0 }
func (gone) closeWrite()              {}
func (gone) close()                   {}
func (gone) pause() bool              { return false }
func (gone) unpause()                 {}
func (gone) use(*conn)                {}
func (gone) origin() *origin          { return nil }
func (g gone) remote() net.Addr       { return g.addr }

// connected tells whether there is a transport that may be used.
func (c *conn) connected() bool { return c.phase != phaseClosed && c.phase != phaseDetached }

// receives tells whether there is a session that stanzas may be given to.
func (c *conn) receives() bool { return c.phase == phaseStream || c.phase == phaseDetached }

// mayDetach tells whether the session may outlive its transport.
func (c *conn) mayDetach() bool {
	e := c.loop.engine
	return c.phase == phaseStream && c.entered && c.session.Resumable() &&
		(!e.draining.Load() || e.keepsSessions()) && e.detached.Load() < int64(e.limits.Detached)
}

// detach keeps a session whose transport has gone, or was shed, in the routing
// table: what comes for it is queued until it is resumed or its window ends.
func (c *conn) detach() {
	l := c.loop
	out := l.begin()
	c.more().lingerTo = c.session.Detach(l.now, out)
	end, reason := out.Close, out.Reason
	c.unreadGone()
	c.unblock()
	c.transport = gone{c.transport.remote()}
	c.tls, c.zip, c.handshaken, c.movedFrom = nil, nil, false, 0
	c.phase = phaseDetached
	l.engine.detached.Add(1)
	l.wheel.arm(c, c.lingerTo)
	if end { // what was held back for the client was too much
		c.sessionEnded(reason)
		c.dispose()
		return
	}
	c.keepNow()
	c.markDetached()
	l.engine.log.Debug("session detached", "jid", c.session.JID().String())
}

// unreadGone forgets what the client sent and the session has not read: the
// client sends it again, as it was not acknowledged.
func (c *conn) unreadGone() {
	c.dropPartial()
	c.dropPacked()
	c.dropOut()
	c.clearBacklog()
	c.paused, c.stalled, c.throttled = false, false, false
}

// markDetached lets others see in the routing table that nobody is connected,
// and ends the account's oldest such sessions when there are too many.
func (c *conn) markDetached() {
	l, j := c.loop, c.session.JID()
	d := l.engine.table.Domain(j.Domain())
	if d == nil {
		return
	}
	d.SetFlags(j.Local(), j.Resource(), c.mailbox(), routing.Flags(xep.MarkDetached), 0)
	detached := detachedOf(d.Lookup(j.Local(), nil)) // looked at afterwards: another loop may be doing the same
	for i := range len(detached) - l.engine.limits.DetachedPerUser {
		l.postControl(detached[i].Mailbox, giveUp{ErrTooManyDetached})
	}
}

// markManaged lets others see in the routing table that the client tells what
// it has got.
func (c *conn) markManaged() {
	c.marks |= xep.MarkManaged
	j := c.session.JID()
	if d := c.loop.engine.table.Domain(j.Domain()); d != nil {
		d.SetFlags(j.Local(), j.Resource(), c.mailbox(), routing.Flags(xep.MarkManaged), 0)
	}
}

// detachedOf picks the sessions that wait for a resumption, in the order in
// which they were bound.
func detachedOf(entries []routing.Entry) (detached []routing.Entry) {
	for _, e := range entries {
		if xep.Mark(e.Flags)&xep.MarkDetached != 0 {
			detached = append(detached, e)
		}
	}
	return detached
}

// giveUp ends a session if it is still detached.
type giveUp struct{ reason error }

func (g giveUp) apply(_ *loop, c *conn) {
	if c != nil && c.phase == phaseDetached {
		c.expire(g.reason)
	}
}

// expire ends a detached session.
func (c *conn) expire(reason error) {
	c.sessionEnded(reason)
	c.dispose()
}

// dispose removes a detached session whose end was told.
func (c *conn) dispose() {
	l := c.loop
	if r := c.resumer; r != nil && !r.granted { // else it is on its way, see orphan
		l.refuse(r, stanza.Error{Condition: stanza.ItemNotFound}, l.ended.find(r.id, r.user))
	}
	c.phase = phaseClosed
	l.engine.detached.Add(-1)
	l.wheel.disarm(c)
	c.session.Release(&l.out)
	c.unreadGone()
	l.slots.remove(c.slot)
}

// lose ends the transport of a session, which is detached if it may be.
func (c *conn) lose(reason error) {
	if !c.mayDetach() {
		c.abort(reason)
		return
	}
	shell := c.shed()
	c.detach()
	shell.abort(reason)
}

// shed gives the transport, and what was written to it, to a connection without a
// session, whose caller closes it.
func (c *conn) shed() *conn {
	l := c.loop
	c.unpause()
	c.unblock()
	shell := l.newConn(c.transport)
	shell.listener, shell.tls, shell.handshaken, shell.out = c.listener, c.tls, c.handshaken, c.out
	c.out, c.tls = nil, nil
	if kept := c.more(); kept.zip != nil || kept.backlog.size() > 0 || kept.movedFrom != 0 {
		*shell.more() = rare{zip: kept.zip, backlog: kept.backlog, movedFrom: kept.movedFrom}
		kept.zip, kept.backlog = nil, backlog{}
	}
	shell.slot, shell.generation = l.slots.add(shell)
	shell.session.Release(&l.out)
	shell.transport.use(shell)
	if shell.out != nil {
		l.touch(shell)
	}
	if shell.backlog.size() > 0 {
		l.block(shell)
	}
	return shell
}

// replaceTransport closes the transport of a session that is resumed on another
// one, XEP-0198 §5.
func (c *conn) replaceTransport() {
	l := c.loop
	shell := c.shed()
	c.detach()
	out := l.begin()
	out.Bytes = stanza.StreamError{Condition: stanza.StreamConflict, Text: "resumed on another connection"}.Append(out.Bytes)
	out.Bytes = append(out.Bytes, "</stream:stream>"...)
	shell.write(out.Bytes)
	l.took(out)
	shell.finish()
}

// closeTLS gives the filter back when its transport has gone.
func (c *conn) closeTLS(filter *xtls.Filter) {
	if filter == nil {
		return
	}
	if !c.handshaken {
		c.loop.stats.handshakes.Add(-1)
	}
	if !c.stepping { // else the worker's answer finds the connection gone and closes it
		filter.Close()
	}
}
