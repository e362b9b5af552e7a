package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// dispatch takes a stanza that a local session sent: hooks and policy first,
// then the account's home where that must see it, then the delivery rules.
func (l *loop) dispatch(c *conn, st *session.Stanza) {
	v := &st.View
	from := c.session.JID()
	fw := stanza.Forward{From: from.String(), Lang: c.session.Lang()}
	if l.lane.leads(c, st, l.engine) {
		fw.Stamp = &l.stamp
		l.lane.take(l, c, v, st, &fw)
		return
	}
	l.lane.close(l.engine.table)
	src := source{conn: c, origin: c.mailbox(), marks: c.marks}
	if v.Kind == stanza.KindPresence {
		l.presence(&src, v, st.To, &fw)
		return
	}
	to := routing.Addressee(v.Kind, from.View(), st.To)
	if v.Kind == stanza.KindMessage && !l.allowed(c, v, to) {
		return
	}
	if st.To.IsZero() {
		fw.To = to.String()
	}
	if c.marks&xep.MarkFilter != 0 && to.Bare().JID != from.Bare() {
		l.handIn(&src, workOutgoing, from.Bare(), v, &fw, "")
		return
	}
	l.route(&src, v, to, &fw)
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

// presence takes what a session says of itself, or to somebody. With an
// extension for presence all of it but probes and errors passes through the
// account's home, which keeps track.
func (l *loop) presence(src *source, v *stanza.View, to jid.View, fw *stanza.Forward) {
	own := src.conn.session.JID()
	switch {
	case l.engine.registry.HandlesPresence() && v.Type != stanza.TypeError:
		l.handIn(src, workPresence, own.Bare(), v, fw, "")
	case to.IsZero():
		l.announce(src.conn, v)
	default:
		l.route(src, v, to, fw)
	}
}

// announce notes what a presence without an addressee says about the session.
func (l *loop) announce(c *conn, v *stanza.View) {
	self := xep.SessionRef{JID: c.session.JID(), ID: uint64(c.mailbox())}
	switch v.Type {
	case stanza.TypeNone:
		priority, ok := v.Priority()
		if !ok {
			l.bounce(c, v, jid.View{}, stanza.Error{Condition: stanza.BadRequest, Text: "priority is a number from -128 to 127"})
			return
		}
		l.SetPresence(self, true, priority)
	case stanza.TypeUnavailable:
		l.SetPresence(self, false, 0)
	}
}

// route applies the delivery rules to v, which goes to to as fw stamps it.
func (l *loop) route(src *source, v *stanza.View, to jid.View, fw *stanza.Forward) {
	if l.isRepeated(v, fw) {
		return
	}
	if v.Kind == stanza.KindMessage && v.HasStanzaID() {
		l.dropForged(src, to, fw)
	}
	decision, targets := l.engine.table.Route(to, v.Kind, v.Type, l.targets[:0])
	if v.Kind == stanza.KindMessage && decision.Verdict != routing.Bounce {
		l.hookSent(src, v, to, fw, targets)
	}
	verdict := decision.Verdict
	if src.conn != nil && (verdict == routing.Delivered || verdict == routing.Bounce) && l.burstOf(src.origin).isBusy(to) {
		verdict, decision.Condition = routing.Offline, stanza.ServiceUnavailable // its home decides anew: nothing overtakes, no error either
	}
	switch verdict {
	case routing.Delivered:
		l.pass(src, v, to, fw, targets)
	case routing.Offline:
		if l.engine.registry.HandlesOffline() {
			l.handIn(src, workOffline, to.Bare().JID, v, fw, decision.Condition)
			break
		}
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: decision.Condition})
	case routing.Bounce:
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: decision.Condition})
	case routing.Remote:
		l.sendRemote(src, v, to, fw)
	case routing.Account, routing.Server:
		l.answer(src, v, to, fw, verdict)
	}
	clear(targets)
	l.targets = targets[:0]
}

// pass gives a stanza to its targets, by way of their home when that has a
// say in it.
func (l *loop) pass(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry) {
	marks := marksOf(targets)
	_, guarded := l.engine.guarded(v)
	asks := !src.passed && (guarded || marks&xep.MarkFilter != 0)
	stored := marks&xep.MarkHeld != 0 && isHeld(v, targets)
	switch {
	case src.order().isBusy(to) && (asks || !stored): // its home would let it overtake
		src.order().hold(src, v, to, fw)
	case asks:
		l.handIn(src, workIncoming, to.Bare().JID, v, fw, "")
	case stored:
		l.handIn(src, workOffline, to.Bare().JID, v, fw, stanza.ServiceUnavailable)
	default:
		if !l.give(src, v, to, fw, targets, marks) {
			return
		}
		if v.Kind == stanza.KindMessage {
			l.hookReceived(src, v, to, fw, targets, marks)
			l.openLane(src, v, to.String(), targets, marks)
		}
	}
}

