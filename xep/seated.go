package xep

import (
	"iter"
	"slices"
)

// Enter notes a session, before its hooks are called. It is for the engine.
func (a *Home) Enter(s SessionRef) {
	if a.id != 0 {
		m := a.extra()
		m.sessions = append(m.sessions, s)
		return
	}
	a.sit(s)
}

// sit makes s the first session.
func (a *Home) sit(s SessionRef) {
	room := a.address.Room
	a.address, a.id = s.JID.Pack(), s.ID
	a.address.Room = room
}

// Leave forgets a session, before its last hook is called; false when the home
// did not know it. It is for the engine.
func (a *Home) Leave(s SessionRef) bool {
	before, m := a.Sessions(), a.more
	switch {
	case a.id == s.ID && m != nil && len(m.sessions) > 0:
		a.sit(m.sessions[0])
		m.sessions = slices.Delete(m.sessions, 0, 1)
	case a.id == s.ID:
		a.id = 0 // the address stays, for the account's
	case m != nil:
		m.sessions = slices.DeleteFunc(m.sessions, func(o SessionRef) bool { return o.ID == s.ID })
	}
	a.shrink()
	return a.Sessions() < before
}

// Knows tells whether the session with that SessionRef.ID was opened and has not
// ended.
func (a *Home) Knows(id uint64) bool { return a.Session(id).ID != 0 }

// Sessions is how many there are.
func (a *Home) Sessions() int {
	switch {
	case a.id == 0:
		return 0
	case a.more == nil:
		return 1
	}
	return 1 + len(a.more.sessions)
}

// Known are the sessions of which the home knows, the oldest first.
func (a *Home) Known() iter.Seq[SessionRef] {
	return func(yield func(SessionRef) bool) {
		if a.id == 0 || !yield(SessionRef{JID: a.address.JID(), ID: a.id}) || a.more == nil {
			return
		}
		for _, s := range a.more.sessions {
			if !yield(s) {
				return
			}
		}
	}
}

// Session is one of those that the home knows; the zero SessionRef when it does not.
func (a *Home) Session(id uint64) SessionRef {
	for s := range a.Known() {
		if s.ID == id {
			return s
		}
	}
	return SessionRef{}
}
