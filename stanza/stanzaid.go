package stanza

import "github.com/xylem-im/xylem/parser"

// AppendStanzaID appends the mark by which an account, or another entity that
// keeps messages, knows one: by is its bare address (XEP-0359 §3).
func AppendStanzaID(dst []byte, by, id string) []byte {
	dst = AppendAttr(appendMark(dst, by), "id", id)
	return append(dst, "/>"...)
}

// appendMark appends what stands before the id.
func appendMark(dst []byte, by string) []byte {
	return AppendAttr(append(dst, "<stanza-id xmlns='"+NSStanzaID+"'"...), "by", by)
}

// AppendIdentified appends the rendered message st with a stanza id as its last
// child. dst may be what stands before st in the same memory, see AppendDelayed.
func AppendIdentified(dst, st []byte, by, id string) []byte {
	dst, name := appendOpened(dst, st)
	return appendClosed(AppendStanzaID(dst, by, id), name)
}

// HasStanzaID tells whether a first-level child of v is a <stanza-id/>, whoever
// set it. It allocates nothing.
func (v *View) HasStanzaID() bool {
	return v.Frame.HasChild(NSStanzaID, stanzaID)
}

// OriginID is the id that the sender of v has given to it for good (XEP-0359 §3.2),
// as written; nil when there is none.
func (v *View) OriginID() []byte {
	if !v.Frame.HasChild(NSStanzaID, originID) {
		return nil
	}
	id, _ := v.Frame.Element().Child(NSStanzaID, originID).Attr("id")
	return id
}

// IsStanzaID tells whether e is a <stanza-id/>.
func IsStanzaID(e parser.Element) bool { return e.Is(NSStanzaID, stanzaID) }

const (
	stanzaID = "stanza-id"
	originID = "origin-id"
)

// StanzaIDBy is the id that the entity by has given to v, as written; ok is
// false when there is none.
func (v *View) StanzaIDBy(by string) (id []byte, ok bool) {
	for w := v.Frame.Element().Walk(); w.Next(); {
		e := w.Element()
		if !IsStanzaID(e) {
			continue
		}
		if raw, has := e.Attr("by"); has && string(parser.Unescape(raw)) == by {
			return e.Attr("id")
		}
	}
	return nil, false
}
