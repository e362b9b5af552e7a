package engine

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// copies is who gets copies of a message in one direction, and what each of them begins
// with. The zero value is ready. Loop only.
type copies struct {
	list  []copyFor
	begin []byte // of all of them, one behind the other
}

// copyFor is one session that gets them.
type copyFor struct {
	mailbox routing.Mailbox
	end     int // in copies.begin, where that of the next one starts
}

func (cs *copies) clear() { cs.list, cs.begin = cs.list[:0], cs.begin[:0] }

// listCopies fills cs with the sessions of an account that get copies: those that asked
// for them, but for the one of the name but and for targets.
func (l *loop) listCopies(cs *copies, v *stanza.View, d xep.Direction, account jid.JID, but string, targets []routing.Entry) {
	cs.clear()
	domain := l.engine.table.Domain(account.Domain())
	if domain == nil {
		return
	}
	copier := l.engine.copier
	var buf [4]routing.Entry
	entries := domain.Lookup(account.Local(), buf[:0])
	for i := range entries {
		e := &entries[i]
		if xep.Mark(e.Flags)&copier.Session == 0 || e.Resource == but ||
			slices.ContainsFunc(targets, func(t routing.Entry) bool { return t.Mailbox == e.Mailbox }) {
			continue
		}
		cs.begin = copier.Begin(cs.begin, v, d, account, e.Resource)
		cs.list = append(cs.list, copyFor{e.Mailbox, len(cs.begin)})
	}
}

// give sends a copy of the message to each of them.
func (cs *copies) give(l *loop, v *stanza.View, fw *stanza.Forward, d xep.Direction) {
	inner := *fw
	inner.Declare = true
	begin := 0
	for _, c := range cs.list {
		b := l.batchFor(mailboxLoop(c.mailbox))
		off := len(b.data)
		b.data = append(b.data, cs.begin[begin:c.end]...)
		b.data = append(stanza.AppendForward(b.data, v, &inner), l.engine.copier.End[d]...)
		b.addStanza(c.mailbox, off).kind = entryCopy
		begin = c.end
	}
}

// copiesOf is what is filled for a message: that of the lane, where more may follow it.
func (l *loop) copiesOf(src *source, d xep.Direction) (cs *copies, more bool) {
	if src.conn != nil && l.lane.pays {
		return &l.lane.copies[d], true
	}
	return &l.copies, false
}

// copySent has a message copied to the other sessions of its sender, whose marks are
// given, unless they get it.
func (l *loop) copySent(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry, marks xep.Mark) {
	copier := l.engine.copier
	if copier == nil || marks&copier.Account == 0 || marks&xep.MarkSeveral == 0 {
		return
	}
	from, err := jid.Parse(fw.From)
	if err != nil {
		return
	}
	wanted, _ := copier.Copied(v, from)
	cs, more := l.copiesOf(src, xep.Sent)
	if !wanted && !more {
		return
	}
	account := from.Bare()
	if to.Bare().JID != account {
		targets = nil // which are no sessions of it
	}
	if l.listCopies(cs, v, xep.Sent, account, from.Resource(), targets); wanted {
		cs.give(l, v, fw, xep.Sent)
	}
}

// copyReceived has a message copied to those of the addressee's sessions that do not get
// it. marks are those of targets, or where there are none, those of all sessions. Of an
// account's message to itself they have got it as sent.
func (l *loop) copyReceived(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry, marks xep.Mark) {
	copier := l.engine.copier
	if copier == nil || marks&copier.Account == 0 || len(targets) > 0 && marks&xep.MarkSeveral == 0 {
		return
	}
	from, err := jid.Parse(fw.From)
	account := to.Bare().JID
	if err != nil || from.Bare() == account {
		return
	}
	_, wanted := copier.Copied(v, from)
	cs, more := l.copiesOf(src, xep.Received)
	if !wanted && !more {
		return
	}
	if l.listCopies(cs, v, xep.Received, account, "", targets); wanted {
		cs.give(l, v, fw, xep.Received)
	}
}
