package parser

import (
	"bytes"
	"iter"
)

// Element is a place in a Frame from which one can go down. It is a value, and
// walking allocates nothing. It relies on what the Scanner has proven about the
// frame, and is valid as long as the Frame is. The zero Element has no name, no
// attributes and no children.
type Element struct {
	f                              *Frame
	name                           qname
	ns, def                        nsRef // def: default namespace inside it
	start, tagEnd, contentEnd, end uint32
}

// IsZero reports whether e is the zero Element.
func (e Element) IsZero() bool { return e.f == nil }

// Prefix returns the prefix of the name, empty if it has none.
func (e Element) Prefix() []byte {
	if e.f == nil {
		return nil
	}
	return e.name.prefix(e.f.buf)
}

// Local returns the local name.
func (e Element) Local() []byte {
	if e.f == nil {
		return nil
	}
	return e.name.local(e.f.buf)
}

// Namespace returns the namespace, unescaped.
func (e Element) Namespace() []byte {
	if e.f == nil {
		return nil
	}
	return e.f.uri(e.ns)
}

// Is reports whether e has this namespace and local name.
func (e Element) Is(namespace, local string) bool {
	return string(e.Local()) == local && string(e.Namespace()) == namespace
}

// Raw returns e as received, from '<' to '>'.
func (e Element) Raw() []byte {
	if e.f == nil {
		return nil
	}
	return e.f.buf[e.start:e.end:e.end]
}

// Offset returns where e begins in [Frame.Raw], in bytes.
func (e Element) Offset() int { return int(e.start) }

// Content returns the bytes between the tags, nothing for <x/>.
func (e Element) Content() []byte {
	if e.f == nil {
		return nil
	}
	return e.f.buf[e.tagEnd:e.contentEnd:e.contentEnd]
}

// Attr returns the value, as written, of the attribute with this name and no
// prefix.
func (e Element) Attr(local string) (raw []byte, ok bool) {
	for t := e.tag(); t.next(); {
		if string(t.name) == local {
			return t.value, true
		}
	}
	return nil, false
}

// AttrNS returns the value, as written, of the attribute with this namespace
// and local name; use Attr for those without a prefix.
func (e Element) AttrNS(namespace, local string) (raw []byte, ok bool) {
	for t := e.tag(); t.next(); {
		colon := bytes.IndexByte(t.name, ':')
		if colon < 0 || string(t.name[colon+1:]) != local || string(t.name[:colon]) == "xmlns" {
			continue
		}
		if string(e.f.uri(e.f.lookup(t.name[:colon], e.start))) == namespace {
			return t.value, true
		}
	}
	return nil, false
}

// Attrs iterates over the attributes without namespace declarations, in the
// order written.
func (e Element) Attrs() iter.Seq[Attr] {
	return func(yield func(Attr) bool) {
		for t := e.tag(); t.next(); {
			n := nameOf(t.name, 0)
			a := Attr{Name: t.name, Prefix: n.prefix(t.name), Local: n.local(t.name), Value: t.value, Quote: t.b[t.at-1]}
			if isDeclaration(n, t.name) {
				continue
			}
			if n.prefixLen() > 0 {
				a.Namespace = e.f.uri(e.f.lookup(a.Prefix, e.start))
			}
			if !yield(a) {
				return
			}
		}
	}
}

// AppendContent appends the bytes between the tags without the child elements
// that drop names.
func (e Element) AppendContent(dst []byte, drop func(Element) bool) []byte {
	if e.f == nil {
		return dst
	}
	at := e.tagEnd
	for c := e.Walk(); c.Next(); {
		if k := c.Element(); drop(k) {
			dst = append(dst, e.f.buf[at:k.start]...)
			at = k.end
		}
	}
	return append(dst, e.f.buf[at:e.contentEnd]...)
}

