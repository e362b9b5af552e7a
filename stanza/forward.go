package stanza

import (
	"bytes"
	"strings"

	"github.com/xylem-im/xylem/parser"
)

// Forward is what the server knows of a stanza that it passes on, and stamps
// on it. Empty fields stamp nothing.
type Forward struct {
	From string // replaces from, RFC 6120 §8.1.2.1
	To   string // used where the sender gave no to
	Lang string // xml:lang of the sender's stream, where the stanza has none, RFC 6120 §8.1.5

	// Declare says that the stanza stands where jabber:client is not the default namespace: it
	// is declared, unless the stanza keeps a prefix (XEP-0297 §3.2).
	Declare bool

	// Stamp has From and By rendered, when they were stamped before; nil: nobody remembers.
	Stamp *Stamp

	// Drop names first-level children that are left out; nil: none.
	Drop func(parser.Element) bool
	// ID is the id by which the account By knows the message: it goes out as a
	// <stanza-id/> behind the content, XEP-0359 §3.
	ID, By string
}

// Stamp is the last from that was stamped, as an attribute, and the last by, as the
// beginning of a <stanza-id/>. The zero value is ready.
type Stamp struct {
	from, by   string
	attr, mark []byte
}

// markOf is the beginning of a <stanza-id/> by an entity, valid until the next call.
func (s *Stamp) markOf(by string) []byte {
	if s.by != by {
		s.by, s.mark = strings.Clone(by), appendMark(s.mark[:0], by)
	}
	return s.mark
}

// of is the attribute of from, valid until the next call.
func (s *Stamp) of(from string) []byte {
	if s.from != from {
		s.from, s.attr = from, AppendAttr(s.attr[:0], "from", from)
	}
	return s.attr
}

// AppendForward appends v as it goes out on a stream whose default namespace
// is jabber:client and that declares no prefix but stream. The content is
// copied byte for byte, but for what fw drops. The start tag gets what it does not
// have; where something in it has to go, or a declaration is missing, it is written
// anew:
//
//   - from, to and xml:lang as fw says, the other attributes as they came;
//   - what the stanza declares itself, but for the content namespace;
//   - what it relies on and only the sender's stream header declares.
//
// An element that was sent with a prefix keeps it only where un-prefixed
// descendants mean another namespace than jabber:client.
func AppendForward(dst []byte, v *View, fw *Forward) []byte {
	f := v.Frame
	from, has := f.From()
	if fw.Drop == nil && (fw.ID == "" || len(f.EndTag()) > 0) && f.IsSelfContained() && (!has || fw.From == "" || fw.From == string(from)) {
		return appendAsCame(dst, v, fw)
	}
	keepPrefix := foreignDefault(f)
	dst = append(dst, '<')
	dst = appendName(dst, v, keepPrefix)
	if fw.Declare && !keepPrefix {
		dst = append(dst, declaration...)
	}
	dst = appendStamped(dst, v, fw)
	dst = appendDecls(dst, f, keepPrefix)
	content := f.Content()
	if len(content) == 0 && fw.ID == "" {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	if fw.Drop == nil {
		dst = append(dst, content...)
	} else {
		dst = f.Element().AppendContent(dst, fw.Drop)
	}
	if fw.ID != "" {
		dst = AppendStanzaID(dst, fw.By, fw.ID)
	}
	dst = append(dst, "</"...)
	dst = appendName(dst, v, keepPrefix)
	return append(dst, '>')
}

const declaration = " xmlns='" + NSClient + "'"

// appendAsCame appends a stanza that only gets attributes, as most do, and an id behind its
// content: behind its name follows what came, in one piece.
func appendAsCame(dst []byte, v *View, fw *Forward) []byte {
	dst = append(dst, '<')
	name := v.Kind.String()
	dst = append(dst, name...)
	if fw.Declare {
		dst = append(dst, declaration...)
	}
	if _, has := v.Frame.From(); !has {
		dst = appendFrom(dst, fw)
	}
	dst = appendStamps(dst, v, fw)
	raw := v.Frame.Raw()[1+len(name):]
	if fw.ID == "" {
		return append(dst, raw...)
	}
	end := v.Frame.EndTag()
	dst = append(dst, raw[:len(raw)-len(end)]...)
	if fw.Stamp == nil {
		return append(AppendStanzaID(dst, fw.By, fw.ID), end...)
	}
	dst = AppendAttr(append(dst, fw.Stamp.markOf(fw.By)...), "id", fw.ID)
	return append(append(dst, "/>"...), end...)
}

func appendName(dst []byte, v *View, prefixed bool) []byte {
	if prefixed {
		dst = append(dst, v.Frame.Prefix()...)
		dst = append(dst, ':')
	}
	return append(dst, v.Kind.String()...)
}

// appendStamped writes the attributes.
func appendStamped(dst []byte, v *View, fw *Forward) []byte {
	dst = appendStamps(appendFrom(dst, fw), v, fw)
	return v.Frame.AppendAttrs(dst, fw.From == "")
}

func appendFrom(dst []byte, fw *Forward) []byte {
	switch {
	case fw.From == "":
		return dst
	case fw.Stamp != nil:
		return append(dst, fw.Stamp.of(fw.From)...)
	}
	return AppendAttr(dst, "from", fw.From)
}

// appendStamps writes the other attributes of fw that the stanza did not come with.
func appendStamps(dst []byte, v *View, fw *Forward) []byte {
	if _, ok := v.Frame.To(); !ok && fw.To != "" {
		dst = AppendAttr(dst, "to", fw.To)
	}
	if _, ok := v.Frame.Lang(); !ok && fw.Lang != "" {
		dst = AppendAttr(dst, "xml:lang", fw.Lang)
	}
	return dst
}

// appendDecls writes the namespace declarations that the stanza needs where
// it arrives.
func appendDecls(dst []byte, f *parser.Frame, keepPrefix bool) []byte {
	for _, d := range f.Decls() {
		if len(d.Prefix) == 0 && (string(d.URI) == NSClient || !keepPrefix) {
			continue
		}
		dst = appendDecl(dst, d)
	}
	for _, d := range f.Inherited() {
		switch {
		case len(d.Prefix) == 0 && (string(d.URI) == NSClient || !keepPrefix):
			continue
		case len(d.Prefix) > 0 && !keepPrefix && bytes.Equal(d.Prefix, f.Prefix()) && len(f.Content()) == 0:
			continue // nothing is left that uses it
		}
		dst = appendDecl(dst, d)
	}
	return dst
}

func appendDecl(dst []byte, d parser.Binding) []byte {
	dst = append(dst, " xmlns"...)
	if len(d.Prefix) > 0 {
		dst = append(dst, ':')
		dst = append(dst, d.Prefix...)
	}
	dst = append(dst, "='"...)
	dst = parser.AppendAttr(dst, d.URI)
	return append(dst, '\'')
}

// foreignDefault tells whether un-prefixed descendants of a prefixed stanza
// are in another namespace than jabber:client.
func foreignDefault(f *parser.Frame) bool {
	if len(f.Prefix()) == 0 {
		return false
	}
	for _, d := range f.Decls() {
		if len(d.Prefix) == 0 {
			return string(d.URI) != NSClient
		}
	}
	for _, d := range f.Inherited() {
		if len(d.Prefix) == 0 {
			return string(d.URI) != NSClient
		}
	}
	return false
}
