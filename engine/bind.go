package engine

import (
	"fmt"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// bind enters a session into the routing table and tells it its address.
func (l *loop) bind(c *conn, op session.Op) {
	full, old, err := l.enterTable(c, op)
	if err == nil {
		l.tellSeveral(full)
		l.endEarlier(full, op.Client)
		l.switchOn(full, op.Inline)
	}
	mechanism := c.session.Mechanism()
	c.complete(&session.Result{JID: full, Err: err})
	if err != nil || !c.session.Bound() {
		return
	}
	var open *opened
	if l.engine.hasExtensions {
		c.session.Wait()
		open = &opened{session: xep.SessionRef{JID: full, ID: uint64(c.mailbox())}, earlier: uint64(old)}
	}
	l.openBehind(old, open)
	if l.engine.tellsAll() {
		l.engine.log.Debug("session opened", "jid", full.String(), "remote", addrString(c.transport.remote()), "mechanism", mechanism)
	}
	if hook := l.engine.cfg.Hooks.SessionOpened; hook != nil {
		info := c.info()
		info.Mechanism = mechanism
		hook(info)
	}
}

// openBehind tells the account's home of a new session, behind what the session
// that had the resource before leaves there. That one is closed with conflict
// (RFC 6120 §7.7.2.2). old may be 0, and open nil.
func (l *loop) openBehind(old routing.Mailbox, open *opened) {
	switch {
	case old != 0:
		l.postControl(old, &ending{
			err:  stanza.StreamError{Condition: stanza.StreamConflict, Text: "replaced by a new session"},
			open: open,
		})
	case open != nil:
		l.postHome(open.session.JID.Bare().String(), open)
	}
}

// enterTable checks what may be bound and binds it. old is the session that had
// the resource before, 0 if none.
func (l *loop) enterTable(c *conn, op session.Op) (full jid.JID, old routing.Mailbox, err error) {
	e := l.engine
	full, err = jid.New(op.Local, op.Domain, op.Resource)
	if err != nil {
		return jid.JID{}, 0, stanza.Error{Condition: stanza.BadRequest}
	}
	d := e.table.Domain(op.Domain)
	if d == nil {
		return jid.JID{}, 0, stanza.Error{Condition: stanza.ItemNotFound, Text: "the domain is served no more"}
	}
	if p := e.cfg.Policy; p != nil {
		info := c.info()
		info.JID, info.Mechanism = full, c.session.Mechanism()
		if err := p.AllowBind(info); err != nil {
			return jid.JID{}, 0, err
		}
	}
	if e.revocations.since(full.Bare().String(), op.Since) {
		return jid.JID{}, 0, l.voidLogin(c)
	}
	if _, taken := d.LookupFull(op.Local, op.Resource); !taken && !l.makeRoom(d.Lookup(op.Local, nil)) {
		return jid.JID{}, 0, stanza.Error{Condition: stanza.ResourceConstraint,
			Text: fmt.Sprintf("the account has %d resources already", e.limits.SessionsPerUser)}
	}
	old, flags := d.BindWith(op.Local, op.Resource, c.mailbox(), routing.Flags(xep.MarkAccount), l.heldIfTaken())
	if d.Removed() {
		d.Unbind(op.Local, op.Resource, c.mailbox())
		return jid.JID{}, 0, stanza.Error{Condition: stanza.ItemNotFound, Text: "the domain is served no more"}
	}
	if e.revocations.since(full.Bare().String(), op.Since) { // since the check above; revoke looks at the table later
		l.unbind(full, c.mailbox())
		if old != 0 {
			l.postControl(old, &ending{err: errPasswordChanged})
		}
		return jid.JID{}, 0, l.voidLogin(c)
	}
	c.entered = true
	c.marks = xep.Mark(flags)
	l.stats.sessions.Add(1)
	return full, old, nil
}

// voidLogin ends a stream whose login rests on a password or a token that has
// changed since, and is why it may bind nothing.
func (l *loop) voidLogin(c *conn) error {
	l.postControl(c.mailbox(), &ending{err: errPasswordChanged})
	return stanza.Error{Condition: stanza.NotAuthorized}
}

// endEarlier ends what else the same client has bound: it cannot be there twice
// (XEP-0386 §4.2). ident is what its resources end in; "": it is not known.
func (l *loop) endEarlier(full jid.JID, ident string) {
	d := l.engine.table.Domain(full.Domain())
	if d == nil || ident == "" {
		return
	}
	for _, e := range d.Lookup(full.Local(), nil) {
		if e.Resource != full.Resource() && ofClient(e.Resource, ident) {
			l.postControl(e.Mailbox, &ending{
				err: stanza.StreamError{Condition: stanza.StreamConflict, Text: "the client has a new session"},
			})
		}
	}
}

// ofClient tells whether a resource was made for the client with this ident.
func ofClient(resource, ident string) bool {
	return resource == ident || strings.HasSuffix(resource, "/"+ident)
}

// switchOn sets the marks of what the client asked for as it was bound: before
// anybody hears that it is there.
func (l *loop) switchOn(full jid.JID, inline uint32) {
	for i, f := range l.engine.registry.Inlines() {
		if inline&(1<<i) != 0 {
			l.Mark(full, f.Own|f.Account, 0)
			l.Mark(full.Bare(), f.Account, 0)
		}
	}
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

// heldIfTaken is the mark of a session that takes over a resource: until its home
// knows of it, what comes for it goes there, behind what the earlier session leaves.
func (l *loop) heldIfTaken() routing.Flags {
	if l.engine.registry.HandlesOffline() {
		return routing.Flags(xep.MarkHeld)
	}
	return 0
}

// tellSeveral has the other sessions of an account look whether it has several.
func (l *loop) tellSeveral(j jid.JID) {
	d := l.engine.table.Domain(j.Domain())
	if d == nil {
		return
	}
	var buf [4]routing.Entry
	entries := d.Lookup(j.Local(), buf[:0])
	for i := range entries {
		if entries[i].Resource != j.Resource() {
			l.postControl(entries[i].Mailbox, recount{})
		}
	}
}

// recount has a session see in the routing table whether its account has several.
// Whoever changes that sends it afterwards, so the last to arrive finds what is true.
type recount struct{}

func (recount) apply(l *loop, c *conn) {
	if c == nil || !c.entered {
		return
	}
	if e, ok := l.sessionOf(c.session.JID().View()); ok && e.Mailbox == c.mailbox() {
		c.marks = c.marks&^xep.MarkSeveral | xep.Mark(e.Flags)&xep.MarkSeveral
	}
}

// unbind takes a session out of the routing table.
func (l *loop) unbind(j jid.JID, mb routing.Mailbox) {
	if d := l.engine.table.Domain(j.Domain()); d != nil && d.Unbind(j.Local(), j.Resource(), mb) {
		l.tellSeveral(j)
	}
}

// leave takes an ended session out of the table and tells the account's home, unless
// both were handed to that with what the session leaves.
func (l *loop) leave(c *conn, handed bool, reason error) {
	j := c.session.JID()
	if !handed {
		l.unbind(j, c.mailbox())
	}
	if l.engine.hasExtensions && !handed {
		l.postHome(j.Bare().String(), &closed{xep.SessionRef{JID: j, ID: uint64(c.mailbox())}})
	}
	l.stats.sessions.Add(-1)
	if l.engine.tellsAll() {
		l.engine.log.Debug("session closed", "jid", j.String(), "reason", reason)
	}
	if hook := l.engine.cfg.Hooks.SessionClosed; hook != nil {
		hook(c.info(), reason)
	}
}

// ending closes a session with a stream error.
type ending struct {
	err  stanza.StreamError
	open *opened // told to the home afterwards; may be nil
}

func (n *ending) apply(l *loop, c *conn) {
	if c != nil {
		c.fail(n.err)
	}
	if n.open != nil {
		l.postHome(n.open.session.JID.Bare().String(), n.open)
	}
}
