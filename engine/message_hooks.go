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
	m, ok := messageView(v, to, fw, targets)
	if ok && marks&xep.MarkArchive != 0 && m.To.Bare().JID != m.From.Bare() {
		l.identify(v, m.From.Bare().View(), &m.Forward)
		m.Forward.ID = strings.Clone(m.Forward.ID)
	}
	for _, h := range l.engine.registry.Messages() {
		if ok && h.Sent != nil && marks&h.When != 0 {
			h.Sent(l, m)
		}
	}
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
	m, ok := messageView(v, to, fw, targets)
	for _, h := range l.engine.registry.Messages() {
		if ok && h.Received != nil && marks&h.When != 0 {
			h.Received(l, m)
		}
	}
}

// messageView is what hooks see of a message.
func messageView(v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) (*xep.MessageView, bool) {
	from, err := jid.Parse(fw.From)
	if err != nil {
		return nil, false
	}
	m := &xep.MessageView{View: v, From: from, To: to, Forward: *fw, Delivered: appendResources(nil, targets)}
	m.Forward.Stamp = nil // it is the loop's, and a hook may keep what it is given
	m.Forward.ID = strings.Clone(fw.ID)
	return m, true
}
