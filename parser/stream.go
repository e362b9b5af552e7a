package parser

// Names that RFC 6120 §4.8 and Namespaces in XML fix.
const (
	nsStreams = "http://etherx.jabber.org/streams"
	nsXML     = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS   = "http://www.w3.org/2000/xmlns/"
)

// position is where a stream stands between two frames.
type position uint8

const (
	atStart    position = iota // nothing read: BOM and XML declaration may come
	atDecl                     // BOM passed: XML declaration may come
	inProlog                   // header expected
	inStream                   // stanza or closing tag expected
	afterClose                 // only white space may come
)

// Stream is what lives as long as one XML stream on one connection. The zero
// value expects a stream header and has the default limits. Between stanzas it
// holds no memory of its own beside a header that is shared when it declares
// only the usual namespaces. Loop only: use it with one Scanner at a time.
type Stream struct {
	limits *Limits // complete; nil means defaultLimits
	header *header // bindings of the stream header; nil before it
	saved  *state  // scan of a frame that has not ended; nil between frames
	err    *Error  // set once the stream is broken
	offset int64   // bytes consumed since the stream's start
	pos    position
}

// Reset makes the stream expect a new header, as after STARTTLS or SASL
// (RFC 6120 §4.3.3), and sets its limits as SetLimits does. A stanza that was
// begun is forgotten; call [Scanner.Release] first to keep its working memory.
func (st *Stream) Reset(limits *Limits) {
	*st = Stream{}
	st.SetLimits(limits)
}

// SetLimits replaces the limits, also in the middle of a stanza. nil means the
// defaults. A Limits made by [Limits.WithDefaults] is shared, not copied, and
// must not change while in use.
func (st *Stream) SetLimits(l *Limits) {
	switch {
	case l == nil:
		st.limits = nil
	case *l == l.WithDefaults():
		st.limits = l
	default:
		full := l.WithDefaults()
		st.limits = &full
	}
}

// Offset returns the number of bytes consumed since the stream's start.
func (st *Stream) Offset() int64 { return st.offset }

// Partial reports whether a stanza or header has begun and not ended.
func (st *Stream) Partial() bool { return st.saved != nil }

// Skip consumes n bytes of input that the caller has read by itself: whole first-level
// elements, well formed and within the limits. It tells whether it did: it does nothing
// unless the stream is open and stands between two of them.
func (st *Stream) Skip(n int) bool {
	if st.pos != inStream || st.saved != nil || st.err != nil {
		return false
	}
	st.offset += int64(n)
	return true
}

// lim returns the limits in force.
func (st *Stream) lim() *Limits {
	if st.limits == nil {
		return &defaultLimits
	}
	return st.limits
}

// Rename has stanzas read as if the header of the stream had declared the
// namespace to wherever it declares from. A router can so treat streams of
// different content namespaces (RFC 6120 §4.8.2) alike. Declarations inside
// stanzas are left as they are. Call it behind the header, before the first
// stanza; it does nothing before that.
func (st *Stream) Rename(from, to string) {
	if st.header == nil {
		return
	}
	renamed := false
	binds := make([]Binding, len(st.header.binds))
	for i, b := range st.header.binds {
		binds[i] = b
		if string(b.URI) == from {
			binds[i].URI, renamed = []byte(to), true
		}
	}
	if renamed {
		st.header = makeHeader(st.header.name, binds)
	}
}

// header is the part of a stream header that later frames depend on. It is
// never written after it was made.
type header struct {
	name   []byte    // qualified name of the root, for its closing tag
	binds  []Binding // declarations of the root
	def    int       // index in binds of the default namespace; -1: none
	firsts []uint8   // see first; nil if no URI occurs twice
}

// first returns the index of the first prefix that is bound to the same
// namespace as the one at index i. The default namespace does not count.
func (h *header) first(i int) int {
	if h.firsts == nil {
		return i
	}
	return int(h.firsts[i])
}

// findFirsts fills in firsts.
func (h *header) findFirsts() {
	firsts, twice := make([]uint8, len(h.binds)), false
	for i, b := range h.binds {
		firsts[i] = uint8(i)
		for j := range h.binds[:i] {
			if len(h.binds[j].Prefix) > 0 && string(h.binds[j].URI) == string(b.URI) {
				firsts[i], twice = uint8(j), true
				break
			}
		}
	}
	if twice {
		h.firsts = firsts
	}
}

// noHeader stands in where nothing is inherited.
var noHeader = &header{def: -1}

// usualHeaders are shared by all streams that declare just the same. Frozen.
var usualHeaders = []*header{
	usual("jabber:client"),
	usual("jabber:server"),
	usual("jabber:server", Binding{Prefix: []byte("db"), URI: []byte("jabber:server:dialback")}),
	usual("jabber:client", Binding{Prefix: []byte("db"), URI: []byte("jabber:server:dialback")}),
	usual("jabber:component:accept"),
}

func usual(content string, more ...Binding) *header {
	return &header{
		name: []byte("stream:stream"),
		binds: append([]Binding{
			{Prefix: nil, URI: []byte(content)},
			{Prefix: []byte("stream"), URI: []byte(nsStreams)},
		}, more...),
	}
}

// makeHeader returns a shared header that says the same as name and decls, or
// else an own copy of both.
func makeHeader(name []byte, decls []Binding) *header {
	for _, h := range usualHeaders {
		if h.same(name, decls) {
			return h
		}
	}
	h := &header{name: append([]byte(nil), name...), binds: make([]Binding, len(decls)), def: -1}
	for i, d := range decls {
		h.binds[i] = Binding{Prefix: append([]byte(nil), d.Prefix...), URI: append([]byte(nil), d.URI...)}
		if len(d.Prefix) == 0 {
			h.def = i
		}
	}
	h.findFirsts()
	return h
}

// same compares regardless of the order of declarations. No prefix occurs twice
// in decls.
func (h *header) same(name []byte, decls []Binding) bool {
	if len(h.binds) != len(decls) || string(h.name) != string(name) {
		return false
	}
	for _, d := range decls {
		i := h.find(d.Prefix)
		if i < 0 || string(h.binds[i].URI) != string(d.URI) {
			return false
		}
	}
	return true
}

// find returns the index of the binding of prefix, or -1.
func (h *header) find(prefix []byte) int {
	for i := range h.binds {
		if string(h.binds[i].Prefix) == string(prefix) {
			return i
		}
	}
	return -1
}
