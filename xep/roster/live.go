package roster

import (
	"bytes"
	"slices"
	"unique"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// live is an open session of the account.
type live struct {
	ref       xep.SessionRef
	available bool // has sent initial presence, and not taken it back
	priority  int8
	presence  presence
	directed  []jid.JID // who knows by directed presence that it is available
}

// resource is what hooks are told of it.
func (s *live) resource() xep.Resource {
	return xep.Resource{Name: s.ref.JID.Resource(), Available: s.available, Priority: s.priority}
}

// session finds an open session; nil when it has ended while something was
// waited for.
func (c *account) session(id uint64) *live {
	for _, s := range c.sessions {
		if s.ref.ID == id {
			return s
		}
	}
	return nil
}

// opened notes a new session.
func (x *extension) opened(a *xep.Home, ref xep.SessionRef, done func()) {
	c := x.of(a)
	c.sessions = append(c.sessions, &live{ref: ref})
	done()
}

// presence is a rendered presence without addressee. What most say is the
// same (their software's capabilities), so the contents are shared by all
// accounts of the process that have equal ones.
type presence struct {
	start   string                // the start tag up to its '>', with from
	toAt    int                   // in start, where the to attribute belongs
	content unique.Handle[string] // zero: none
	added   int                   // bytes at the end of content that are not the client's
}

// newPresence takes apart raw, which has from as its first attribute, as the
// engine renders stanzas; content is part of raw, extra is added behind it.
func newPresence(raw, content, extra []byte) presence {
	p := presence{start: string(raw[:len(raw)-len("/>")])}
	if len(content) > 0 {
		name := raw[1:bytes.IndexByte(raw, ' ')]
		p.start = string(raw[:len(raw)-len("></>")-len(name)-len(content)])
	}
	if len(content)+len(extra) > 0 {
		p.content, p.added = unique.Make(string(content)+string(extra)), len(extra)
	}
	p.toAt = behindFrom(raw)
	return p
}

// behindFrom is where the from attribute ends.
func behindFrom(raw []byte) int {
	open := bytes.IndexByte(raw, '\'') + 1
	return open + bytes.IndexByte(raw[open:], '\'') + 1
}

// appendTo renders p for an addressee; without one (the zero address) the
// place for it is at toAt.
func (p *presence) appendTo(dst []byte, to jid.JID) []byte {
	dst = append(dst, p.start[:p.toAt]...)
	if !to.IsZero() {
		dst = stanza.AppendAttr(dst, "to", to.String())
	}
	dst = append(dst, p.start[p.toAt:]...)
	if p.content == (unique.Handle[string]{}) {
		return append(dst, "/>"...)
	}
	name := p.start[1:bytes.IndexByte([]byte(p.start), ' ')]
	dst = append(append(dst, '>'), p.content.Value()...)
	return append(append(append(dst, "</"...), name...), '>')
}

// unstamped is the presence as the client sent it, without addressee.
func (p *presence) unstamped() []byte {
	q := *p
	if q.content == (unique.Handle[string]{}) {
		return q.appendTo(nil, noAddress)
	}
	own := q.content.Value()
	if own = own[:len(own)-q.added]; own == "" {
		q.content = unique.Handle[string]{}
	} else {
		q.content = unique.Make(own)
	}
	return q.appendTo(nil, noAddress)
}

// appendPresence renders a presence that consists of addresses and a type.
func appendPresence(dst []byte, from, to jid.JID, t stanza.Type) []byte {
	dst = stanza.AppendAttr(append(dst, "<presence"...), "from", from.String())
	if !to.IsZero() {
		dst = stanza.AppendAttr(dst, "to", to.String())
	}
	if t != stanza.TypeNone {
		dst = stanza.AppendAttr(dst, "type", t.String())
	}
	return append(dst, "/>"...)
}

// remember notes directed presence; false when there is no more room.
func (s *live) remember(to jid.JID, limit int) bool {
	if slices.Contains(s.directed, to) {
		return true
	}
	if len(s.directed) >= limit {
		return false
	}
	s.directed = append(s.directed, to)
	return true
}

// knownTo tells whether who, or its account, was sent directed presence.
func (s *live) knownTo(who jid.JID) bool {
	return slices.Contains(s.directed, who) || slices.Contains(s.directed, who.Bare())
}

// forget is the end of directed presence to one.
func (s *live) forget(to jid.JID) {
	if i := slices.Index(s.directed, to); i >= 0 {
		s.directed = slices.Delete(s.directed, i, i+1)
	}
}

var noAddress jid.JID // never written
