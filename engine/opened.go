package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/xep"
)

// opened tells an account's home of a new session, which waits for it.
type opened struct {
	session xep.SessionRef
	earlier uint64 // SessionRef.ID of the session that had the resource before; 0: none
}

// apply opens the session. It comes by way of the loop of the earlier session, and
// the session may have ended by then: closed, which comes straight from its own
// loop, was here first, and neither is told to extensions.
func (o *opened) apply(l *loop, _ *conn) {
	a := l.ownedHome(o.session.JID.Bare())
	a.Prepared(func(error) { l.openSession(a, o) })
}

func (l *loop) openSession(a *xep.Home, o *opened) {
	if before := l.unopened[o.earlier]; before != nil && before.closed {
		before.successor = o // what the session before the earlier one has left is on its way
		return
	}
	id := o.session.ID
	un := l.unopened[id]
	if un != nil && un.closed {
		delete(l.unopened, id)
		l.handleAll(un.requests, a)
		if un.successor != nil {
			l.openSession(a, un.successor)
		}
		return
	}
	l.known(a, o.session)
	l.engine.registry.SessionOpened(a, o.session, func() { l.goOn(waiter{mailbox: routing.Mailbox(id)}) })
}

// closed tells an account's home that a session has ended.
type closed struct{ session xep.SessionRef }

func (o *closed) apply(l *loop, _ *conn) {
	a := l.home(o.session.JID.Bare())
	a.Prepared(func(error) { l.sessionClosed(a, o.session) })
}

func (l *loop) sessionClosed(a *xep.Home, s xep.SessionRef) {
	if !a.Leave(s) {
		l.unopenedOf(s.ID).closed = true // see opened
		return
	}
	l.engine.registry.SessionClosed(a, s)
}

// unopened is what comes to a home for a session before opened does.
type unopened struct {
	requests  []*request // messages for it
	closed    bool       // it has ended
	successor *opened    // the session that has its resource since
}

// unopenedOf is the record of a session that the home does not know.
func (l *loop) unopenedOf(id uint64) *unopened {
	un := l.unopened[id]
	if un == nil {
		un = &unopened{}
		l.unopened[id] = un
	}
	return un
}

// awaitOpened lets a message wait that is for a session of which this home does
// not know yet: what the session before it has left comes first.
func (l *loop) awaitOpened(r *request, a *xep.Home, targets []routing.Entry) bool {
	for i := range targets {
		id := uint64(targets[i].Mailbox)
		if xep.Mark(targets[i].Flags)&xep.MarkHeld != 0 && !a.Knows(id) {
			un := l.unopenedOf(id)
			un.requests = append(un.requests, r)
			return true
		}
	}
	return false
}

// known notes that a session was opened, and goes on with what waited for that.
func (l *loop) known(a *xep.Home, s xep.SessionRef) {
	a.Enter(s)
	if un := l.unopened[s.ID]; un != nil {
		delete(l.unopened, s.ID)
		l.handleAll(un.requests, a)
	}
}

func (l *loop) handleAll(waiting []*request, a *xep.Home) {
	for _, r := range waiting {
		l.handle(r, a, nil)
	}
}
