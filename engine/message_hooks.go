package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// hookSent calls, once for a message, the extensions that asked to see what
// the sender's account sends.
func (l *loop) hookSent(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) {
	marks := src.marks & l.engine.hookMarks
	src.marks = 0
	if marks == 0 {
		return
	}
	m, ok := messageView(v, to, fw, targets)
	if ok && marks&xep.MarkArchive != 0 && m.To.Bare().JID != m.From.Bare() {
		l.identify(v, m.From.Bare().View(), &m.Forward)
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
	return m, true
}
