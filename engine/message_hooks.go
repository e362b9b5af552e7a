package engine

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// hookSent calls, once for a message, the extensions that asked to see what
// the sender's account sends, and has it copied.
func (l *loop) hookSent(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) {
	all := src.marks
	src.marks = 0
	if marks := all & l.engine.hookMarks; marks != 0 {
		if m, ok := l.messageView(v, to, fw, targets); ok {
			if marks&xep.MarkArchive != 0 && m.To.Bare().JID != m.From.Bare() {
				l.identify(v, m.From.Bare().View(), &m.Forward)
				m.Forward.ID = strings.Clone(m.Forward.ID)
			}
			for _, h := range l.engine.registry.Messages() {
				if h.Sent != nil && marks&h.When != 0 {
					h.Sent(l, m)
				}
			}
			known := *fw
			known.ID, known.By = m.Forward.ID, m.Forward.By
			l.giveView(m)
			l.copySent(src, v, to, &known, targets, all)
			return
		}
	}
	l.copySent(src, v, to, fw, targets, all)
}

// hookReceived calls the extensions that asked to see what comes for the
// addressee's account, whose marks are given, and has it copied.
func (l *loop) hookReceived(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry, marks xep.Mark) {
	if wanted := marks & l.engine.hookMarks; wanted != 0 {
		if m, ok := l.messageView(v, to, fw, targets); ok {
			for _, h := range l.engine.registry.Messages() {
				if h.Received != nil && wanted&h.When != 0 {
					h.Received(l, m)
				}
			}
			l.giveView(m)
		}
	}
	l.copyReceived(src, v, to, fw, targets, marks)
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
