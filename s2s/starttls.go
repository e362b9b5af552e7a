package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// errTLSRefused is why a stream of ours ends after <failure/>, RFC 6120 §5.4.2.2.
var errTLSRefused = errors.New("the server could not go on with TLS; its own log may say why")

// startTLS takes an element of the TLS namespace, RFC 6120 §5.4.2.
func (s *Stream) startTLS(f *parser.Frame, out *Out) {
	switch name := string(f.Local()); {
	case s.outgoing && name == "proceed" && s.state == stateTLS:
		out.StartTLS = true
		s.state = stateNew
	case s.outgoing && name == "failure" && s.state == stateTLS:
		s.refuse(s.first(), errTLSRefused, out)
		s.End(errTLSRefused, out)
	case s.outgoing || name != "starttls":
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case s.sec != nil || s.state != stateOpen:
		// Not offered here: the failure case of §5.4.2.2 closes the stream.
		out.Bytes = append(out.Bytes, "<failure xmlns='"+stanza.NSTLS+"'/>"...)
		s.End(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "STARTTLS where it was not offered"}, out)
	default:
		out.Bytes = append(out.Bytes, "<proceed xmlns='"+stanza.NSTLS+"'/>"...)
		out.StartTLS = true
		s.state, s.opened = stateNew, false
	}
}
