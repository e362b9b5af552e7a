package engine

import (
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// bind enters a session into the routing table and tells it its address.
func (l *loop) bind(c *conn, op session.Op) {
	full, err := l.enterTable(c, op)
	mechanism := c.session.Mechanism()
	c.complete(&session.Result{JID: full, Err: err})
	if err != nil || !c.session.Bound() {
		return
	}
	if l.engine.hasExtensions {
		c.session.Wait()
		l.postHome(full.Bare().String(), &opened{xep.SessionRef{JID: full, ID: uint64(c.mailbox())}})
	}
	l.engine.log.Debug("session opened", "jid", full.String(), "remote", addrString(c.transport.remote()), "mechanism", mechanism)
	if hook := l.engine.cfg.Hooks.SessionOpened; hook != nil {
		info := c.info()
		info.Mechanism = mechanism
		hook(info)
	}
}

// enterTable checks what may be bound and binds it; the session that had the
// resource before is closed with conflict (RFC 6120 §7.7.2.2).
func (l *loop) enterTable(c *conn, op session.Op) (jid.JID, error) {
	e := l.engine
	full, err := jid.New(op.Local, op.Domain, op.Resource)
	if err != nil {
		return jid.JID{}, stanza.Error{Condition: stanza.BadRequest}
	}
	d := e.table.Domain(op.Domain)
	if d == nil {
		return jid.JID{}, stanza.Error{Condition: stanza.ItemNotFound, Text: "the domain is served no more"}
	}
	if p := e.cfg.Policy; p != nil {
		info := c.info()
		info.JID = full
		if err := p.AllowBind(info); err != nil {
			return jid.JID{}, err
		}
	}
	if _, taken := d.LookupFull(op.Local, op.Resource); !taken && !l.makeRoom(d.Lookup(op.Local)) {
		return jid.JID{}, stanza.Error{Condition: stanza.ResourceConstraint,
			Text: fmt.Sprintf("the account has %d resources already", e.limits.SessionsPerUser)}
	}
	if old := d.Bind(op.Local, op.Resource, c.mailbox()); old != 0 {
		l.postControl(old, &ending{stanza.StreamError{Condition: stanza.StreamConflict, Text: "replaced by a new session"}})
	}
	if d.Removed() {
		d.Unbind(op.Local, op.Resource, c.mailbox())
		return jid.JID{}, stanza.Error{Condition: stanza.ItemNotFound, Text: "the domain is served no more"}
	}
	c.entered = true
	c.marks = l.inherit(d, op.Local, op.Resource, c.mailbox())
	l.stats.sessions.Add(1)
	return full, nil
}

// makeRoom tells whether an account may have one more session: a detached one
// gives way.
func (l *loop) makeRoom(entries []routing.Entry) bool {
	if len(entries) < l.engine.limits.SessionsPerUser {
		return true
	}
	detached := detachedOf(entries)
	if len(detached) == 0 {
		return false
	}
	l.postControl(detached[0].Mailbox, giveUp{ErrTooManyDetached})
	return true
}

// inherit gives a new session the marks that hold for its whole account.
func (l *loop) inherit(d *routing.Domain, local, resource string, mb routing.Mailbox) xep.Mark {
	var marks xep.Mark
	for _, e := range d.Lookup(local) {
		marks |= xep.Mark(e.Flags) & xep.MarkAccount
	}
	if marks != 0 {
		d.SetFlags(local, resource, mb, routing.Flags(marks), 0)
	}
	return marks
}

// leave takes an ended session out of the table, unless that was handed to the
// account's home.
func (l *loop) leave(c *conn, handed bool, reason error) {
	j := c.session.JID()
	if d := l.engine.table.Domain(j.Domain()); d != nil && !handed {
		d.Unbind(j.Local(), j.Resource(), c.mailbox())
	}
	if l.engine.hasExtensions {
		l.postHome(j.Bare().String(), &closed{xep.SessionRef{JID: j, ID: uint64(c.mailbox())}})
	}
	l.stats.sessions.Add(-1)
	l.engine.log.Debug("session closed", "jid", j.String(), "reason", reason)
	if hook := l.engine.cfg.Hooks.SessionClosed; hook != nil {
		hook(c.info(), reason)
	}
}

// ending closes a session with a stream error.
type ending struct{ err stanza.StreamError }

func (n *ending) apply(_ *loop, c *conn) {
	if c != nil {
		c.fail(n.err)
	}
}
