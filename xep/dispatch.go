package xep

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// The functions of this file are the engine's way in. They are called at the
// home of the account.

// ServeIQ answers a get or set for the server (Target Server) or the account.
// What nobody handles is service-unavailable (RFC 6120 §8.4).
func (r *Registry) ServeIQ(t Target, a *Home, req *Request) {
	child, ok := req.View.Payload()
	if !ok {
		req.Error(stanza.Error{Condition: stanza.BadRequest})
		return
	}
	h := r.iqs[iqKey{t, string(child.Namespace()), string(child.Local())}]
	switch {
	case h == nil || h.Own && !req.Own:
		req.Error(stanza.Error{Condition: stanza.ServiceUnavailable})
	case req.View.Type == stanza.TypeGet && !h.Get, req.View.Type == stanza.TypeSet && !h.Set:
		req.Error(stanza.Error{Condition: stanza.NotAllowed})
	default:
		h.Handle(a, req)
	}
}

// ServePresence passes a presence to its handler.
func (r *Registry) ServePresence(a *Home, req *Request) {
	if r.presence == nil {
		req.Done()
		return
	}
	r.presence(a, req)
}

// ServeOffline passes a message that nobody can take now to its handler.
func (r *Registry) ServeOffline(a *Home, req *Request, c stanza.Condition) {
	if r.offline == nil {
		req.Error(stanza.Error{Condition: c})
		return
	}
	r.offline(a, req, c)
}

// MustHold asks whether a message about to be delivered must go behind older ones.
func (r *Registry) MustHold(a *Home, req *Request, targets []Resource) bool {
	return r.hold != nil && r.hold(a, req, targets)
}

// StanzaID makes the id of a message for an account, whose bare address is
// given; "" when it gets none.
func (r *Registry) StanzaID(h Host, account jid.View, v *stanza.View) string {
	if r.ids == nil {
		return ""
	}
	return r.ids(h, account, v)
}

// Allow asks the filters; when one refuses, the request is answered.
func (r *Registry) Allow(a *Home, req *Request) bool {
	for _, f := range r.filters {
		e, ok := f(a, req)
		switch {
		case ok:
			continue
		case e.Condition == "":
			req.Done()
		default:
			req.Error(e)
		}
		return false
	}
	return true
}

// SessionOpened runs the hooks one after the other, then done. When the session
// ends before they are through, the others hear neither of it nor of its end.
func (r *Registry) SessionOpened(a *Home, s SessionRef, done func()) { r.opened(0, a, s, done) }

func (r *Registry) opened(from int, a *Home, s SessionRef, done func()) {
	for i := from; i < len(r.sessions); i++ {
		if f := r.sessions[i].Opened; f != nil {
			f(a, s, func() {
				if a.Knows(s.ID) {
					r.opened(i+1, a, s, done)
				}
			})
			return
		}
	}
	done()
}

// SessionAvailable runs the hooks. The handler of presence calls it when the
// availability or the priority of a resource has changed, after its own work.
func (r *Registry) SessionAvailable(a *Home, s SessionRef, before, now Resource) {
	for i := range r.sessions {
		if f := r.sessions[i].Available; f != nil {
			f(a, s, before, now)
		}
	}
}

// SessionClosed runs the hooks.
func (r *Registry) SessionClosed(a *Home, s SessionRef) {
	for i := range r.sessions {
		if f := r.sessions[i].Closed; f != nil {
			f(a, s)
		}
	}
}

// SaveSession is what the hooks keep of a session, by name.
func (r *Registry) SaveSession(a *Home, s SessionRef) map[string][]byte {
	saved := make(map[string][]byte)
	for i := range r.sessions {
		if h := &r.sessions[i]; h.Save != nil {
			if b := h.Save(a, s); len(b) > 0 {
				saved[h.Name] = b
			}
		}
	}
	return saved
}

// RestoreSession runs the hooks one after the other, then done.
func (r *Registry) RestoreSession(a *Home, s SessionRef, saved map[string][]byte, done func()) {
	r.restore(0, a, s, saved, done)
}

func (r *Registry) restore(from int, a *Home, s SessionRef, saved map[string][]byte, done func()) {
	for i := from; i < len(r.sessions); i++ {
		h := &r.sessions[i]
		if b := saved[h.Name]; h.Restore != nil && len(b) > 0 {
			h.Restore(a, s, b, func() { r.restore(i+1, a, s, saved, done) })
			return
		}
	}
	done()
}

// AccountDeleted runs the hooks.
func (r *Registry) AccountDeleted(a *Home) {
	for _, f := range r.deleted {
		f(a)
	}
}

// Stamp appends what extensions add to a presence that goes out.
func (r *Registry) Stamp(a *Home, v *stanza.View, dst []byte) []byte {
	for _, f := range r.stamps {
		dst = f(a, v, dst)
	}
	return dst
}

// Restamp tells that what a function of StampPresence adds to the presence of a
// has changed. At its home.
func (r *Registry) Restamp(a *Home) {
	if r.restamp != nil {
		r.restamp(a)
	}
}
