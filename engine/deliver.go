package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// deliver works off a batch. The batch stays alive until the turn's end.
func (l *loop) deliver(b *batch) {
	l.spent = append(l.spent, b)
	for i := 0; i < len(b.entries); i++ {
		if l.ahead <= 0 {
			l.ahead = l.warmEntries(b, i)
		}
		l.ahead--
		e := &b.entries[i]
		var c *conn
		if e.to != 0 {
			c = l.slots.find(e.to)
		}
		switch e.kind {
		case entryControl:
			e.ctl.apply(l, c)
		case entryStanza, entryCopy:
			if c.getsAll() && !e.wanted {
				more := b.run(i) - 1
				l.delivered += uint32(1 + more)
				c.write(b.data[e.off:b.entries[i+more].end:len(b.data)])
				i, l.ahead = i+more, l.ahead-more
				continue
			}
			if c.counts() {
				more := l.deliverRun(c, b, i) - 1
				i, l.ahead = i+more, l.ahead-more
				continue
			}
			st := b.data[e.off : e.end : e.end+spare(b.data, e.end)]
			if e.kind == entryCopy {
				_ = c != nil && c.receives() && c.deliver(st, session.Alone, receipt{}, nil)
				continue
			}
			l.deliverStanza(c, e, st, session.Alone, e.receipt(), nil)
		case entryShared:
			l.deliverShared(c, e)
		case entryInput:
			l.deliverInput(c, e, b.data[e.off:e.end:e.end])
		case entrySettled:
			if c != nil {
				c.settled(e.seq, e.end)
			}
		case entryRemote:
			l.toRemote(e.ctl.(*remoteDomain), e.addressee, b.data[e.off:e.end:e.end+spare(b.data, e.end)], e.receipt(), e.back)
		case entryPeer:
			l.toPeer(c, e.ctl.(*remoteDomain), e.addressee, b.data[e.off:e.end:e.end+spare(b.data, e.end)], e.receipt())
		case entryComponent:
			l.toComponent(c, e.ctl.(*componentDomain), b.data[e.off:e.end:e.end+spare(b.data, e.end)])
		}
	}
}

// isStanza tells whether e is a stanza that lies in the batch, for a bound session.
func (e *entry) isStanza() bool { return e.kind == entryStanza || e.kind == entryCopy }

// run is how many stanzas for the same session, of which nobody waits for a receipt,
// lie one behind the other from the entry at i on.
func (b *batch) run(i int) (n int) {
	first := &b.entries[i]
	for end := first.off; i+n < len(b.entries); n++ {
		e := &b.entries[i+n]
		if e.to != first.to || !e.isStanza() || e.off != end || e.wanted {
			break
		}
		end = e.end
	}
	return n
}

// getsAll tells whether all that is delivered is just written: nothing is held back,
// counted or kept. c may be nil.
func (c *conn) getsAll() bool {
	return c != nil && c.phase == phaseStream && !c.saving && c.session.Passes() && c.loop.engine.takesShortWays()
}

// counts tells whether all that is delivered is written and counted, and nothing else is
// done. c may be nil.
func (c *conn) counts() bool {
	return c != nil && c.phase == phaseStream && !c.saving && c.session.Counts() && c.loop.engine.takesShortWays()
}

// deliverRun gives a client with stream management what follows one another for it in b
// from the i-th entry on, and writes it in one piece. It returns how many these are.
func (l *loop) deliverRun(c *conn, b *batch, i int) (n int) {
	first := &b.entries[i]
	out := l.begin()
	end := first.off // of what is written
	for next := first.off; i+n < len(b.entries) && !out.Close; n++ {
		e := &b.entries[i+n]
		if e.to != first.to || !e.isStanza() || e.off != next {
			break
		}
		next = e.end
		how := session.Alone
		if e.wanted {
			how = session.Awaited
		}
		c.session.Deliver(l.now, b.data[e.off:e.end], how, out)
		if e.wanted {
			c.await(e.receipt())
		}
		if e.key != 0 {
			c.journalGiven(e.key)
		}
		if !out.Close { // else it is queued, and the session ends
			end = next
			l.delivered++
		}
	}
	c.write(b.data[first.off:end:len(b.data)])
	if out.Close {
		reason := out.Reason
		c.write(out.Bytes) // last words
		l.took(out)
		c.sessionEnded(reason)
		c.finish()
	}
	c.rearm()
	return n
}

// deliverInput is for connections that are no sockets.
func (l *loop) deliverInput(c *conn, e *entry, b []byte) {
	if c == nil {
		return
	}
	if c.phase == phaseMoved {
		l.passInput(c.movedTo, e.ctl, b)
		return
	}
	t, ok := c.transport.(wireTransport)
	if !ok || t.w != e.ctl.(inputOf).wire {
		return // of a wire that the session is not on any more
	}
	defer t.taken(len(b))
	c.input(b)
}

// passInput hands input to the connection that has the wire now.
func (l *loop) passInput(to routing.Mailbox, from control, b []byte) {
	batch := l.batchFor(mailboxLoop(to))
	off := len(batch.data)
	batch.data = append(batch.data, b...)
	batch.entries = append(batch.entries, entry{to: to, kind: entryInput, off: uint32(off), end: uint32(len(batch.data)), ctl: from})
}

// spare lets a stanza's slice see what follows it in the batch, so that
// neighbours to the same connection become one piece.
func spare(data []byte, end uint32) uint32 { return uint32(len(data)) - end }

// deliverShared gives a stanza that many get to one of them, without a copy.
func (l *loop) deliverShared(c *conn, e *entry) {
	s := e.shared
	if s.toAt == 0 {
		l.deliverStanza(c, e, s.data, session.Copied, e.receipt(), s.sessions)
		return
	}
	if c == nil || !c.receives() {
		l.routeAgain(e.to, s.addressed(e.addressee), session.Copied, receipt{}, nil)
		return
	}
	if c.session.Inactive() || c.session.Managed() {
		l.deliverStanza(c, e, s.addressed(e.addressee), session.Copied, receipt{}, nil)
		return
	}
	out := l.begin()
	c.session.Deliver(l.now, s.data, session.Copied, out)
	if !out.Pass {
		return
	}
	l.delivered++
	out.Bytes = stanza.AppendAttr(out.Bytes, "to", e.addressee)
	c.write(s.data[:s.toAt])
	c.write(out.Bytes)
	c.write(s.data[s.toAt:])
	l.took(out)
}

// deliverStanza gives a rendered stanza to a session, or routes it anew when
// the session has gone. to is the sessions that get it; nil for one alone.
func (l *loop) deliverStanza(c *conn, e *entry, b []byte, how session.Delivery, rc receipt, to []routing.Mailbox) {
	if c == nil || !c.receives() || !c.deliver(b, how, rc, to) {
		l.routeAgain(e.to, b, how, rc, to)
	}
}
