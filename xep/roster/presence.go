package roster

import (
	"bytes"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// presence takes every presence that the account's sessions send, and what is
// addressed to the account itself.
func (x *extension) presence(a *xep.Home, req *xep.Request) {
	c, t := x.of(a), req.View.Type
	switch {
	case !req.Own && isSubscription(t):
		c.inbound(req)
	case !req.Own && t == stanza.TypeError:
		c.refused(req)
	case t == stanza.TypeProbe && req.To.Bare() == a.JID():
		c.answerProbe(req)
	case !req.Own || req.Session.ID == 0:
		req.Done() // errors are for sessions; what was routed to oneself is done
	case isSubscription(t):
		c.outbound(req)
	case t == stanza.TypeProbe:
		c.probeOf(req)
	case !req.To.IsZero():
		c.direct(req)
	case t == stanza.TypeNone:
		c.announce(req)
	default:
		c.retire(req)
	}
}

// probeOf passes on the probe of a client, which should leave that to its
// server (RFC 6121 §4.3).
func (c *account) probeOf(req *xep.Request) {
	if req.To.IsZero() {
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "a probe has an addressee"})
		return
	}
	c.home.Route(req.View.Frame.Raw())
	req.Done()
}

// announce is available presence to all: initial presence (RFC 6121 §4.2) or
// an update (§4.4).
func (c *account) announce(req *xep.Request) {
	priority, ok := req.View.Priority()
	if !ok {
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "priority is a number from -128 to 127"})
		return
	}
	raw := req.View.Frame.Raw()
	if len(raw) > c.limits.PresenceBytes {
		req.Error(errLongPresence)
		return
	}
	p := newPresence(raw, req.View.Frame.Content(), c.stamp(req.View), req.Session.JID)
	c.withBook(claimOf(req), func() {
		if s := c.session(req.Session.ID); s != nil {
			c.appear(s, priority, p)
		}
		req.Done()
	}, req.Error)
}

var errLongPresence = stanza.Error{Condition: stanza.PolicyViolation, Text: "the presence is too long"} // never written

// stamp is what other extensions add to available presence.
func (c *account) stamp(v *stanza.View) []byte { return c.home.Registry().Stamp(c.home, v, nil) }

// withBook calls f once the roster is in memory, which it is for an account
// with available resources.
func (c *account) withBook(w claim, f func(), fail func(stanza.Error)) {
	if c.book.loaded() {
		f()
		return
	}
	c.enterLoaded(w, func() {
		f()
		c.leave()
	}, fail)
}

// appear makes a session available, or changes what it says. The table of
// sessions comes first: whoever becomes available at the same time either is
// found there by the broadcast, or finds the presence kept here.
func (c *account) appear(s *live, priority int8, p presence) {
	ref := c.ref(s)
	if !c.home.SetPresence(ref, true, priority) {
		return // another session has the resource
	}
	before := s.resource(ref)
	s.available, s.priority = true, priority
	s.say(p)
	st := c.render(s, noAddress)
	c.broadcast(st, behindFrom(st))
	if !before.Available {
		c.greet(s)
	}
	if now := s.resource(ref); now != before {
		c.home.Registry().SessionAvailable(c.home, ref, before, now)
	}
}

// greet gives a resource that has just become available what it could not
// know: its siblings' presence, its contacts' (§4.2.2, §4.3), and the requests
// that wait (§3.1.3).
func (c *account) greet(s *live) {
	for o := range c.sessions() {
		if o != s && o.available {
			c.home.Deliver(c.full(s), c.render(o, c.full(s)), nil)
		}
	}
	c.probeContacts(s)
	c.deliverRequests(s)
}

// retire is unavailable presence to all, §4.5.
func (c *account) retire(req *xep.Request) {
	if len(req.View.Frame.Raw()) > c.limits.PresenceBytes {
		req.Error(errLongPresence)
		return
	}
	raw := bytes.Clone(req.View.Frame.Raw())
	c.withBook(claimOf(req), func() {
		if s := c.session(req.Session.ID); s != nil {
			ref := c.ref(s)
			c.home.SetPresence(ref, false, 0)
			c.vanish(ref, s, raw)
			// §4.5.2: the resource itself gets it too, but is not in the table any more.
			c.home.Deliver(ref.JID, addressed(raw, behindFrom(raw), ref.JID), nil)
		}
		req.Done()
	}, req.Error)
}

// vanish tells all who know that s, whose name is ref, is available that it is
// not: raw says so.
func (c *account) vanish(ref xep.SessionRef, s *live, raw []byte) {
	toAt := behindFrom(raw)
	before, directed := s.resource(ref), s.told()
	*s = live{id: s.id}
	if before.Available {
		c.broadcast(raw, toAt)
	}
	for _, to := range directed {
		if !before.Available || !c.sees(to) {
			c.sendTo(raw, toAt, to)
		}
	}
	if before.Available {
		c.home.Registry().SessionAvailable(c.home, ref, before, s.resource(ref))
	}
}

// sees tells whether who gets the broadcasts of the account.
func (c *account) sees(who jid.JID) bool {
	bare := who.Bare()
	return bare == c.home.JID() || c.book.state(bare)&From != 0
}

// closed is the end of a session, whatever it was (§4.5.3).
func (x *extension) closed(a *xep.Home, ref xep.SessionRef) {
	c := x.of(a)
	gone := c.drop(ref.ID)
	if gone.id == 0 {
		return
	}
	s := &gone
	if c.succeeded(ref) {
		// Its contacts have had the presence of the session that took its place.
		s.available = false
		if len(s.told()) == 0 {
			return
		}
	}
	c.vanish(ref, s, appendPresence(nil, ref.JID, noAddress, stanza.TypeUnavailable))
}

// succeeded tells whether another session has the resource and has become
// available already.
func (c *account) succeeded(ref xep.SessionRef) bool {
	for o := range c.sessions() {
		if c.full(o) == ref.JID && o.available {
			return true
		}
	}
	return false
}

// direct is presence to one, §4.6.
func (c *account) direct(req *xep.Request) {
	raw, available := bytes.Clone(req.View.Frame.Raw()), req.View.Type == stanza.TypeNone
	if available {
		raw = extended(raw, req.View.Frame.Content(), c.stamp(req.View))
	}
	to := req.To
	c.withBook(claimOf(req), func() {
		s := c.session(req.Session.ID)
		switch {
		case s == nil:
		case !available:
			s.forget(to)
			c.home.Route(raw)
		case s.available && c.sees(to): // it will hear the end by the broadcast, §4.6.3
			c.home.Route(raw)
		case s.remember(to, c.limits.Directed):
			c.home.Route(raw)
		default:
			req.Error(stanza.Error{Condition: stanza.ResourceConstraint, Text: "directed presence to too many"})
			return
		}
		req.Done()
	}, req.Error)
}

// extended is raw with extra behind its content.
func extended(raw, content, extra []byte) []byte {
	if len(extra) == 0 {
		return raw
	}
	p := newPresence(raw, content, extra, noAddress) // whole, without regard to from
	return p.appendTo(nil, noAddress, noAddress)
}
