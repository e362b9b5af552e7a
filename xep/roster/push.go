package roster

import (
	"strconv"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// push tells the interested resources of a change (RFC 6121 §2.1.6, §2.2).
func (c *account) push(j jid.JID, it *item) {
	c.eachInterested(func(full jid.JID) { c.pushTo(full, c.book.version(), it.appendShown(nil, j)) })
}

// appendShown is the item as a push shows it: as removed when clients do not
// see it any more.
func (it *item) appendShown(dst []byte, j jid.JID) []byte {
	if it.state&shown == 0 {
		return appendRemoved(dst, j)
	}
	return it.append(dst, j)
}

// pushTo sends one push to one resource. Its answer is of no interest: a
// resource that lost it asks again with the version it has (§2.1.6, §2.6).
func (c *account) pushTo(full jid.JID, ver version, xml []byte) {
	b := stanza.AppendAttr([]byte("<iq"), "from", c.home.JID().String())
	b = stanza.AppendAttr(b, "to", full.String())
	b = stanza.AppendAttr(b, "id", "push-"+strconv.FormatUint(ver.number, 10))
	b = append(b, " type='set'><query xmlns='"+NS+"'"...)
	b = stanza.AppendAttr(b, "ver", ver.String())
	b = append(append(append(b, '>'), xml...), "</query></iq>"...)
	c.home.Deliver(full, b, nil)
}

// eachInterested calls f with the resources that asked for the roster.
func (c *account) eachInterested(f func(full jid.JID)) {
	for _, r := range c.home.Resources(c.home.JID(), nil) {
		if r.Marks&xep.MarkInterested == 0 {
			continue
		}
		if full, err := c.home.JID().WithResource(r.Name); err == nil {
			f(full)
		}
	}
}