// give sends a stanza to its targets, whose marks are given, and has the receipt waited
// for if somebody is to wait. false: it went back to its sender.
func (l *loop) give(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, targets []routing.Entry, marks xep.Mark) bool {
	wait := l.heldFor(v, targets)
	if wait >= 0 && !src.hold() {
		l.bounceTo(src, v, to, fw.From, stanza.Error{Condition: stanza.ResourceConstraint, Text: "the server's store takes nothing now"})
		return false
	}
	if wait >= 0 || marks&xep.MarkArchive != 0 {
		l.identify(v, to.Bare(), fw)
	}
	l.send(src, v, to, targets, fw, wait)
	return true
}

// guarded tells whether v is a request that the addressee's home must let
// pass, and how it is refused.
func (e *Engine) guarded(v *stanza.View) (refusal stanza.Condition, ok bool) {
	if v.Kind != stanza.KindIQ {
		return "", false
	}
	return e.registry.Guarded(v)
}

// marksOf is all marks of some resources.
func marksOf(entries []routing.Entry) (marks xep.Mark) {
	for i := range entries {
		marks |= xep.Mark(entries[i].Flags)
	}
	return marks
}

// isHeld tells whether v may have to go behind older messages: one of those
// that are stored, for a resource that says so.
func isHeld(v *stanza.View, targets []routing.Entry) bool {
	return marksOf(targets)&xep.MarkHeld != 0 && isLasting(v)
}

// isLasting tells whether v is of a kind that is stored for who is not there.
func isLasting(v *stanza.View) bool {
	return v.Kind == stanza.KindMessage &&
		v.Type != stanza.TypeError && v.Type != stanza.TypeGroupchat && v.Type != stanza.TypeHeadline
}

// answer is for what the server itself is asked, on its own behalf or on that
// of an account. Presence and IQs find their handler at a home; messages and
// answers to the server are taken and dropped (RFC 6120 §10.5.1).
func (l *loop) answer(src *source, v *stanza.View, to jid.View, fw *stanza.Forward, verdict routing.Verdict) {
	w, bare := workAccount, to.Bare().JID
	switch {
	case v.Kind == stanza.KindPresence && verdict == routing.Account:
		w = workPresence
	case v.Kind != stanza.KindIQ || (v.Type != stanza.TypeGet && v.Type != stanza.TypeSet):
		return
	case verdict == routing.Server:
		w = workServer
		if src.origin != 0 {
			from, err := jid.Parse(fw.From)
			if err != nil {
				return
			}
			bare = from.Bare()
		}
	}
	l.handIn(src, w, bare, v, fw, "")
}

// send renders v once and hands it to its targets. That at index wait gets the
// receipt of src, see heldFor; -1: none does. They are of the account of to.
func (l *loop) send(src *source, v *stanza.View, to jid.View, targets []routing.Entry, fw *stanza.Forward, wait int) {
	var rc receipt
	if wait >= 0 {
		rc = src.receipt
		rc.wanted, rc.key = true, l.keyFor(v, fw, to.Bare())
		src.receipt = receipt{}
	}
	if len(targets) == 1 {
		if e := l.sendOne(targets[0].Mailbox, v, fw); wait >= 0 {
			e.origin, e.seq, e.wanted, e.key = rc.origin, rc.seq, rc.wanted, rc.key
		}
		return
	}
	s := l.engine.pool.share()
	s.data = stanza.AppendForward(s.data, v, fw)
	for i := range targets {
		s.sessions = append(s.sessions, targets[i].Mailbox)
	}
	for i := range targets {
		if i != wait {
			l.postShared(targets[i].Mailbox, s, "", receipt{})
			continue
		}
		l.postShared(targets[i].Mailbox, s, "", rc)
	}
	l.engine.pool.release(s)
}

// postShared hands a shared stanza to one more recipient; addressee is what
// its copy gets as to, if the stanza leaves room for that.
func (l *loop) postShared(mb routing.Mailbox, s *shared, addressee string, rc receipt) {
	s.refs.Add(1)
	b := l.batchFor(mailboxLoop(mb))
	b.entries = append(b.entries, entry{to: mb, kind: entryShared, shared: s, addressee: addressee,
		origin: rc.origin, seq: rc.seq, wanted: rc.wanted, key: rc.key})
}

// postStanza hands a copy of a rendered stanza to a session.
func (l *loop) postStanza(mb routing.Mailbox, st []byte) {
	b := l.batchFor(mailboxLoop(mb))
	off := len(b.data)
	b.data = append(b.data, st...)
	b.addStanza(mb, off)
}

// postControl hands something to do to the loop of mb.
func (l *loop) postControl(mb routing.Mailbox, ctl control) {
	b := l.batchFor(mailboxLoop(mb))
	b.entries = append(b.entries, entry{to: mb, kind: entryControl, ctl: ctl})
}

// sessionOf finds the session of a full address.
func (l *loop) sessionOf(full jid.View) (routing.Entry, bool) {
	d := l.engine.table.Domain(full.Domain())
	if d == nil {
		return routing.Entry{}, false
	}
	return d.LookupFull(full.Local(), full.Resource())
}
