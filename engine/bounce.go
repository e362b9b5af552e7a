package engine

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// bounceTo answers v with an error, if it may be answered, in the name of
// whom it was for.
func (l *loop) bounceTo(src *source, v *stanza.View, to jid.View, from string, e stanza.Error) {
	if src.conn != nil {
		l.bounce(src.conn, v, to, e)
		return
	}
	if !v.Answerable() {
		return
	}
	mb := src.origin
	if mb == 0 {
		sender, err := jid.Parse(from)
		if err != nil {
			return
		}
		entry, ok := l.sessionOf(sender.View())
		if !ok {
			l.bounceAway(src, v, to, sender, e)
			return
		}
		mb = entry.Mailbox
	}
	l.stats.bounced.Add(1)
	b := l.batchFor(mailboxLoop(mb))
	off := len(b.data)
	b.data = stanza.AppendError(b.data, v, to.String(), from, e)
	b.addStanza(mb, off)
}

// bounceAway answers the stanza of a component or of a user of another server, for
// which a message counts as handled when it has the error. A sender of this one
// that has gone cannot be told; what was stamped with an account's address, as a
// subscription is, is told to its home.
func (l *loop) bounceAway(src *source, v *stanza.View, to jid.View, sender jid.JID, e stanza.Error) {
	if d := l.engine.components.find(sender.Domain()); d != nil {
		l.stats.bounced.Add(1)
		l.postComponent(d, stanza.AppendError(nil, v, to.String(), sender.String(), e))
		return
	}
	if l.Serves(sender.Domain()) {
		if v.Kind == stanza.KindPresence && sender == sender.Bare() && l.engine.registry.HandlesPresence() {
			l.stats.bounced.Add(1)
			b := stanza.AppendError(nil, v, to.String(), sender.String(), e)
			l.postHome(sender.String(), &request{work: workPresence, bare: sender.Clone(), raw: b})
		}
		return
	}
	if !l.engine.federates() {
		return
	}
	if d := l.engine.remoteOf(sender.Domain()); d != nil {
		l.stats.bounced.Add(1)
		if l.engine.cfg.DurableAck && isLasting(v) {
			src.holdForError()
		}
		l.postRemote(d, strings.Clone(to.Domain()), stanza.AppendError(nil, v, to.String(), sender.String(), e), src.receipt, false)
		src.receipt = receipt{}
	}
}

// bounce answers a stanza of c itself, in order with all else that c is told.
func (l *loop) bounce(c *conn, v *stanza.View, to jid.View, e stanza.Error) {
	if !v.Answerable() {
		return
	}
	l.stats.bounced.Add(1)
	out := l.begin()
	out.Bytes = stanza.AppendError(out.Bytes, v, to.String(), c.session.JID().String(), e)
	b := out.Bytes
	l.took(out)
	c.deliver(b, session.Alone, receipt{}, nil)
}
