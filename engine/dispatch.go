package engine

import (
	"strconv"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// dispatch takes a stanza that a local session sent: hooks and policy first,
// then the delivery rules of routing.
func (l *loop) dispatch(c *conn, st *session.Stanza) {
	v := &st.View
	from := c.session.JID()
	if v.Kind == stanza.KindPresence && st.To.IsZero() {
		l.broadcast(c, v)
		return
	}
	to := routing.Addressee(v.Kind, from.View(), st.To)
	if v.Kind == stanza.KindMessage && !l.allowed(c, v, to) {
		return
	}
	fw := stanza.Forward{From: from.String(), Lang: c.session.Lang()}
	if st.To.IsZero() {
		fw.To = to.String()
	}
	l.route(c, v, to, &fw)
}

// allowed asks hook and policy about a message.
func (l *loop) allowed(c *conn, v *stanza.View, to jid.View) bool {
	e := l.engine
	if e.cfg.Hooks.Message == nil && e.cfg.Policy == nil {
		return true
	}
	m := MessageView{From: c.session.JID(), To: to, View: v}
	if e.cfg.Hooks.Message != nil {
		e.cfg.Hooks.Message(m)
	}
	if e.cfg.Policy == nil {
		return true
	}
	err := e.cfg.Policy.AllowMessage(m)
	if err == nil {
		return true
	}
	l.bounce(c, v, to, stanza.AsError(err))
	return false
}

// broadcast notes what a presence without an addressee says about the session.
func (l *loop) broadcast(c *conn, v *stanza.View) {
	d := l.engine.table.Domain(c.session.JID().Domain())
	if d == nil {
		return
	}
	switch v.Type {
	case stanza.TypeNone:
		priority, ok := priorityOf(v)
		if !ok {
			l.bounce(c, v, jid.View{}, stanza.Error{Condition: stanza.BadRequest, Text: "priority is a number from -128 to 127"})
			return
		}
		d.SetPresence(c.session.JID().Local(), c.session.JID().Resource(), c.mailbox(), true, priority)
	case stanza.TypeUnavailable:
		d.SetPresence(c.session.JID().Local(), c.session.JID().Resource(), c.mailbox(), false, 0)
	}
}

// priorityOf reads <priority/>, RFC 6121 §4.7.2.3.
func priorityOf(v *stanza.View) (priority int8, ok bool) {
	e := v.Frame.Element().Child(stanza.NSClient, "priority")
	if e.IsZero() {
		return 0, true
	}
	text := strings.TrimSpace(string(e.AppendText(nil)))
	n, err := strconv.ParseInt(text, 10, 8)
	return int8(n), err == nil
}

// route applies the delivery rules to v, which goes to to as fw stamps it. c
// is the sender's connection, nil when that is not at hand.
func (l *loop) route(c *conn, v *stanza.View, to jid.View, fw *stanza.Forward) {
	decision, targets := l.engine.table.Route(to, v.Kind, v.Type, l.targets[:0])
	switch decision.Verdict {
	case routing.Delivered:
		l.send(v, targets, fw)
	case routing.Bounce, routing.Offline:
		l.bounceTo(c, v, to, fw.From, stanza.Error{Condition: decision.Condition})
	case routing.Remote:
		l.bounceTo(c, v, to, fw.From, stanza.Error{Condition: stanza.RemoteServerNotFound, Text: "this server does not federate"})
	case routing.Account, routing.Server:
		l.answer(c, v, to, fw)
	}
	clear(targets)
	l.targets = targets[:0]
}

// answer is for what the server itself is asked, on its own behalf or on that
// of an account. What nothing handles is refused (RFC 6120 §8.4); presence and
// messages to the server are taken and dropped.
func (l *loop) answer(c *conn, v *stanza.View, to jid.View, fw *stanza.Forward) {
	if v.Kind == stanza.KindIQ && (v.Type == stanza.TypeGet || v.Type == stanza.TypeSet) {
		l.bounceTo(c, v, to, fw.From, stanza.Error{Condition: stanza.ServiceUnavailable})
	}
}

// send renders v once and hands it to its targets.
func (l *loop) send(v *stanza.View, targets []routing.Entry, fw *stanza.Forward) {
	if len(targets) == 1 {
		mb := targets[0].Mailbox
		b := l.batchFor(mailboxLoop(mb))
		off := len(b.data)
		b.data = stanza.AppendForward(b.data, v, fw)
		b.entries = append(b.entries, newStanzaEntry(mb, off, len(b.data)))
		return
	}
	s := l.engine.pool.share()
	s.data = stanza.AppendForward(s.data, v, fw)
	for i := range targets {
		l.postShared(targets[i].Mailbox, s)
	}
	l.engine.pool.release(s)
}

// postShared hands a shared stanza to one more recipient.
func (l *loop) postShared(mb routing.Mailbox, s *shared) {
	s.refs.Add(1)
	b := l.batchFor(mailboxLoop(mb))
	b.entries = append(b.entries, entry{to: mb, kind: entryShared, shared: s})
}

// postControl hands something to do to the loop of mb.
func (l *loop) postControl(mb routing.Mailbox, ctl control) {
	b := l.batchFor(mailboxLoop(mb))
	b.entries = append(b.entries, entry{to: mb, kind: entryControl, ctl: ctl})
}

// bounceTo answers v with an error, if it may be answered, in the name of
// whom it was for. c is the sender's connection if that is at hand; otherwise
// the session of from is looked up.
func (l *loop) bounceTo(c *conn, v *stanza.View, to jid.View, from string, e stanza.Error) {
	if c != nil {
		l.bounce(c, v, to, e)
		return
	}
	sender, err := jid.Parse(from)
	if err != nil || !session.Answerable(v) {
		return
	}
	l.stats.bounced.Add(1)
	target, ok := l.sessionOf(sender.View())
	if !ok {
		return // the sender has gone: there is nobody to tell
	}
	b := l.batchFor(mailboxLoop(target.Mailbox))
	off := len(b.data)
	b.data = stanza.AppendError(b.data, v, to.String(), sender.String(), e)
	b.entries = append(b.entries, newStanzaEntry(target.Mailbox, off, len(b.data)))
}

// bounce answers a stanza of c itself, in order with all else that c is told.
func (l *loop) bounce(c *conn, v *stanza.View, to jid.View, e stanza.Error) {
	if !session.Answerable(v) {
		return
	}
	l.stats.bounced.Add(1)
	out := l.begin()
	out.Bytes = stanza.AppendError(out.Bytes, v, to.String(), c.session.JID().String(), e)
	c.write(out.Bytes)
	l.took(out)
}

func newStanzaEntry(mb routing.Mailbox, off, end int) entry {
	return entry{to: mb, kind: entryStanza, off: uint32(off), end: uint32(end)}
}

// sessionOf finds the session of a full address.
func (l *loop) sessionOf(full jid.View) (routing.Entry, bool) {
	d := l.engine.table.Domain(full.Domain())
	if d == nil {
		return routing.Entry{}, false
	}
	return d.LookupFull(full.Local(), full.Resource())
}
