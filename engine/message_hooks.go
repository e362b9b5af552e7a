package engine

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// hooked is the marks of an account for which there are hooks on messages that one of its
// sessions sends or gets.
func (e *Engine) hooked(marks xep.Mark) xep.Mark {
	if marks&xep.MarkSeveral == 0 {
		marks &^= e.severalMarks
	}
	return marks & e.hookMarks
}

// hookSent calls, once for a message, the extensions that asked to see what
// the sender's account sends.
func (l *loop) hookSent(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) {
	marks := l.engine.hooked(src.marks)
	src.marks = 0
	if marks == 0 {
		return
	}
	m, ok := l.messageView(v, to, fw, targets)
	if !ok {
		return
	}
	if marks&xep.MarkArchive != 0 && m.To.Bare().JID != m.From.Bare() {
		l.identify(v, m.From.Bare().View(), &m.Forward)
		m.Forward.ID = strings.Clone(m.Forward.ID)
	}
	for _, h := range l.engine.registry.Messages() {
		if h.Sent != nil && marks&h.When != 0 {
			h.Sent(l, m)
		}
	}
	l.giveView(m)
}

// hookReceived calls the extensions that asked to see what comes for the
// addressee's account, whose marks are given.
func (l *loop) hookReceived(v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry, marks xep.Mark) {
	if len(targets) > 0 {
		marks = l.engine.hooked(marks)
	}
	marks &= l.engine.hookMarks
	if marks == 0 {
		return
	}
	m, ok := l.messageView(v, to, fw, targets)
	if !ok {
		return
	}
	for _, h := range l.engine.registry.Messages() {
		if h.Received != nil && marks&h.When != 0 {
			h.Received(l, m)
		}
	}
	l.giveView(m)
}

// messageView is what hooks see of a message. It is to be given back.
func (l *loop) messageView(v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) (*xep.MessageView, bool) {
	from, err := jid.Parse(fw.From)
	if err != nil {
		return nil, false
	}
	if len(l.views) == 0 {
		l.views = append(l.views, &xep.MessageView{})
	}
	last := len(l.views) - 1
	m := l.views[last]
	l.views = l.views[:last]
	*m = xep.MessageView{View: v, From: from, To: to, Forward: *fw, Delivered: appendResources(m.Delivered[:0], targets)}
	m.Forward.Stamp = nil // it is the loop's
	m.Forward.ID = strings.Clone(fw.ID)
	return m, true
}

// giveView takes back what hooks have seen. There are several when one of them sends
// a message.
func (l *loop) giveView(m *xep.MessageView) {
	clear(m.Delivered)
	*m = xep.MessageView{Delivered: m.Delivered[:0]}
	l.views = append(l.views, m)
}

// Copy implements xep.Host.
func (l *loop) Copy(m *xep.MessageView, c xep.Copying) {
	d := l.engine.table.Domain(c.Account.Domain())
	if d == nil {
		return
	}
	var buf [4]routing.Entry
	entries := d.Lookup(c.Account.Local(), buf[:0])
	var st []byte
	toAt := 0
	for i := range entries {
		e := &entries[i]
		if !c.Gets(e.Resource, xep.Mark(e.Flags)) {
			continue
		}
		if st == nil {
			st, toAt = c.Render(l.copied[:0], m)
			if cap(st) <= keepBatchBytes {
				l.copied = st[:0]
			}
		}
		b := l.batchFor(mailboxLoop(e.Mailbox))
		off := len(b.data)
		b.data = append(b.data, st[:toAt]...)
		b.data = stanza.AppendAddress(b.data, "to", c.Account.String(), e.Resource)
		b.data = append(b.data, st[toAt:]...)
		b.addStanza(e.Mailbox, off).kind = entryCopy
	}
}
