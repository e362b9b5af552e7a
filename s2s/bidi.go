package s2s

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSBidi is the namespace of XEP-0288.
const NSBidi = "urn:xmpp:bidi"

// requestBidi asks that the peer may send on a stream of ours, before either
// side is authenticated (XEP-0288 §2.2). There is no answer: from now on it may.
func (s *Stream) requestBidi(out *Out) {
	if s.cfg.OneWay || s.bidi || s.peer&hasBidi == 0 {
		return
	}
	s.bidi = true
	out.Bytes = append(out.Bytes, "<bidi xmlns='"+NSBidi+"'/>"...)
}

// bidiElement takes the peer's request. After a first pair was proved it is too
// late.
func (s *Stream) bidiElement(f *parser.Frame, out *Out) {
	if s.outgoing || s.cfg.OneWay || s.sec == nil || s.state != stateOpen || s.proved() || string(f.Local()) != "bidi" {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	s.bidi = true
}
