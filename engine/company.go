package engine

import (
	"encoding/binary"
	"slices"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/xep"
)

// company is the sessions that got the same stanzas. A message to a bare address goes
// to several of them, and each may end without having acknowledged its copy: that is
// dropped as long as another of the company is there, which has it or gives it back
// when it ends, and waits in its place (see bequest). A session that was bound later is none of them.
type company struct {
	upTo     uint64            // the last of the stanzas, see session.Sent
	sessions []routing.Mailbox // also the one that keeps this
}

// companies are those of the stanzas that a client has not acknowledged, in their
// order: a stanza that others got belongs to the first one with its number or a
// higher one. Mostly there is one, as the account's sessions stay the same.
type companies []company

// add notes who else got the stanza that was given to the session last.
func (cs *companies) add(number uint64, sessions []routing.Mailbox) {
	n := len(*cs)
	if n > 0 && slices.Equal((*cs)[n-1].sessions, sessions) {
		(*cs)[n-1].upTo = number
		return
	}
	if n == cap(*cs) {
		*cs = append(*cs, company{})
	} else {
		*cs = (*cs)[:n+1] // with what its list held before, to be used again
	}
	last := &(*cs)[n]
	last.upTo, last.sessions = number, append(last.sessions[:0], sessions...)
}

// forget drops those of stanzas up to a number.
func (cs *companies) forget(acked uint64) {
	list := *cs
	n := 0
	for n < len(list) && list[n].upTo <= acked {
		n++
	}
	if n == 0 {
		return
	}
	for i := n; i < len(list); i++ {
		list[i-n], list[i] = list[i], list[i-n]
	}
	*cs = list[:len(list)-n]
}

// of is who got the stanza of that number. valid until the next change.
func (cs companies) of(number uint64) []routing.Mailbox {
	for i := range cs {
		if cs[i].upTo >= number {
			return cs[i].sessions
		}
	}
	return nil
}

// companies are those of the stanzas that the client has not acknowledged.
func (c *conn) companies() companies {
	if c.receipts == nil {
		return nil
	}
	return c.receipts.companies
}

// remains is one of sessions, but for one that has ended, that is bound to the account
// still, or has ended without its home having heard of that: what such a session has
// not acknowledged is on its way back. 0: none is.
func remains(sessions []routing.Mailbox, ended routing.Mailbox, bound []routing.Entry, a *xep.Home) routing.Mailbox {
	for i := range bound {
		if mb := bound[i].Mailbox; mb != ended && slices.Contains(sessions, mb) {
			return mb
		}
	}
	for s := range a.Known() {
		if mb := routing.Mailbox(s.ID); mb != ended && slices.Contains(sessions, mb) {
			return mb
		}
	}
	return 0
}

// append renders for a record those of stanzas behind acked, behind the session's own
// mailbox.
func (cs companies) append(b []byte, own routing.Mailbox, acked uint64) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(own))
	for i := range cs {
		if cs[i].upTo <= acked {
			continue
		}
		b = binary.AppendUvarint(binary.BigEndian.AppendUint64(b, cs[i].upTo), uint64(len(cs[i].sessions)))
		for _, mb := range cs[i].sessions {
			b = binary.BigEndian.AppendUint64(b, uint64(mb))
		}
	}
	return b
}

// regrouped is the restored sessions of an account, of which each knows the others by
// the mailboxes that they had before the restart.
type regrouped struct {
	conns []*conn
	now   map[routing.Mailbox]routing.Mailbox // by those before
}

// add takes what append has made of one session's companies; what is none is nothing.
func (g *regrouped) add(c *conn, b []byte) {
	r := fieldReader{b: b}
	own := routing.Mailbox(r.fixed())
	if r.bad {
		return
	}
	if g.now == nil {
		g.now = make(map[routing.Mailbox]routing.Mailbox)
	}
	g.now[own] = c.mailbox()
	g.conns = append(g.conns, c)
	for len(r.b) > 0 {
		upTo, n := r.fixed(), r.uvarint()
		var sessions []routing.Mailbox
		for ; n > 0 && !r.bad; n-- {
			sessions = append(sessions, routing.Mailbox(r.fixed()))
		}
		if !r.bad {
			c.receiptList().add(upTo, sessions)
		}
	}
}

// rename lets the sessions know each other by their mailboxes of now. Those that are
// not there any more are left out.
func (g *regrouped) rename() {
	for _, c := range g.conns {
		if c.receipts == nil {
			continue
		}
		for i := range c.receipts.companies {
			of := &c.receipts.companies[i]
			of.sessions = slices.DeleteFunc(of.sessions, func(mb routing.Mailbox) bool { return g.now[mb] == 0 })
			for k, mb := range of.sessions {
				of.sessions[k] = g.now[mb]
			}
		}
	}
}
