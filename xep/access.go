package xep

import (
	"fmt"

	"github.com/xylem-im/xylem/jid"
)

// PresenceAccess decides whether who may see the presence of an account: by a
// subscription of type from or both; or that of one resource, which may have sent
// who directed presence. Without a resource ("") the account is meant. done is called
// once, now or later, at the account's home. who is owned by the callee.
type PresenceAccess func(a *Home, resource string, who jid.JID, done func(ok bool))

// Access sets the one function that knows who may see whose presence. The
// extension that keeps rosters sets it; others ask by MaySee.
func (r *Registry) Access(f PresenceAccess) error {
	if r.access != nil {
		return fmt.Errorf("%w: presence access", ErrTaken)
	}
	r.access = f
	return nil
}

// MaySee tells by done whether who may know about the presence of a: the
// account itself may, and whoever the extension for rosters says. Without one
// nobody else may.
func (r *Registry) MaySee(a *Home, who jid.JID, done func(ok bool)) {
	r.MaySeeResource(a, "", who, done)
}

// MaySeeResource is MaySee for one resource of a, which may have sent who
// directed presence (RFC 6121 §4.6).
func (r *Registry) MaySeeResource(a *Home, resource string, who jid.JID, done func(ok bool)) {
	switch {
	case who.Bare() == a.JID():
		done(true)
	case r.access == nil:
		done(false)
	default:
		r.access(a, resource, who, done)
	}
}

// WatchersAre sets the one function that lists who may see the presence of an
// account: its contacts with a subscription of type from or both. done is called
// once, now or later, at the account's home. The extension that keeps rosters
// sets it; others ask by Watchers.
func (r *Registry) WatchersAre(f func(a *Home, done func(list []jid.JID))) error {
	if r.watchers != nil {
		return fmt.Errorf("%w: watchers", ErrTaken)
	}
	r.watchers = f
	return nil
}

// Watchers lists by done the contacts who may see the presence of a. Without
// an extension for rosters there are none.
func (r *Registry) Watchers(a *Home, done func(list []jid.JID)) {
	if r.watchers == nil {
		done(nil)
		return
	}
	r.watchers(a, done)
}
