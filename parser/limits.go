package parser

// Limits bounds what one stream may make the parser hold or do. A field that is
// zero takes its default; a field above its maximum takes the maximum. Passing a
// limit ends the stream with policy-violation (RFC 6120 §4.9.3.14), as soon as
// the byte that passes it has arrived.
type Limits struct {
	StanzaBytes int // bytes of a whole first-level element, '<' to '>'; default 262144, at most 1 GiB
	HeaderBytes int // bytes from the stream's start to the end of its header, XML declaration included; default 8192, at most 1 MiB
	Depth       int // nesting, the stanza itself is 1; default 64, at most 65535
	Attributes  int // attributes of one element, namespace declarations included; default 64, at most 65535
	NameBytes   int // bytes of a qualified name; default 256, at most 65535
	Bindings    int // namespace declarations in scope at once, those of the header included; default 128, at most 256
}

const (
	maxStanzaBytes = 1 << 30
	maxHeaderBytes = 1 << 20
	maxUint16      = 1<<16 - 1
	maxBindings    = 256 // the set of used header bindings is a fixed bitmap
)

// defaultLimits is never written.
var defaultLimits = Limits{
	StanzaBytes: 262144,
	HeaderBytes: 8192,
	Depth:       64,
	Attributes:  64,
	NameBytes:   256,
	Bindings:    128,
}

// WithDefaults returns l with zero fields replaced by their defaults and fields
// that are too large by their maximum. A Limits made so can be shared by any
// number of Streams; for another one [Stream.SetLimits] makes a copy.
func (l Limits) WithDefaults() Limits {
	fill := func(field *int, def, most int) {
		if *field <= 0 {
			*field = def
		}
		*field = min(*field, most)
	}
	fill(&l.StanzaBytes, defaultLimits.StanzaBytes, maxStanzaBytes)
	fill(&l.HeaderBytes, defaultLimits.HeaderBytes, maxHeaderBytes)
	fill(&l.Depth, defaultLimits.Depth, maxUint16)
	fill(&l.Attributes, defaultLimits.Attributes, maxUint16)
	fill(&l.NameBytes, defaultLimits.NameBytes, maxUint16)
	fill(&l.Bindings, defaultLimits.Bindings, maxBindings)
	return l
}
