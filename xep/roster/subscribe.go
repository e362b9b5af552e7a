package roster

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// outbound takes a subscription stanza that the account sends (RFC 6121
// §3.1.2, §3.1.5, §3.2.2, §3.3.2, §3.4.2). It goes out from the bare address and
// to the bare address.
func (c *account) outbound(req *xep.Request) {
	to, t := req.To.Bare(), req.View.Type
	switch {
	case req.To.IsZero():
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "a subscription is to somebody"})
		return
	case to == c.home.JID():
		req.Done()
		return
	}
	st := restamped(req.View, c.home.JID(), to)
	if t == stanza.TypeSubscribe && c.serves(to) {
		c.ifThere(to, func() { c.change(req, to, t, st) }, req.Error)
		return
	}
	c.change(req, to, t, st)
}

// ifThere calls f if an account of this server exists. Who asks for the presence
// of one that does not gets an error (§3.1.2).
func (c *account) ifThere(who jid.JID, f func(), fail func(stanza.Error)) {
	me := c.home.JID()
	c.home.Busy++ // the home outlives the wait
	c.home.Visit(who, func(a *xep.Home) {
		a.Exists(func(exists bool, err error) {
			a.Visit(me, func(*xep.Home) {
				c.home.Busy--
				switch {
				case err != nil:
					fail(xep.StorageError(err))
				case !exists:
					fail(stanza.Error{Condition: stanza.ItemNotFound, Text: "there is no such account"})
				default:
					f()
				}
			})
		})
	})
}

// change does what the table says of a subscription stanza that the account
// sends; st is that stanza as it goes out.
func (c *account) change(req *xep.Request, to jid.JID, t stanza.Type, st []byte) {
	c.enterLoaded(claim{own: true, turns: 1, bytes: len(st)}, func() {
		before := c.book.state(to)
		do := outbound(before, t)
		if before&shown == 0 && do.next&shown != 0 && c.book.known().listed >= c.limits.Items {
			c.leave()
			req.Error(errRosterFull)
			return
		}
		c.become(to, before, do.next, nil, func(it *item, err error) {
			if err != nil {
				req.Error(xep.StorageError(err))
				c.leave()
				return
			}
			c.sendOut(to, t, before, do, st)
			c.pushIf(to, before, it)
			if t == stanza.TypeSubscribed && do.pass {
				c.tell(to)
			}
			req.Done()
			c.leave()
		})
	}, req.Error)
}

// sendOut routes what the table says. Who loses the account's presence hears
// of it while still subscribed (§3.2.2).
func (c *account) sendOut(to jid.JID, t stanza.Type, before State, do step, st []byte) {
	if t == stanza.TypeUnsubscribed && before&From != 0 {
		c.untell(to)
	}
	if do.pass {
		c.home.Route(st)
	}
}

// inbound takes one that comes from another account (§3.1.3, §3.1.6, §3.2.3,
// §3.3.3).
func (c *account) inbound(req *xep.Request) {
	from, t := req.From.Bare(), req.View.Type
	if t != stanza.TypeSubscribe && !c.has(req.To.Resource()) {
		req.Done() // §8.5.3.2.2
		return
	}
	st := restamped(req.View, from, c.home.JID())
	c.enterLoaded(claimOf(req), func() {
		before := c.book.state(from)
		do := inbound(before, t)
		if t == stanza.TypeSubscribe && do.pass {
			c.request(req, from, before, do, st)
			return
		}
		c.become(from, before, do.next, nil, func(it *item, err error) {
			if err != nil {
				req.Error(xep.StorageError(err))
				c.leave()
				return
			}
			c.received(from, t, before, do, st, it)
			req.Done()
			c.leave()
		})
	}, req.Error)
}