// AppendText appends the character data directly inside e, unescaped, with
// CDATA sections opened up. Line ends stay as written.
func (e Element) AppendText(dst []byte) []byte {
	c := e.Content()
	for len(c) > 0 {
		lt := bytes.IndexByte(c, '<')
		if lt < 0 {
			return AppendUnescaped(dst, c)
		}
		dst = AppendUnescaped(dst, c[:lt])
		if c[lt+1] == '!' {
			n := bytes.Index(c[lt:], cdataEnd)
			dst = append(dst, c[lt+len(cdataStart):lt+n]...)
			c = c[lt+n+len(cdataEnd):]
			continue
		}
		c = c[skipElement(c, lt):]
	}
	return dst
}

// Children iterates over the child elements in order.
func (e Element) Children() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for c := e.Walk(); c.Next(); {
			if !yield(c.Element()) {
				return
			}
		}
	}
}

// Child returns the first child with this namespace and local name; an empty
// namespace argument means any. The result is zero if there is none.
func (e Element) Child(namespace, local string) Element {
	for c := e.Walk(); c.Next(); {
		if k := c.Element(); string(k.Local()) == local && (namespace == "" || string(k.Namespace()) == namespace) {
			return k
		}
	}
	return Element{}
}

// Walk returns a cursor before the first child element.
func (e Element) Walk() Children {
	return Children{parent: e, at: e.tagEnd, recorded: e.f != nil && e.start == 0}
}

// Children is a cursor over child elements.
type Children struct {
	parent, current Element
	at              uint32 // in the frame, where to go on
	next            int    // in the frame's records of first-level children
	recorded        bool   // there may be more of these
}

// Next moves to the next child and reports whether there is one.
func (c *Children) Next() bool {
	p := &c.parent
	if p.f == nil {
		return false
	}
	if c.recorded {
		if c.next < len(p.f.childs) {
			c.current = p.f.childs[c.next].element(p.f)
			c.at = c.current.end
			c.next++
			return true
		}
		if !p.f.moreChildren {
			return false
		}
		c.recorded = false
	}
	b := p.f.buf[:p.contentEnd]
	for {
		lt := bytes.IndexByte(b[c.at:], '<')
		if lt < 0 {
			return false
		}
		c.at += uint32(lt)
		if b[c.at+1] != '!' {
			break
		}
		c.at += uint32(bytes.Index(b[c.at:], cdataEnd) + len(cdataEnd))
	}
	c.current = p.childAt(c.at)
	c.at = c.current.end
	return true
}

// Element returns the child that Next moved to.
func (c *Children) Element() Element { return c.current }

// childAt makes the Element for the child of e that begins at start.
func (e *Element) childAt(start uint32) Element {
	b := e.f.buf
	t := tagReader{b: b, at: int(start) + 1}
	t.readName()
	k := Element{f: e.f, name: nameOf(t.name, start+1), start: start, def: e.def}
	for t.next() {
		if string(t.name) == "xmlns" {
			k.def = e.f.refer(t.value, t.at-1-len(t.value))
		}
	}
	k.tagEnd = uint32(t.end)
	k.ns = k.def
	if k.name.prefixLen() > 0 {
		k.ns = e.f.lookup(k.name.prefix(b), start)
	}
	if t.empty {
		k.contentEnd, k.end = k.tagEnd, k.tagEnd
		return k
	}
	k.end = uint32(skipElement(b, int(start)))
	// White space may stand before the '>' of the closing tag, but no second '<'.
	k.contentEnd = uint32(bytes.LastIndexByte(b[:k.end], '<'))
	return k
}

// nameOf describes a name that is written at off.
func nameOf(name []byte, off uint32) qname {
	return packName(int(off), len(name), max(0, bytes.IndexByte(name, ':')))
}

// child converts e.
func (e Element) child() Child {
	return Child{
		Prefix: e.Prefix(), Local: e.Local(), Namespace: e.Namespace(),
		Raw: e.Raw(), Content: e.Content(), element: e,
	}
}

// tag returns a reader of e's attributes.
func (e Element) tag() tagReader {
	if e.f == nil {
		return tagReader{}
	}
	t := tagReader{b: e.f.buf, at: int(e.start) + 1}
	t.readName()
	return t
}
