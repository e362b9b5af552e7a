package parser

// Kind tells what a Frame is.
type Kind uint8

// The kinds of frames, in the order in which a stream has them.
const (
	None        Kind = iota
	StreamOpen       // the opening tag of the root; it has attributes and Decls but no content
	Stanza           // a whole first-level element
	StreamClose      // the closing tag of the root
)

// String returns the name of k.
func (k Kind) String() string {
	return [...]string{"None", "StreamOpen", "Stanza", "StreamClose"}[k&3]
}

// Binding is one namespace declaration.
type Binding struct {
	Prefix []byte // empty: the default namespace
	URI    []byte // unescaped; empty: un-prefixed elements are in no namespace
}

// Attr is one attribute that is not a namespace declaration.
type Attr struct {
	Name      []byte // as written, with prefix
	Prefix    []byte // empty if there is none
	Local     []byte
	Namespace []byte // empty without prefix (Namespaces in XML §6.2)
	Value     []byte // as written, still escaped
	Quote     byte   // ' or "
}

// Child is a first-level child of the top element.
type Child struct {
	Prefix    []byte // empty if there is none
	Local     []byte
	Namespace []byte // unescaped
	Raw       []byte // '<' to '>'
	Content   []byte // between its tags; empty for <x/>
	element   Element
}

// Element returns c for navigation below it.
func (c Child) Element() Element { return c.element }

// Frame is one first-level piece of a stream, made by [Scanner.Next]. It and all that it returns is
// valid until the next call of Next on the Scanner that returned it, or until
// the input changes, and must not be written to. Loop only.
type Frame struct {
	buf    []byte  // from '<' of the frame to its end
	header *header // what is in scope around it; never nil
	kind   Kind

	name   qname
	ns     nsRef
	attrs  []attr    // of the top element
	decls  []binding // of the top element
	childs []child   // the first maxChildren children
	arena  []byte    // unescaped URIs that nsRefs point to

	to, from, id, typ, lang int32 // indexes in attrs, -1: absent

	contentStart, contentEnd uint32
	usedDefault              bool // an un-prefixed element relies on the header's default namespace
	hasText                  bool
	moreChildren             bool      // there are more than maxChildren
	used                     [4]uint64 // header bindings that a prefix relies on

	scope scope // for looking up prefixes below the first level

	// Results of the accessors that return lists, made when asked for.
	attrOut  []Attr
	bindOut  []Binding
	childOut []Child
}

// Kind returns what f is.
func (f *Frame) Kind() Kind { return f.kind }

// Raw returns the element as received, from '<' to '>'.
func (f *Frame) Raw() []byte { return f.buf }

// Prefix returns the prefix of the top element, empty if it has none.
func (f *Frame) Prefix() []byte { return f.name.prefix(f.buf) }

// Local returns the local name of the top element.
func (f *Frame) Local() []byte { return f.name.local(f.buf) }

// Namespace returns the namespace of the top element, unescaped.
func (f *Frame) Namespace() []byte { return f.uri(f.ns) }

// Attr returns the value, as written, of the attribute of the top element with
// this name and no prefix.
func (f *Frame) Attr(local string) (raw []byte, ok bool) {
	for i := range f.attrs {
		a := &f.attrs[i]
		if a.name.prefixLen() == 0 && string(a.name.all(f.buf)) == local {
			return a.value(f.buf), true
		}
	}
	return nil, false
}

// To returns the "to" attribute of the top element as written. O(1).
func (f *Frame) To() (raw []byte, ok bool) { return f.attrAt(f.to) }

// From returns the "from" attribute of the top element as written. O(1).
func (f *Frame) From() (raw []byte, ok bool) { return f.attrAt(f.from) }

// ID returns the "id" attribute of the top element as written. O(1).
func (f *Frame) ID() (raw []byte, ok bool) { return f.attrAt(f.id) }

// Type returns the "type" attribute of the top element as written. O(1).
func (f *Frame) Type() (raw []byte, ok bool) { return f.attrAt(f.typ) }

// Lang returns the xml:lang attribute of the top element as written. O(1).
func (f *Frame) Lang() (raw []byte, ok bool) { return f.attrAt(f.lang) }

func (f *Frame) attrAt(i int32) ([]byte, bool) {
	if i < 0 || int(i) >= len(f.attrs) {
		return nil, false
	}
	return f.attrs[i].value(f.buf), true
}

// Attrs returns the attributes of the top element without its namespace
// declarations, in the order written.
func (f *Frame) Attrs() []Attr {
	f.attrOut = f.attrOut[:0]
	for i := range f.attrs {
		a := &f.attrs[i]
		out := Attr{
			Name:   a.name.all(f.buf),
			Prefix: a.name.prefix(f.buf),
			Local:  a.name.local(f.buf),
			Value:  a.value(f.buf),
			Quote:  f.buf[a.valOff-1],
		}
		if a.name.prefixLen() > 0 {
			out.Namespace = f.uri(a.ns)
		}
		f.attrOut = append(f.attrOut, out)
	}
	return f.attrOut
}

