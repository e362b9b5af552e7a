package roster

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// edit is what a roster set asks for.
type edit struct {
	jid    jid.JID
	remove bool
	name   string
	groups []string
}

// set adds, changes or removes a contact, RFC 6121 §2.3, §2.4, §2.5.
func (c *account) set(req *xep.Request, query parser.Element) {
	e, refusal := c.readEdit(query)
	if refusal.Condition != "" {
		req.Error(refusal)
		return
	}
	c.enterLoaded(claimOf(req), func() {
		if e.remove {
			c.remove(req, e.jid)
			return
		}
		c.update(req, &e)
	}, req.Error)
}

// readEdit checks what §2.3.3 lists. What a client says of subscription (but
// for remove), ask and approved is ignored (§2.1.2).
func (c *account) readEdit(query parser.Element) (e edit, refusal stanza.Error) {
	bad := func(cond stanza.Condition, text string) (edit, stanza.Error) {
		return edit{}, stanza.Error{Condition: cond, Text: text}
	}
	var it parser.Element
	n := 0
	for child := range query.Children() {
		if n++; child.Is(NS, "item") {
			it = child
		}
	}
	if n != 1 || it.IsZero() {
		return bad(stanza.BadRequest, "a roster set has exactly one item")
	}
	raw, ok := it.Attr("jid")
	if !ok {
		return bad(stanza.BadRequest, "an item has a jid")
	}
	j, err := jid.ParseBytes(parser.Unescape(raw))
	if err != nil {
		return bad(stanza.JIDMalformed, err.Error())
	}
	if e.jid = j.Bare().Clone(); e.jid == c.home.JID() {
		return bad(stanza.NotAllowed, "an account is not its own contact")
	}
	if sub, _ := it.Attr("subscription"); string(sub) == "remove" {
		e.remove = true
		return e, stanza.Error{}
	}
	name, _ := it.Attr("name")
	if e.name = string(parser.Unescape(name)); len(e.name) > c.limits.NameBytes {
		return bad(stanza.NotAcceptable, "the name is too long")
	}
	e.groups, refusal = c.readGroups(it)
	return e, refusal
}

func (c *account) readGroups(it parser.Element) (groups []string, refusal stanza.Error) {
	bad := func(cond stanza.Condition, text string) ([]string, stanza.Error) {
		return nil, stanza.Error{Condition: cond, Text: text}
	}
	for child := range it.Children() {
		if !child.Is(NS, "group") {
			continue
		}
		g := string(child.AppendText(nil))
		switch {
		case g == "":
			return bad(stanza.NotAcceptable, "a group has a name")
		case len(g) > c.limits.NameBytes:
			return bad(stanza.NotAcceptable, "the name of a group is too long")
		case slices.Contains(groups, g):
			return bad(stanza.BadRequest, "a contact is in a group once")
		case len(groups) == c.limits.Groups:
			return bad(stanza.NotAcceptable, "too many groups")
		}
		groups = append(groups, g)
	}
	return groups, stanza.Error{}
}

// update stores name and groups, answers and pushes (§2.3.2, §2.4.2). Inside.
func (c *account) update(req *xep.Request, e *edit) {
	before := c.book.state(e.jid)
	if before&shown == 0 && c.book.known().listed >= c.limits.Items {
		c.leave()
		req.Error(errRosterFull)
		return
	}
	ch := &change{jid: e.jid, before: before, visible: true}
	ch.item = item{state: before | Listed, name: e.name, groups: e.groups}
	c.commit(ch, func(err error) {
		if err != nil {
			req.Error(xep.StorageError(err))
		} else {
			c.push(ch.jid, &ch.item)
			req.Result(nil)
		}
		c.leave()
	})
}

var errRosterFull = stanza.Error{Condition: stanza.ResourceConstraint, Text: "the roster is full"} // never written

// remove takes a contact out and ends what subscriptions there are, a request
// that waits for an answer included (§2.5). Inside.
func (c *account) remove(req *xep.Request, j jid.JID) {
	before := c.book.state(j)
	if before&shown == 0 {
		c.leave()
		req.Error(stanza.Error{Condition: stanza.ItemNotFound})
		return
	}
	ch := &change{jid: j, before: before, visible: true}
	c.commit(ch, func(err error) {
		if err != nil {
			req.Error(xep.StorageError(err))
		} else {
			c.part(j, before)
			c.push(j, &ch.item)
			req.Result(nil)
		}
		c.leave()
	})
}

// part tells a contact that all is over between the two (§2.5.2).
func (c *account) part(j jid.JID, before State) {
	if before&grantedOrAskedByUs != 0 {
		c.home.Route(appendPresence(nil, c.home.JID(), j, stanza.TypeUnsubscribe))
	}
	if before&From != 0 {
		c.untell(j)
	}
	if before&grantedOrAskedByHim != 0 {
		c.home.Route(appendPresence(nil, c.home.JID(), j, stanza.TypeUnsubscribed))
	}
}
