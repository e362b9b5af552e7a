package roster

import (
	"bytes"
	"iter"
	"slices"
	"unique"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// live is an open session of the account. Its address is that which the home
// knows it by, see account.ref.
type live struct {
	id        uint64 // xep.SessionRef.ID
	content   unique.Handle[content]
	rare      *rare // nil most of the time
	available bool  // has sent initial presence, and not taken it back
	priority  int8
}

// rare is what few sessions have.
type rare struct {
	start    string    // see presence
	directed []jid.JID // see told
}

// ref is the session's name.
func (c *account) ref(s *live) xep.SessionRef { return c.home.Session(s.id) }

// full is the session's address.
func (c *account) full(s *live) jid.JID { return c.ref(s).JID }

// resource is what hooks are told of it; ref is its name.
func (s *live) resource(ref xep.SessionRef) xep.Resource {
	return xep.Resource{Name: ref.JID.Resource(), Available: s.available, Priority: s.priority}
}

// sessions are those that are open, the oldest first. None may be opened or
// closed meanwhile.
func (c *account) sessions() iter.Seq[*live] {
	return func(yield func(*live) bool) {
		if c.first.id == 0 || !yield(&c.first) || c.inner == nil {
			return
		}
		for _, s := range c.inner.others {
			if !yield(s) {
				return
			}
		}
	}
}

// session finds an open session; nil when it has ended while something was
// waited for. It is valid until a session is closed.
func (c *account) session(id uint64) *live {
	for s := range c.sessions() {
		if s.id == id {
			return s
		}
	}
	return nil
}

// any tells whether one of the sessions is as f says.
func (c *account) any(f func(*live) bool) bool {
	for s := range c.sessions() {
		if f(s) {
			return true
		}
	}
	return false
}

// opened notes a new session.
func (x *extension) opened(a *xep.Home, ref xep.SessionRef, done func()) {
	c := x.of(a)
	if c.first.id == 0 {
		c.first.id = ref.ID
	} else {
		i := c.in()
		i.others = append(i.others, &live{id: ref.ID})
	}
	done()
}

// drop takes a session out of the list. What it was is the result; id 0 when it
// was not there.
func (c *account) drop(id uint64) (gone live) {
	i := c.inner
	switch {
	case c.first.id == id:
		gone, c.first = c.first, live{}
		if i != nil && len(i.others) > 0 {
			c.first = *i.others[0]
			i.others = slices.Delete(i.others, 0, 1)
		}
	case i != nil:
		if at := slices.IndexFunc(i.others, func(s *live) bool { return s.id == id }); at >= 0 {
			gone = *i.others[at]
			i.others = slices.Delete(i.others, at, at+1)
		}
	}
	c.shrink()
	return gone
}

// presence is what an available presence without addressee says. What most say
// is the same (their software's capabilities), so the contents are shared by
// all accounts of the process that have equal ones.
type presence struct {
	start   string                 // the start tag up to its '>'; "": a from and nothing else
	content unique.Handle[content] // zero: none
}

// content is what lies between the tags.
type content struct {
	text  string
	added int // bytes at the end of text that are not the client's
}

var noContent unique.Handle[content] // never written

// presence is what s says.
func (s *live) presence() presence {
	p := presence{content: s.content}
	if s.rare != nil {
		p.start = s.rare.start
	}
	return p
}

// say notes what s says from now on.
func (s *live) say(p presence) {
	s.content = p.content
	s.setRare(p.start, s.told())
}

func (s *live) setRare(start string, directed []jid.JID) {
	if start == "" && len(directed) == 0 {
		s.rare = nil
		return
	}
	s.rare = &rare{start, directed}
}

// newPresence takes apart raw, which has from as its first attribute, as the
// engine renders stanzas; inner is part of raw, extra is added behind it.
func newPresence(raw, inner, extra []byte, from jid.JID) presence {
	start := raw[:len(raw)-len("/>")]
	if len(inner) > 0 {
		name := raw[1:bytes.IndexByte(raw, ' ')]
		start = raw[:len(raw)-len("></>")-len(name)-len(inner)]
	}
	var p presence
	if !bytes.Equal(start, appendStart(make([]byte, 0, 128), from)) {
		p.start = string(start)
	}
	if len(inner)+len(extra) > 0 {
		p.content = unique.Make(content{string(inner) + string(extra), len(extra)})
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
func (c *account) render(s *live, to jid.JID) []byte {
	p := s.presence()
	return p.appendTo(nil, c.full(s), to)
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
	if p.content == noContent {
		return append(dst, "/>"...)
	}
	dst = append(append(dst, '>'), p.content.Value().text...)
	return append(append(append(dst, "</"...), name...), '>')
}

// unstamped is the presence as the client sent it, without addressee.
func (c *account) unstamped(s *live) []byte {
	p := s.presence()
	if p.content != noContent {
		all := p.content.Value()
		p.content = noContent
		if own := all.text[:len(all.text)-all.added]; own != "" {
			p.content = unique.Make(content{text: own})
		}
	}
	return p.appendTo(nil, c.full(s), noAddress)
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
	if s.rare == nil {
		return nil
	}
	return s.rare.directed
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
	s.setRare(s.presence().start, append(told, to))
	return true
}

// knownTo tells whether who, or its account, was sent directed presence.
func (s *live) knownTo(who jid.JID) bool {
	return slices.Contains(s.told(), who) || slices.Contains(s.told(), who.Bare())
}

// forget is the end of directed presence to one.
func (s *live) forget(to jid.JID) {
	if i := slices.Index(s.told(), to); i >= 0 {
		s.setRare(s.rare.start, slices.Delete(s.rare.directed, i, i+1))
	}
}

var noAddress jid.JID // never written
