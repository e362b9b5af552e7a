package roster

import (
	"bytes"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// probeContacts asks for the presence of those whom the account is subscribed
// to, on behalf of s (RFC 6121 §4.3.1). Contacts on this server answer out of
// what their homes know; one that has no available resource is not asked.
func (c *account) probeContacts(s *live) {
	me, full := c.home.JID(), c.full(s)
	x := c.extension
	var list []xep.Resource
	for _, who := range c.permitted(c.book.with(To, nil)) {
		if !c.serves(who) {
			c.home.Route(appendPresence(nil, me, who, stanza.TypeProbe))
			continue
		}
		if list = c.home.Resources(who, list[:0]); anyAvailable(list) {
			c.home.Visit(who, func(a *xep.Home) { x.of(a).answer(me, full) })
		}
	}
}

func anyAvailable(list []xep.Resource) bool {
	for i := range list {
		if list[i].Available {
			return true
		}
	}
	return false
}

// answer gives full, a new resource of who, the presence of the account. who
// believes to be subscribed: when it is not, it is told (§4.3.2 rule 1).
func (c *account) answer(who, full jid.JID) {
	switch {
	case !c.book.loaded() || c.blocked(full):
		return // unloaded: the resources that were seen in the table have gone
	case c.book.state(who)&From == 0:
		c.home.Route(appendPresence(nil, c.home.JID(), who, stanza.TypeUnsubscribed))
		return
	}
	for s := range c.sessions() {
		if s.available {
			c.home.Deliver(full, c.render(s, full), nil)
		}
	}
}

// answerProbe answers a probe that came as a stanza, §4.3.2: one for the account
// with the presence of all its resources, one for a resource with no more than
// that this is there. Who is not subscribed, but was sent directed presence,
// learns the same of the resource that sent it (§4.6.6).
func (c *account) answerProbe(req *xep.Request) {
	from, resource, own := req.From, req.To.Resource(), req.Own
	id, _ := req.View.Frame.ID()
	id = bytes.Clone(id)
	c.withBook(claimOf(req), func() {
		defer req.Done()
		subscribed, present := own || c.book.state(from.Bare())&From != 0, false
		for s := range c.sessions() {
			switch {
			case resource != "" && resource != c.full(s).Resource():
			case subscribed && s.available && resource == "":
				present = true
				c.home.Route(c.render(s, from))
			case subscribed && s.available, s.knownTo(from):
				present = true
				c.home.Route(appendPresence(nil, c.full(s), from, stanza.TypeNone))
			}
		}
		switch {
		case present:
		case subscribed:
			c.home.Route(mirrored(req.To, from, stanza.TypeUnavailable, id))
		default:
			c.home.Route(mirrored(c.home.JID(), from.Bare(), stanza.TypeUnsubscribed, id))
		}
	}, req.Error)
}

// mirrored is an answer with the probe's id (§4.3.2.1), which is as written.
func mirrored(from, to jid.JID, t stanza.Type, id []byte) []byte {
	st := appendPresence(nil, from, to, t)
	if len(id) == 0 {
		return st
	}
	st = stanza.AppendRawAttr(st[:len(st)-len("/>")], "id", id)
	return append(st, "/>"...)
}

// deliverRequests gives a new resource the subscription requests that nobody
// has answered yet, as each gets them until somebody does (§3.1.3).
func (c *account) deliverRequests(s *live) {
	if c.book.known().asking == 0 {
		return
	}
	var page func(from []byte)
	page = func(from []byte) {
		op := &storage.Op{Kind: storage.Scan, Collection: collectionRequests, From: from}
		c.home.Ask(op, func(res *storage.Result) {
			// After an error they come with the next resource: they are kept.
			for i := range res.Items {
				if c.stillAsked(res.Items[i].Key) {
					c.home.Deliver(c.full(s), res.Items[i].Value, nil)
				}
			}
			if res.Err == nil && res.More {
				page(storage.After(res.Items[len(res.Items)-1].Key))
			}
		})
	}
	page(nil)
}

// stillAsked tells whether a request was not answered while it was read, and
// whether the account wants to hear of it.
func (c *account) stillAsked(key []byte) bool {
	j, err := jid.ParseBytes(key)
	return err == nil && c.book.state(j)&PendingIn != 0 && !c.blocked(j)
}

// maySee tells others who gets the account's presence, or knows that of a
// resource by directed presence.
func (x *extension) maySee(a *xep.Home, resource string, who jid.JID, done func(bool)) {
	c := x.of(a)
	c.withBook(ofForeign, func() {
		done(c.book.state(who.Bare())&From != 0 || resource != "" && c.any(
			func(s *live) bool { return c.full(s).Resource() == resource && s.knownTo(who) }))
	}, func(stanza.Error) { done(false) })
}

// watchers lists the contacts who may see the presence of a.
func (x *extension) watchers(a *xep.Home, done func([]jid.JID)) {
	c := x.of(a)
	c.withBook(ofForeign, func() { done(c.book.with(From, nil)) }, func(stanza.Error) { done(nil) })
}
