package session

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// startTLS takes an element of the TLS namespace, RFC 6120 §5.4.2.
func (s *Session) startTLS(f *parser.Frame, out *Out) {
	switch {
	case string(f.Local()) != "starttls":
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case !s.canStartTLS() || s.state != stateOpen:
		// Not offered here: the failure case of §5.4.2.2 closes the stream.
		out.Bytes = append(out.Bytes, "<failure xmlns='"+stanza.NSTLS+"'/>"...)
		s.end(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "STARTTLS where it was not offered"}, out)
	default:
		out.Bytes = append(out.Bytes, "<proceed xmlns='"+stanza.NSTLS+"'/>"...)
		out.StartTLS = true
		s.state, s.opened = stateHeader, false
	}
}
