package parser

// Offsets are uint32 and relative to the '<' of the frame; stanzas are at most
// 1 GiB.

// span is a part of the frame.
type span struct{ off, n uint32 }

func (s span) of(b []byte) []byte { return b[s.off : s.off+s.n : s.off+s.n] }

// qname is a qualified name as written, packed so that it travels in one
// register: the offset in the low 32 bits, then 16 bits of size with prefix and
// colon, then 16 bits of prefix size, 0 if there is none.
type qname uint64

func packName(off, size, prefixLen int) qname {
	return qname(uint32(off)) | qname(uint16(size))<<32 | qname(uint16(prefixLen))<<48
}

func (q qname) off() uint32       { return uint32(q) }
func (q qname) size() uint32      { return uint32(q>>32) & 0xFFFF }
func (q qname) prefixLen() uint32 { return uint32(q >> 48) }

func (q qname) all(b []byte) []byte {
	end := q.off() + q.size()
	return b[q.off():end:end]
}

func (q qname) prefix(b []byte) []byte {
	end := q.off() + q.prefixLen()
	return b[q.off():end:end]
}

func (q qname) local(b []byte) []byte {
	from, end := q.off(), q.off()+q.size()
	if n := q.prefixLen(); n > 0 {
		from += n + 1
	}
	return b[from:end:end]
}

// nsRef is where a namespace name can be read. The kind is in the two high bits
// of n, so that the zero value is the empty name.
type nsRef struct{ off, n uint32 }

const (
	refFrame  = iota << 30 // off, n: written in the frame without anything to unescape
	refArena               // off, n: in the frame's arena
	refHeader              // off: index in the header's bindings
	refXML                 // the namespace that the prefix xml is bound to
	refKind   = 3 << 30
)

// binding is a declaration inside the frame.
type binding struct {
	prefix span // n == 0: the default namespace
	uri    nsRef
}

// attr is an attribute that is not a declaration.
type attr struct {
	name           qname
	valOff, valLen uint32
	ns             nsRef // only if it has a prefix
}

func (a *attr) value(b []byte) []byte {
	end := a.valOff + a.valLen
	return b[a.valOff:end:end]
}

// open is an element whose closing tag has not come.
type open struct {
	name  qname
	def   nsRef  // the default namespace around it
	binds uint32 // number of bindings around it
}

// child is a first-level child.
type child struct {
	name                           qname
	ns, def                        nsRef
	start, tagEnd, contentEnd, end uint32
}

func (c *child) element(f *Frame) Element {
	return Element{
		f: f, name: c.name, ns: c.ns, def: c.def,
		start: c.start, tagEnd: c.tagEnd, contentEnd: c.contentEnd, end: c.end,
	}
}

var xmlURI = []byte(nsXML) // never written

// uri reads a namespace name.
func (f *Frame) uri(r nsRef) []byte {
	switch end := r.off + r.n&^refKind; r.n & refKind {
	case refFrame:
		return f.buf[r.off:end:end]
	case refArena:
		return f.arena[r.off:end:end]
	case refHeader:
		return f.header.binds[r.off].URI
	}
	return xmlURI
}

// headerDefault returns the default namespace in force around the frame.
func (f *Frame) headerDefault() nsRef {
	if f.header.def < 0 {
		return nsRef{}
	}
	return nsRef{off: uint32(f.header.def), n: refHeader}
}
