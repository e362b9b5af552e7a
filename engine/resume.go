package engine

import (
	"github.com/valyala/bytebufferpool"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// A session is resumed in four steps (XEP-0198 §5), since it stays on its loop,
// where extensions know it by its mailbox, and the new connection moves there:
//
//	resumption  from the new connection to the session that the SM-ID names
//	granted     back: the session has left its old transport and waits
//	adoption    the new connection's transport, with what was read from it
//	            (a socket of another loop is opened on the session's loop)
//	refused     instead of granted
type resumption struct {
	from routing.Mailbox // the new connection, which waits
	user jid.JID
	id   string
	h    uint32

	granted bool
	until   int64 // when it need not wait for what is held any more; 0: it does not
}

// startResume looks for the session that a client wants to resume.
func (l *loop) startResume(c *conn, op session.Op) {
	l.tryToResume(op)
	handle, ok := session.ResumeHandle(op.Resume)
	mb := routing.Mailbox(handle)
	if restored, known := l.engine.restored.Load(op.Resume); known {
		mb, ok = restored.(routing.Mailbox), true
	}
	if !ok || uint64(mailboxLoop(mb)) >= uint64(len(l.engine.loops)) || mb == c.mailbox() {
		l.postControl(c.mailbox(), &refused{err: stanza.Error{Condition: stanza.ItemNotFound}})
		return
	}
	l.postControl(mb, &resumption{from: c.mailbox(), user: c.session.JID(), id: op.Resume, h: op.H})
}

func (r *resumption) apply(l *loop, c *conn) {
	switch {
	case c == nil || !c.receives() || !c.entered || !c.session.Claims(r.id, r.user):
		l.refuse(r, stanza.Error{Condition: stanza.ItemNotFound}, l.ended.find(r.id, r.user))
	case l.engine.draining.Load():
		l.refuse(r, stanza.Error{Condition: stanza.ResourceConstraint}, nil)
	default:
		c.grant(r)
	}
}

func (l *loop) refuse(r *resumption, e stanza.Error, h *uint32) {
	l.postControl(r.from, &refused{err: e, h: h})
}

// refused tells the new connection that there is nothing to resume.
type refused struct {
	err stanza.Error
	h   *uint32
}

func (r *refused) apply(_ *loop, c *conn) {
	if c == nil {
		return
	}
	c.complete(&session.Result{Err: r.err, H: r.h})
	c.resume()
}

// grant lets a new connection have the session. While a stanza of the client
// is being handled, or held, it waits: h must say what becomes of that.
func (c *conn) grant(r *resumption) {
	l := c.loop
	if c.session.Forgets(r.h) {
		h := c.session.Handled()
		l.refuse(r, stanza.Error{Condition: stanza.ItemNotFound}, &h)
		return
	}
	if !c.session.CanAck(r.h) {
		l.postControl(r.from, &ending{err: c.session.TooHigh(r.h)})
		return
	}
	if c.phase == phaseStream {
		c.replaceTransport()
	}
	if c.phase != phaseDetached { // it ended with its transport
		l.refuse(r, stanza.Error{Condition: stanza.ItemNotFound}, l.ended.find(r.id, r.user))
		return
	}
	if older := c.more().resumer; older != nil && older != r {
		l.refuse(older, stanza.Error{Condition: stanza.Conflict}, nil)
	}
	if c.resumer != r {
		c.resumer = r
		if r.until = 0; c.session.Held() > 0 {
			r.until = l.now + resumePatience
		}
	}
	c.rearm()
	if c.session.Waiting() || c.session.Held() > 0 && l.now < r.until {
		return
	}
	if r.until = 0; !r.granted {
		r.granted = true
		l.postControl(r.from, &granted{session: c.mailbox(), of: r})
	}
}

// granted tells the new connection where to go.
type granted struct {
	session routing.Mailbox
	of      *resumption
}

func (g *granted) apply(l *loop, c *conn) {
	if c != nil && c.phase == phaseStream {
		c.moveTo(g)
	}
}

// adoption carries a transport to the session that is resumed on it.
type adoption struct {
	of         *resumption
	session    routing.Mailbox
	from       session.Session
	transport  transport
	listener   uint8
	tls        *xtls.Filter
	zip        *compression
	handshaken bool
	partial    *bytebufferpool.ByteBuffer
	movedFrom  routing.Mailbox
}

// moveTo hands everything of this connection but its address to a session. The
// connection ends; in-process it stays to pass input on.
func (c *conn) moveTo(g *granted) {
	l := c.loop
	c.flush()
	if c.phase != phaseStream {
		return
	}
	s, isSocket := c.transport.(*socket)
	sameLoop := mailboxLoop(g.session) == l.index
	if c.backlog.size() > 0 {
		(&refused{err: stanza.Error{Condition: stanza.ResourceConstraint, Text: "read what was sent before"}}).apply(l, c)
		return
	}
	c.unpause()
	a := &adoption{of: g.of, session: g.session, from: c.session, transport: c.transport, listener: c.listener,
		tls: c.tls, zip: c.zip, handshaken: c.handshaken, partial: c.partial}
	if c.tls != nil {
		c.tls.Rest() // on this loop
	}
	c.session, c.tls, c.partial = session.Session{}, nil, nil
	if c.zip != nil {
		c.zip = nil
	}
	switch {
	case !isSocket:
		a.movedFrom = c.mailbox()
		c.more().movedTo = g.session
		c.leaveFor(phaseMoved)
		l.postControl(g.session, a)
	case sameLoop:
		c.leaveFor(phaseClosed)
		a.apply(l, l.slots.find(g.session))
	default:
		c.leaveFor(phaseClosed)
		l.handOn(a, s)
	}
}

// leaveFor ends a connection that has given its transport away.
func (c *conn) leaveFor(p phase) {
	l := c.loop
	c.phase = p
	l.wheel.disarm(c)
	c.session.Release(&l.out)
	c.dropOut()
	if p == phaseClosed {
		l.slots.remove(c.slot)
	}
}

// handOn moves a socket to the loop of the session that it is for.
func (l *loop) handOn(a *adoption, s *socket) {
	there, err := s.moved()
	if err != nil {
		s.use(nil)
		s.close()
		l.dropAdoption(a, err)
		return
	}
	a.transport = there
	l.postControl(a.session, a)
}

// dropAdoption gives back what belongs to a transport that could not be moved.
// Safe for concurrent use.
func (l *loop) dropAdoption(a *adoption, err error) {
	l.engine.log.Warn("connection not moved", "error", err)
	if a.tls != nil {
		a.tls.Close()
	}
	if a.partial != nil {
		l.engine.buffers.Put(a.partial)
	}
	if a.zip != nil && a.zip.held != nil {
		l.engine.buffers.Put(a.zip.held)
	}
	l.engine.admission.leave(a.transport.origin())
	l.engine.admission.release()
}

func (a *adoption) apply(l *loop, c *conn) {
	if s, ok := a.transport.(*socket); ok && s.loop == nil { // it comes from another loop
		if err := s.open(l); err != nil {
			l.dropAdoption(a, err)
			return
		}
	}
	if c == nil || c.phase != phaseDetached || c.resumer != a.of {
		l.orphan(a)
		return
	}
	c.adopt(a)
}

// orphan closes a transport whose session has ended, or was given to another
// connection, while it was on its way.
func (l *loop) orphan(a *adoption) {
	c := l.newConn(a.transport)
	c.listener, c.tls, c.handshaken, c.partial = a.listener, a.tls, a.handshaken, a.partial
	r := c.more()
	r.zip, r.movedFrom = a.zip, a.movedFrom
	c.slot, c.generation = l.slots.add(c)
	c.session = a.from
	a.transport.use(c)
	c.fail(stanza.StreamError{Condition: stanza.StreamReset, Text: "the session ended while it was resumed"})
}

// adopt goes on with a detached session on a new transport.
func (c *conn) adopt(a *adoption) {
	l := c.loop
	kept := c.more()
	kept.lingerTo, kept.resumer, kept.movedTo, kept.movedFrom, kept.zip = 0, nil, 0, a.movedFrom, a.zip
	c.less()
	c.transport, c.listener, c.tls, c.handshaken = a.transport, a.listener, a.tls, a.handshaken
	c.partial = a.partial
	c.transport.use(c)
	if c.tls != nil {
		c.tls.KeepIn(&l.warmth)
	}
	c.phase = phaseStream
	l.engine.detached.Add(-1)
	l.stats.resumed.Add(1)
	if j := c.session.JID(); l.engine.table.Domain(j.Domain()) != nil {
		l.engine.table.Domain(j.Domain()).SetFlags(j.Local(), j.Resource(), c.mailbox(), 0, routing.Flags(xep.MarkDetached))
	}
	out := l.begin()
	c.session.Resume(l.now, &a.from, a.of.h, out)
	c.perform(out)
	l.engine.log.Debug("session resumed", "jid", c.session.JID().String(), "remote", addrString(c.transport.remote()))
	c.resume()
}

// ended remembers how much was handled of sessions that have ended, so that
// a resumption which comes too late is told (XEP-0198 §5).
type ended struct {
	ring [endedKept]endedSession
	next int
}

type endedSession struct {
	id   string
	user jid.JID
	h    uint32
}

// endedKept is how many sessions a loop remembers, of 56 bytes and an SM-ID each.
const endedKept = 1024

func (e *ended) add(id string, user jid.JID, h uint32) {
	e.ring[e.next] = endedSession{id, user, h}
	e.next = (e.next + 1) % endedKept
}

func (e *ended) find(id string, user jid.JID) *uint32 {
	for i := range e.ring {
		if s := &e.ring[i]; s.id == id && s.id != "" && s.user.Bare() == user.Bare() {
			h := s.h
			return &h
		}
	}
	return nil
}
