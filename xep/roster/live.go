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
	directed  *[]jid.JID // see told; nil: nobody
	presence  presence
	available bool // has sent initial presence, and not taken it back
	priority  int8
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

// presence is what an available presence without addressee says. What most say
// is the same (their software's capabilities), so the contents are shared by
// all accounts of the process that have equal ones.
type presence struct {
	start   string                // the start tag up to its '>'; "": a from and nothing else
	content unique.Handle[string] // zero: none
	added   int32                 // bytes at the end of content that are not the client's
}

// newPresence takes apart raw, which has from as its first attribute, as the
// engine renders stanzas; content is part of raw, extra is added behind it.
func newPresence(raw, content, extra []byte, from jid.JID) presence {
	start := raw[:len(raw)-len("/>")]
	if len(content) > 0 {
		name := raw[1:bytes.IndexByte(raw, ' ')]
		start = raw[:len(raw)-len("></>")-len(name)-len(content)]
	}
	var p presence
	if !bytes.Equal(start, appendStart(make([]byte, 0, 128), from)) {
		p.start = string(start)
	}
	if len(content)+len(extra) > 0 {
		p.content, p.added = unique.Make(string(content)+string(extra)), int32(len(extra))
	}
	return p
}

func appendStart(dst []byte, from jid.JID) []byte {
	return stanza.AppendAttr(append(dst, "<presence"...), "from", from.String())
}

// behindFrom is where the from attribute ends.
func behindFrom(raw []byte) int {
	open := bytes.IndexByte(raw, '\'') + 1
	return open + bytes.IndexByte(raw[open:], '\'') + 1
}

// render is what s says, for an addressee; without one (the zero address) the
// place for it is behindFrom.
func (s *live) render(dst []byte, to jid.JID) []byte {
	return s.presence.appendTo(dst, s.ref.JID, to)
}

func (p *presence) appendTo(dst []byte, from, to jid.JID) []byte {
	begin := len(dst)
	if p.start == "" {
		dst = appendStart(dst, from)
	} else {
		dst = append(dst, p.start...)
	}
	name := dst[begin+1 : begin+bytes.IndexByte(dst[begin:], ' ')]
	if !to.IsZero() {
		at := begin + behindFrom(dst[begin:])
		rest := string(dst[at:])
		dst = append(stanza.AppendAttr(dst[:at], "to", to.String()), rest...)
	}
	if p.content == (unique.Handle[string]{}) {
		return append(dst, "/>"...)
	}
	dst = append(append(dst, '>'), p.content.Value()...)
	return append(append(append(dst, "</"...), name...), '>')
}

// unstamped is the presence as the client sent it, without addressee.
func (s *live) unstamped() []byte {
	q, from := s.presence, s.ref.JID
	if q.content == (unique.Handle[string]{}) {
		return q.appendTo(nil, from, noAddress)
	}
	own := q.content.Value()
	if own = own[:len(own)-int(q.added)]; own == "" {
		q.content = unique.Handle[string]{}
	} else {
		q.content = unique.Make(own)
	}
	return q.appendTo(nil, from, noAddress)
}

// appendPresence renders a presence that consists of addresses and a type.
func appendPresence(dst []byte, from, to jid.JID, t stanza.Type) []byte {
	dst = appendStart(dst, from)
	if !to.IsZero() {
		dst = stanza.AppendAttr(dst, "to", to.String())
	}
	if t != stanza.TypeNone {
		dst = stanza.AppendAttr(dst, "type", t.String())
	}
	return append(dst, "/>"...)
}

// told is who knows by directed presence that s is available.
func (s *live) told() []jid.JID {
	if s.directed == nil {
		return nil
	}
	return *s.directed
}

// remember notes directed presence; false when there is no more room.
func (s *live) remember(to jid.JID, limit int) bool {
	told := s.told()
	if slices.Contains(told, to) {
		return true
	}
	if len(told) >= limit {
		return false
	}
	told = append(told, to)
	s.directed = &told
	return true
}

// knownTo tells whether who, or its account, was sent directed presence.
func (s *live) knownTo(who jid.JID) bool {
	return slices.Contains(s.told(), who) || slices.Contains(s.told(), who.Bare())
}

// forget is the end of directed presence to one.
func (s *live) forget(to jid.JID) {
	if i := slices.Index(s.told(), to); i >= 0 {
		*s.directed = slices.Delete(*s.directed, i, i+1)
	}
}

var noAddress jid.JID // never written
