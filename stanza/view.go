package stanza

import (
	"strconv"
	"strings"

	"github.com/xylem-im/xylem/parser"
)

// View is a borrowed look at one stanza. valid until its frame is.
type View struct {
	Frame *parser.Frame
	Kind  Kind
	Type  Type // TypeNone when the attribute is absent
}

// Of makes a View of a stanza frame. ok is false when the element's name is
// none of the three stanzas'; the content namespace is the caller's to check.
func Of(f *parser.Frame) (v View, ok bool) {
	kind := KindOf(f.Local())
	if kind == KindNone {
		return View{}, false
	}
	v = View{Frame: f, Kind: kind}
	if raw, ok := f.Type(); ok {
		v.Type = TypeOf(kind, raw)
	}
	return v, true
}

// ID is the id attribute as written, escaped; empty when absent.
func (v *View) ID() []byte {
	id, _ := v.Frame.ID()
	return id
}

// To is the to attribute as written, escaped; empty when absent.
func (v *View) To() []byte {
	to, _ := v.Frame.To()
	return to
}

// From is the from attribute as written, escaped; empty when absent.
func (v *View) From() []byte {
	from, _ := v.Frame.From()
	return from
}

// Payload is the first child that is not <error/>: the one child of an IQ
// get or set. ok is false when there is none.
func (v *View) Payload() (child parser.Element, ok bool) {
	for w := v.Frame.Element().Walk(); w.Next(); {
		if e := w.Element(); string(e.Local()) != "error" {
			return e, true
		}
	}
	return parser.Element{}, false
}

// ChildCount counts the first-level children, up to most.
func (v *View) ChildCount(most int) (n int) {
	for w := v.Frame.Element().Walk(); n < most && w.Next(); {
		n++
	}
	return n
}

// Priority reads <priority/> of a presence, RFC 6121 §4.7.2.3: 0 when there is
// none. ok is false when it is no number from -128 to 127.
func (v *View) Priority() (priority int8, ok bool) {
	e := v.Frame.Element().Child(NSClient, "priority")
	if e.IsZero() {
		return 0, true
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(e.AppendText(nil))), 10, 8)
	return int8(n), err == nil
}
