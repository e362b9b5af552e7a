package engine

import (
	"bytes"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// returned are the stanzas that a session which has ended did not acknowledge,
// on their way to the home of its account: there, in their order and before
// all that is sent to the account afterwards, they are dealt with as if they
// had been sent to a resource that is not there (XEP-0198 §4). What is still on
// its way to the session goes behind them, since only the home takes it out of
// the routing table.
type returned struct {
	session xep.SessionRef  // zero: stanzas that found no session any more
	from    routing.Mailbox // that session, or the one that they did not find
	bare    jid.JID         // the account
	stanzas []returnedStanza
	left    int // not dealt with yet
	bytes   int // of the stanzas

	bequests []*bequests // made of them
}

type returnedStanza struct {
	raw     []byte
	at      int64             // when it was given to the session; 0: just now
	copied  bool              // other sessions of the account got it
	to      []routing.Mailbox // those of a message
	holder  xep.SessionRef    // who has it for the store, if it is there; zero: nobody
	number  uint64            // by which that session knew it, see session.Sent
	awaited bool              // it was this session's acknowledgement that is waited for
	receipt
	kept bool // handed to the store, with the receipt
}

// giveBack hands over what a session leaves unacknowledged; false when there is
// nothing. Otherwise the session leaves the routing table at the home.
func (c *conn) giveBack() bool {
	l := c.loop
	if id := c.session.ResumeID(); id != "" {
		l.ended.add(id, c.session.JID().Bare(), c.session.Received())
	}
	r := &returned{session: c.sessionRef(), from: c.mailbox(), bare: c.session.JID().Bare()}
	number := c.session.Acked()
	for u := range c.session.Unacked {
		number++
		// What is kept comes again by itself, and nobody asks for old presence.
		if u.Delivery&session.Kept == 0 && !bytes.HasPrefix(u.Stanza, []byte("<presence")) {
			a := c.awaited(number)
			s := returnedStanza{raw: slices.Clone(u.Stanza), at: u.At, copied: u.Delivery&session.Copied != 0,
				holder: r.session, number: number, awaited: a.number != 0, receipt: a.receipt, kept: a.kept}
			if s.copied {
				s.to = slices.Clone(c.companies().of(number))
			}
			r.stanzas = append(r.stanzas, s)
		}
	}
	if len(r.stanzas) == 0 {
		return false
	}
	l.stats.returned.Add(uint64(len(r.stanzas)))
	r.gone(l)
	return true
}

// routeAgain sends a rendered stanza whose session, mb, has gone to the home of the
// account that it is for, behind what the session left.
func (l *loop) routeAgain(mb routing.Mailbox, b []byte, how session.Delivery, rc receipt, got []routing.Mailbox) {
	v, err := l.reader.read(b)
	if err == nil {
		var to jid.View
		if to, err = l.viewOf(parser.Unescape(v.To())); err == nil {
			s := returnedStanza{raw: slices.Clone(b), copied: how&session.Copied != 0, to: slices.Clone(got), awaited: rc.wanted, receipt: rc}
			r := &returned{from: mb, bare: to.Bare().JID.Clone(), stanzas: []returnedStanza{s}}
			r.gone(l)
			return
		}
	}
	l.engine.log.Error("stanza lost on its way", "error", err)
}

func (r *returned) apply(l *loop, _ *conn) {
	j := r.session.JID
	if r.session.ID != 0 {
		l.unbind(j, routing.Mailbox(r.session.ID))
	}
	r.left = len(r.stanzas)
	a := l.home(r.bare)
	a.Prepared(func(error) {
		l.takeOver(r)
		for i := range r.stanzas {
			l.takeBack(r, a, &r.stanzas[i])
		}
		l.sendBequests(r)
		if l.engine.hasExtensions && r.session.ID != 0 {
			l.sessionClosed(a, r.session)
		}
	})
}

// done counts what was dealt with; the engine does not stop before.
func (r *returned) done(l *loop) {
	if r.left--; r.left == 0 {
		l.engine.left(r.bytes)
	}
}

// takeBack deals with one stanza.
func (l *loop) takeBack(r *returned, a *xep.Home, s *returnedStanza) {
	req, to, ok := l.rawRequest(s.raw, s.at, &s.receipt, func() { r.done(l) })
	switch {
	case !ok:
	case req.View.Kind == stanza.KindMessage && !isCarbon(req):
		l.rerouteMessage(r, a, s, req, to)
	case req.View.Kind == stanza.KindIQ && (req.View.Type == stanza.TypeGet || req.View.Type == stanza.TypeSet):
		req.Error(stanza.Error{Condition: stanza.ServiceUnavailable})
	default: // answers, and copies of what others got
		req.Done()
	}
}

// awaited is the receipt of a stanza that the client has not acknowledged. The zero
// value: it has none.
func (c *conn) awaited(number uint64) awaited {
	if c.receipts != nil {
		if a := c.receipts.find(number); a != nil {
			return *a
		}
	}
	return awaited{}
}

// isCarbon tells whether a message is a copy that the account sends to one of
// its resources: the others got theirs.
func isCarbon(req *xep.Request) bool {
	if req.From.Bare() != req.To.Bare() {
		return false
	}
	e := req.View.Frame.Element()
	return !e.Child(stanza.NSCarbons, "received").IsZero() || !e.Child(stanza.NSCarbons, "sent").IsZero()
}

// rerouteMessage gives a message to other resources of the account, or to whoever
// stores messages. Hooks have seen it before and are not called again.
func (l *loop) rerouteMessage(r *returned, a *xep.Home, s *returnedStanza, req *xep.Request, to jid.View) {
	v, reg := req.View, l.engine.registry
	decision, targets := l.engine.table.Route(to, v.Kind, v.Type, nil)
	if decision.Verdict == routing.Bounce && isLasting(v) {
		// A message for a resource that is not there any more is better kept
		// than refused: its sender was not told that it was.
		decision, targets = l.engine.table.Route(to.Bare(), v.Kind, v.Type, nil)
	}
	drop := false
	if s.copied && decision.Domain != nil {
		heir := remains(s.to, r.from, decision.Domain.Lookup(to.Local(), nil), a)
		if drop = heir != 0; drop && s.awaited {
			r.bequeath(s, heir, req.Done)
			return
		}
	}
	if k := reg.Keeps(); k != nil && s.holder.ID != 0 && k.Release(a, s.holder, s.number, drop) {
		if s.kept {
			s.receipt = receipt{} // settled when it is durable, which it need not be yet
		}
		req.Done() // who stores it has it
		return
	}
	switch {
	case decision.Verdict == routing.Bounce:
		req.Error(stanza.Error{Condition: decision.Condition})
	case decision.Verdict == routing.Remote:
		req.Error(stanza.Error{Condition: stanza.RemoteServerNotFound, Text: "the domain is served no more"})
	case decision.Verdict == routing.Offline:
		l.storeReturned(a, req, to)
	case decision.Verdict != routing.Delivered || drop:
		req.Done()
	case isHeld(v, targets) && reg.MustHold(a, req, appendResources(nil, targets)):
		l.storeReturned(a, req, to)
	default:
		l.sendDelayed(s, req, to, targets, r.bare.Domain())
		req.Done()
	}
}

// storeReturned gives a message to whoever stores it, by the id that it has or
// by one that it gets now.
func (l *loop) storeReturned(a *xep.Home, req *xep.Request, to jid.View) {
	var fw stanza.Forward
	l.identify(req.View, to.Bare(), &fw)
	req.StanzaID = strings.Clone(fw.ID)
	l.engine.registry.ServeOffline(a, req, stanza.ServiceUnavailable)
}

// sendDelayed says when the message came (XEP-0203), unless that is now.
func (l *loop) sendDelayed(s *returnedStanza, req *xep.Request, to jid.View, targets []routing.Entry, domain string) {
	raw := s.raw
	if s.at != 0 {
		raw = stanza.AppendDelayed(nil, s.raw, domain, s.at)
	}
	v, err := l.requests.read(raw)
	if err != nil {
		l.engine.log.Error("stanza lost on its way", "error", err)
		return
	}
	src := source{receipt: s.receipt}
	wait := l.heldFor(&v, targets)
	l.send(&src, &v, to, targets, &stanza.Forward{From: req.From.String()}, wait)
	s.receipt = src.receipt
}
