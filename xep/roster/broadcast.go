package roster

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// broadcast gives a presence without addressee to the contacts who are
// subscribed and to the account's own available resources (RFC 6121 §4.2.2,
// §4.4.2, §4.5.2). It is rendered once for all who are served here.
func (c *account) broadcast(st []byte, toAt int) {
	audience := c.book.with(From, make([]jid.JID, 0, len(c.book.known().jids)+1))
	audience = append(audience, c.home.JID())
	c.cast(st, toAt, audience)
}

// cast gives a presence to bare addresses. It takes audience over.
func (c *account) cast(st []byte, toAt int, audience []jid.JID) {
	audience = c.permitted(audience)
	local := audience[:0]
	for _, j := range audience {
		if c.serves(j) {
			local = append(local, j)
		} else {
			c.home.Route(addressed(st, toAt, j))
		}
	}
	c.home.Multicast(st, toAt, local)
}

// serves tells whether j is of this server; nearly always it is of the
// account's own domain.
func (c *account) serves(j jid.JID) bool {
	return j.Domain() == c.home.JID().Domain() || c.home.Serves(j.Domain())
}

// sendTo gives a presence without addressee to one address, which may be full.
func (c *account) sendTo(st []byte, toAt int, to jid.JID) {
	if !c.blocked(to) {
		c.home.Route(addressed(st, toAt, to))
	}
}

// addressed is a copy of st with its addressee.
func addressed(st []byte, toAt int, to jid.JID) []byte {
	b := append(make([]byte, 0, len(st)+len(to.String())+8), st[:toAt]...)
	return append(stanza.AppendAttr(b, "to", to.String()), st[toAt:]...)
}

// permitted takes those out with whom the account wants nothing to do.
func (c *account) permitted(audience []jid.JID) []jid.JID {
	return slices.DeleteFunc(audience, c.blocked)
}

// blocked tells whether nothing passes between the account and who.
func (c *account) blocked(who jid.JID) bool {
	return who.Bare() != c.home.JID() && c.home.Registry().Blocked(c.home, who)
}

// tell gives a new subscriber the presence of all available resources, §3.1.5.
// One that is served here shall get it behind the approval, which its home
// stores first: so that home is asked to say when it is done, and what is sent
// then is the presence of that moment, in order with all broadcasts.
func (c *account) tell(who jid.JID) {
	if !c.serves(who) {
		c.tellNow(who)
		return
	}
	x, me := c.extension, c.home.JID()
	back := func(a *xep.Home) { x.of(a).tellNow(who) }
	c.home.Visit(who, func(a *xep.Home) {
		contact := x.of(a)
		contact.enter(ofForeign, func() {
			a.Visit(me, back)
			contact.leave()
		}, func(stanza.Error) { a.Visit(me, back) })
	})
}

func (c *account) tellNow(who jid.JID) {
	if c.book.state(who)&From == 0 {
		return
	}
	for s := range c.sessions() {
		if s.available {
			st := c.render(s, noAddress)
			c.cast(st, behindFrom(st), []jid.JID{who})
		}
	}
}

// untell takes the presence of all available resources back from one bare
// address (§3.2.2, §3.3.3).
func (c *account) untell(who jid.JID) {
	for s := range c.sessions() {
		if s.available {
			st := appendPresence(nil, c.full(s), noAddress, stanza.TypeUnavailable)
			c.cast(st, behindFrom(st), []jid.JID{who})
		}
	}
}

// deliverTo gives a stanza to those of the account's resources that have a
// mark, or with none to the available ones.
func (c *account) deliverTo(mark xep.Mark, st []byte) {
	for _, r := range c.home.Resources(c.home.JID(), nil) {
		if mark == 0 && !r.Available || r.Marks&mark != mark {
			continue
		}
		if full, err := c.home.JID().WithResource(r.Name); err == nil {
			c.home.Deliver(full, st, nil)
		}
	}
}
