package xep

import (
	"bytes"
	"strconv"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// AppendElement appends a copy of e that relies on no declaration outside it:
// names are written without prefixes, and each namespace where it begins. ok
// is false when the copy would be longer than limit bytes; dst is then
// appended to, but not with an element. Prefixes in values, which only the
// application understands, are not seen.
//
// The limit is needed even for an e that is short: one that uses a long
// namespace by a short prefix many times is longer without prefixes.
func AppendElement(dst []byte, e parser.Element, limit int) (b []byte, ok bool) {
	c := copier{b: dst, end: len(dst) + limit}
	c.element(e, nil, true)
	return c.b, len(c.b) <= c.end
}

// copier copies until b is longer than end.
type copier struct {
	b   []byte
	end int
}

// element copies e into a parent whose default namespace is outer.
func (c *copier) element(e parser.Element, outer []byte, declare bool) {
	if len(c.b) > c.end {
		return
	}
	c.b = append(append(c.b, '<'), e.Local()...)
	if ns := e.Namespace(); declare || !bytes.Equal(ns, outer) {
		c.b = stanza.AppendAttr(c.b, "xmlns", string(ns))
	}
	c.attributes(e)
	if len(e.Content()) == 0 {
		c.b = append(c.b, "/>"...)
		return
	}
	c.b = append(c.b, '>')
	c.content(e)
	c.b = append(append(append(c.b, "</"...), e.Local()...), '>')
}

func (c *copier) attributes(e parser.Element) {
	prefixes := 0
	for a := range e.Attrs() {
		name := string(a.Name)
		if len(a.Prefix) > 0 && string(a.Prefix) != "xml" {
			prefix := "a" + strconv.Itoa(prefixes)
			prefixes++
			c.b = stanza.AppendAttr(c.b, "xmlns:"+prefix, string(a.Namespace))
			name = prefix + ":" + string(a.Local)
		}
		c.b = append(append(append(c.b, ' '), name...), '=', a.Quote)
		c.b = append(append(c.b, a.Value...), a.Quote)
		if len(c.b) > c.end {
			return
		}
	}
}

// content copies character data as it was written, and children.
func (c *copier) content(e parser.Element) {
	rest := e.Content()
	for w := e.Walk(); w.Next() && len(c.b) <= c.end; {
		child := w.Element()
		text := textBefore(rest)
		c.b = append(c.b, rest[:text]...)
		rest = rest[text+len(child.Raw()):]
		c.element(child, e.Namespace(), false)
	}
	if len(c.b) <= c.end {
		c.b = append(c.b, rest...)
	}
}

// textBefore is how much of content stands before its first child; CDATA
// sections belong to that.
func textBefore(content []byte) int {
	for i := 0; ; {
		i += bytes.IndexByte(content[i:], '<')
		if content[i+1] != '!' {
			return i
		}
		const end = "]]>"
		i += bytes.Index(content[i:], []byte(end)) + len(end)
	}
}