// received delivers what the table says, and answers what the server answers
// itself.
func (c *account) received(from jid.JID, t stanza.Type, before State, do step, st []byte, it *item) {
	if do.pass {
		c.deliverTo(xep.MarkInterested, st) // before the push: §3.1.6, §3.2.3, §3.3.3
	}
	c.pushIf(from, before, it)
	switch {
	case do.reply == stanza.TypeSubscribed:
		c.home.Route(appendPresence(nil, c.home.JID(), from, do.reply))
		c.tell(from)
	case t == stanza.TypeUnsubscribe && before&From != 0:
		c.untell(from)
	}
	// A contact of this server needs no confirmation: its state has changed before
	// this one, and a late confirmation would undo a new request.
	if do.reply == stanza.TypeUnsubscribed && !c.serves(from) {
		c.home.Route(appendPresence(nil, c.home.JID(), from, do.reply))
	}
}

// has tells whether a resource is open; the account itself ("") always is.
func (c *account) has(resource string) bool {
	return resource == "" || c.any(func(s *live) bool { return c.full(s).Resource() == resource })
}

// refused tells the account's user that a request went wrong on its way: the
// contact is not there, its server is not, or it takes no more (§3.1.2). The
// error is to the bare address, which the request was from; it stays pending, and
// may be sent again.
func (c *account) refused(req *xep.Request) {
	if c.first.id == 0 {
		req.Done() // nobody is there to be told
		return
	}
	from := req.From.Bare()
	st := restamped(req.View, from, c.home.JID())
	c.withBook(claimOf(req), func() {
		if c.book.state(from)&PendingOut != 0 {
			c.deliverTo(xep.MarkInterested, st)
		}
		req.Done()
	}, req.Error)
}

// request keeps a subscription request and shows it to the available
// resources; those that come later get it from the store. Inside.
func (c *account) request(req *xep.Request, from jid.JID, before State, do step, st []byte) {
	end := func(e stanza.Error) {
		c.leave()
		req.Error(e)
	}
	if c.book.known().asking >= c.limits.Requests {
		end(stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many requests wait for an answer"})
		return
	}
	kept := st
	if len(kept) > c.limits.RequestBytes {
		kept = appendPresence(nil, from, c.home.JID(), stanza.TypeSubscribe)
	}
	c.home.Exists(func(exists bool, err error) {
		switch {
		case err != nil:
			end(xep.StorageError(err))
			return
		case !exists: // §8.5.1
			c.leave()
			req.Done()
			return
		}
		c.become(from, before, do.next, kept, func(_ *item, err error) {
			if err != nil {
				end(xep.StorageError(err))
				return
			}
			c.deliverTo(0, st)
			req.Done()
			c.leave()
		})
	})
}

// become stores a new state of a contact, keeping its name and groups, and
// passes on the item as it is then; nothing is stored when nothing changes.
// Inside.
func (c *account) become(j jid.JID, before, next State, request []byte, done func(*item, error)) {
	if next == before {
		done(&item{state: next}, nil)
		return
	}
	ch := &change{jid: j, before: before, visible: before.looks() != next.looks(), request: request}
	commit := func(it item, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		it.state = next
		ch.item = it
		c.commit(ch, func(err error) { done(&ch.item, err) })
	}
	if before == None {
		commit(item{}, nil)
		return
	}
	c.item(j, commit)
}

// pushIf pushes a contact whose state looks different to clients.
func (c *account) pushIf(j jid.JID, before State, it *item) {
	if before.looks() != it.state.looks() {
		c.push(j, it)
	}
}

// restamped is a subscription stanza with bare addresses (§3.1.2). It does
// not refer to v.
func restamped(v *stanza.View, from, to jid.JID) []byte {
	f := v.Frame
	name := "presence"
	if p := f.Prefix(); len(p) > 0 {
		name = string(p) + ":" + name
	}
	b := append(append(make([]byte, 0, len(f.Raw())), '<'), name...)
	b = stanza.AppendAttr(b, "from", from.String())
	b = stanza.AppendAttr(b, "to", to.String())
	for _, a := range f.Attrs() {
		if n := string(a.Name); n != "from" && n != "to" {
			b = stanza.AppendRawAttr(b, n, a.Value)
		}
	}
	for _, d := range f.Decls() {
		n := "xmlns"
		if len(d.Prefix) > 0 {
			n += ":" + string(d.Prefix)
		}
		b = stanza.AppendAttr(b, n, string(d.URI))
	}
	b = append(append(b, '>'), f.Content()...)
	return append(append(append(b, "</"...), name...), '>')
}
