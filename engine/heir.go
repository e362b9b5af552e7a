package engine

import (
	"cmp"
	"slices"

	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// bequest is a message that a session had not acknowledged when it ended, which
// another session has, too. That one takes over who waits for the acknowledgement, and
// what is stored, since it may end without acknowledging the message as well:
//
//	home         sends its bequests to the heir, past every loop (round)
//	heir's loop  looks for its copies and keeps the receipts (bequests.apply)
//	home         lets the stored messages be the heir's (inherited.apply); one that is not
//	             stored is, soon, as the heir then hears that it is not
//
// An heir that ends meanwhile gives its copies back, and the home finds the bequests
// among them before it hears of the heir's loop (takeOver).
type bequest struct {
	holder xep.SessionRef // who has it for the store; zero: nobody
	serial uint64         // by which that one knew it
	raw    []byte
	receipt
	kept bool   // the store has the receipt
	done func() // ends the message's request, which no receipt belongs to any more

	over   bool   // the heir has given it back
	number uint64 // by which the heir knows it; 0: it has acknowledged it, or is of those who never do
}

// bequests are what one session leaves to another one.
type bequests struct {
	heir xep.SessionRef
	list []*bequest
}

// bequeath gives a message to a session that got it as well, with all that goes there.
func (r *returned) bequeath(s *returnedStanza, heir routing.Mailbox, done func()) {
	i := slices.IndexFunc(r.bequests, func(b *bequests) bool { return b.heir.ID == uint64(heir) })
	if i < 0 {
		i = len(r.bequests)
		r.bequests = append(r.bequests, &bequests{heir: xep.SessionRef{JID: r.bare, ID: uint64(heir)}})
	}
	b := r.bequests[i]
	b.list = append(b.list, &bequest{holder: s.holder, serial: s.number, raw: s.raw, receipt: s.receipt, kept: s.kept, done: done})
	s.receipt = receipt{}
}

// sendBequests hands over what was bequeathed.
func (l *loop) sendBequests(r *returned) {
	for _, b := range r.bequests {
		if l.bequests == nil {
			l.bequests = make(map[routing.Mailbox][]*bequests)
		}
		mb := routing.Mailbox(b.heir.ID)
		l.bequests[mb] = append(l.bequests[mb], b)
		l.sendRound(mb, b)
	}
	r.bequests = nil
}

// takeOver lets a session that has ended give back what it was to inherit: whoever
// waits for that waits for its copy now. A copy that has come too late for it counts
// as well.
func (l *loop) takeOver(r *returned) {
	for _, from := range l.bequests[r.from] {
		open := byStanza(from.list)
		for i := range r.stanzas {
			s := &r.stanzas[i]
			if !s.copied || s.awaited {
				continue
			}
			b := open.take(s.raw)
			if b == nil {
				continue
			}
			b.over = true
			s.awaited, s.receipt, s.kept = true, b.receipt, b.kept
			s.holder, s.number = b.holder, b.serial
		}
	}
}

func (b *bequests) apply(l *loop, c *conn) {
	if c != nil && c.receives() && c.peer == nil {
		c.inherit(b)
	}
	l.postHome(b.heir.JID.Bare().String(), inherited{b})
}

// inherit keeps receipts for the stanzas that were given to the session as they were
// bequeathed, as if they were stored already, and notes the numbers of the stanzas.
// Those that are not there the client has acknowledged. Each of the client's
// unacknowledged stanzas is looked at once.
func (c *conn) inherit(from *bequests) {
	from.heir.JID = c.session.JID()
	open, number := byStanza(from.list), c.session.Acked()
	var list []awaited
	for u := range c.session.Unacked {
		if number++; len(open) == 0 {
			break
		}
		if c.awaited(number).number != 0 {
			continue // another one, which reads the same
		}
		if b := open.take(u.Stanza); b != nil {
			b.number = number
			list = append(list, awaited{number: number, receipt: b.receipt, kept: true})
		}
	}
	if len(list) > 0 {
		r := c.receiptList()
		r.list = append(r.list, list...)
		slices.SortFunc(r.open(), func(a, b awaited) int { return cmp.Compare(a.number, b.number) })
	}
}

// inherited says at home what the heir has made of its bequests.
type inherited struct{ *bequests }

func (b inherited) apply(l *loop, _ *conn) {
	a := l.home(b.heir.JID.Bare())
	a.Prepared(func(error) {
		mb := routing.Mailbox(b.heir.ID)
		if l.bequests[mb] = slices.DeleteFunc(l.bequests[mb], func(o *bequests) bool { return o == b.bequests }); len(l.bequests[mb]) == 0 {
			delete(l.bequests, mb)
		}
		for _, m := range b.list {
			if !m.over {
				l.inherited(a, b.heir, m)
			}
			m.done()
		}
	})
}

// inherited is the end of one bequest.
func (l *loop) inherited(a *xep.Home, heir xep.SessionRef, b *bequest) {
	k := l.engine.registry.Keeps()
	m := keptMessage{b.raw, 0, b.number, b.receipt}
	switch {
	case b.number == 0:
		if k != nil && b.holder.ID != 0 {
			k.Release(a, b.holder, b.serial, true)
		}
		l.settleReceipt(b.receipt)
	case k != nil && b.holder.ID != 0 && k.Pass(a, b.holder, b.serial, heir, b.number, func(stanza.Error) { l.notKept(heir, &m) }):
	default:
		l.postControl(routing.Mailbox(heir.ID), unkept{b.number})
	}
}

// openBequests finds bequests by their stanzas; those that read the same are in their
// order.
type openBequests map[string][]*bequest

func byStanza(list []*bequest) openBequests {
	open := make(openBequests, len(list))
	for _, b := range list {
		if !b.over {
			open[string(b.raw)] = append(open[string(b.raw)], b)
		}
	}
	return open
}

// take is the next one of a stanza, which is not found again; nil: there is none.
func (o openBequests) take(raw []byte) *bequest {
	same := o[string(raw)]
	switch len(same) {
	case 0:
		return nil
	case 1:
		delete(o, string(raw))
	default:
		o[string(raw)] = same[1:]
	}
	return same[0]
}

// round takes a control to a session, past every loop: it comes behind all that a
// loop had handed in, for whomever, when the round began. What one loop sends to two
// others may arrive at one long before it does at the other.
type round struct {
	to   routing.Mailbox
	ctl  control
	next uint32 // the loop that it visits next
}

func (l *loop) sendRound(to routing.Mailbox, ctl control) {
	(&round{to: to, ctl: ctl}).apply(l, nil)
}

func (r *round) apply(l *loop, _ *conn) {
	if r.next == l.index {
		r.next++
	}
	// Late: behind what this loop has for others in the same turn.
	if r.next < uint32(len(l.engine.loops)) {
		next := r.next
		r.next++
		l.postLate(next, entry{kind: entryControl, ctl: r})
		return
	}
	l.postLate(mailboxLoop(r.to), entry{to: r.to, kind: entryControl, ctl: r.ctl})
}