// AppendAttrs appends the attributes of the top element to dst, values and
// quotes as they were written, each with one space before it, but for namespace declarations and,
// unless withFrom, the un-prefixed from.
func (f *Frame) AppendAttrs(dst []byte, withFrom bool) []byte {
	for i := range f.attrs {
		if int32(i) == f.from && !withFrom {
			continue
		}
		a := &f.attrs[i]
		dst = append(dst, ' ')
		dst = append(dst, a.name.all(f.buf)...)
		dst = append(dst, '=')
		dst = append(dst, f.buf[a.valOff-1:a.valOff+a.valLen+1]...) // with its quotes
	}
	return dst
}

// IsSelfContained reports whether names mean the same wherever the default namespace
// is that of this stream: the top element has neither a prefix nor a namespace
// declaration, and nothing in it relies on a prefix of the stream header.
func (f *Frame) IsSelfContained() bool {
	return f.name.prefixLen() == 0 && len(f.decls) == 0 && f.used == [4]uint64{}
}

// Decls returns the namespace declarations on the top element itself, in the
// order written.
func (f *Frame) Decls() []Binding {
	f.bindOut = f.bindOut[:0]
	for _, d := range f.decls {
		f.bindOut = append(f.bindOut, Binding{Prefix: d.prefix.of(f.buf), URI: f.uri(d.uri)})
	}
	return f.bindOut
}

// Bindings returns what Decls returns; it reads better for a StreamOpen.
func (f *Frame) Bindings() []Binding { return f.Decls() }

// Content returns the bytes between the tags of the top element, nothing for
// <x/> and for a StreamOpen.
func (f *Frame) Content() []byte { return f.buf[f.contentStart:f.contentEnd] }

// EndTag returns the end tag of the top element, nothing for <x/> and for a StreamOpen:
// it lies at the end of Raw, behind Content.
func (f *Frame) EndTag() []byte {
	if end := f.buf[f.contentEnd:]; len(end) > 1 && end[0] == '<' && end[1] == '/' {
		return end
	}
	return nil
}

// HasText reports whether the top element directly contains character data
// other than white space.
func (f *Frame) HasText() bool { return f.hasText }

// Inherited returns the bindings of the stream header that names inside this
// stanza rely on, which have to be declared anew where the stanza is forwarded.
// An entry with an empty prefix means that un-prefixed elements rely on the
// header's default namespace, or with an empty URI on there being none.
// Prefixes in values, which only the application understands, are not seen.
func (f *Frame) Inherited() []Binding {
	f.bindOut = f.bindOut[:0]
	if f.usedDefault {
		b := Binding{}
		if f.header.def >= 0 {
			b = f.header.binds[f.header.def]
		}
		f.bindOut = append(f.bindOut, b)
	}
	for i, b := range f.header.binds {
		if f.used[i>>6]&(1<<(i&63)) != 0 {
			f.bindOut = append(f.bindOut, b)
		}
	}
	return f.bindOut
}

// Children returns the first-level children of the top element, in order. Each
// takes some 170 bytes; to look at the children of a stanza that may have tens of
// thousands, f.Element().Walk() takes none.
func (f *Frame) Children() []Child {
	f.childOut = f.childOut[:0]
	at := f.contentStart
	for i := range f.childs {
		e := f.childs[i].element(f)
		f.childOut = append(f.childOut, e.child())
		at = e.end
	}
	if f.moreChildren {
		rest := Children{parent: f.Element(), at: at}
		for rest.Next() {
			f.childOut = append(f.childOut, rest.Element().child())
		}
	}
	return f.childOut
}

// HasChild reports whether there is a first-level child with this namespace and
// local name, at a few nanoseconds for each child.
func (f *Frame) HasChild(namespace, local string) bool {
	for i := range f.childs {
		if c := &f.childs[i]; string(c.name.local(f.buf)) == local && string(f.uri(c.ns)) == namespace {
			return true
		}
	}
	return f.moreChildren && !f.Element().Child(namespace, local).IsZero()
}

// Element returns the top element for navigation below it.
func (f *Frame) Element() Element {
	e := Element{
		f: f, name: f.name, ns: f.ns, def: f.headerDefault(),
		tagEnd: f.contentStart, contentEnd: f.contentEnd, end: uint32(len(f.buf)),
	}
	for _, d := range f.decls {
		if d.prefix.n == 0 {
			e.def = d.uri
		}
	}
	return e
}
