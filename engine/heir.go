package engine

import (
	"bytes"
	"slices"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// bequest is a message that a session had not acknowledged when it ended, which
// another session has, too. That one takes over who waits for the acknowledgement, and
// what is stored, since it may end without acknowledging the message as well:
//
//	home         sends the bequest to the heir
//	heir's loop  looks for its copy and keeps the receipt (apply)
//	home         lets the stored message be the heir's (inherited.apply); one that is not
//	             stored is, soon, as the heir then hears that it is not
type bequest struct {
	from   xep.SessionRef // zero: a session that it did not reach
	serial uint64         // by which that one knew it
	raw    []byte
	receipt
	done func() // ends the message's request, which no receipt belongs to any more

	heir   xep.SessionRef
	number uint64 // by which the heir knows it; 0: it has acknowledged it, or is of those who never do
}

// bequeath gives a message to a session that got it as well.
func (l *loop) bequeath(r *returned, s *returnedStanza, heir routing.Mailbox, done func()) {
	b := &bequest{from: r.session, serial: s.number, raw: s.raw, receipt: s.receipt, done: done, heir: xep.SessionRef{JID: r.bare, ID: uint64(heir)}}
	s.receipt = receipt{}
	l.postControl(heir, b)
}

func (b *bequest) apply(l *loop, c *conn) {
	if c != nil && c.receives() && c.peer == nil {
		b.heir.JID = c.session.JID()
		b.number = c.inherit(b.raw, b.receipt)
	}
	l.postHome(b.heir.JID.Bare().String(), inherited{b})
}

// inherit keeps a receipt for the stanza that was given to the session as raw, as if
// that was stored already, and returns the stanza's number; 0: the client has
// acknowledged it.
func (c *conn) inherit(raw []byte, rc receipt) uint64 {
	number := c.session.Acked()
	for u := range c.session.Unacked {
		number++
		if !bytes.Equal(u.Stanza, raw) {
			continue
		}
		r := c.receiptList()
		i, found := r.search(number)
		if !found {
			r.list = slices.Insert(r.list, r.head+i, awaited{number: number, receipt: rc, kept: true})
			return number
		}
	}
	return 0
}

// inherited says at home what the heir has made of a bequest.
type inherited struct{ *bequest }

func (b inherited) apply(l *loop, _ *conn) {
	a := l.home(b.heir.JID.Bare())
	a.Prepared(func(error) {
		k := l.engine.registry.Keeps()
		m := keptMessage{b.raw, 0, b.number, b.receipt}
		switch {
		case b.number == 0:
			if k != nil && b.from.ID != 0 {
				k.Release(a, b.from, b.serial, true)
			}
			l.settleReceipt(b.receipt)
		case k != nil && b.from.ID != 0 && k.Pass(a, b.from, b.serial, b.heir, b.number, func(stanza.Error) { l.notKept(b.heir, &m) }):
		default:
			l.postControl(routing.Mailbox(b.heir.ID), unkept{b.number})
		}
		b.done()
	})
}
