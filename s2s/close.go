package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// PeerError is the reason of a stream that the peer has ended with a stream
// error.
type PeerError struct {
	Condition stanza.StreamCondition
	Text      string // the peer's explanation; may be empty
}

// Error is "the other server ended the stream: CONDITION: TEXT".
func (e PeerError) Error() string {
	text := "the other server ended the stream: " + string(e.Condition)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// peerError reads <stream:error/>.
func peerError(f *parser.Frame) PeerError {
	e := PeerError{Condition: stanza.StreamUndefinedCondition}
	for w := f.Element().Walk(); w.Next(); {
		switch x := w.Element(); {
		case string(x.Namespace()) != stanza.NSStreams:
		case string(x.Local()) == "text":
			e.Text = string(x.AppendText(nil))
		default:
			e.Condition = stanza.StreamCondition(x.Local())
		}
	}
	return e
}

// Fail ends the stream with a stream error (RFC 6120 §4.9). The header is sent
// first when the peer has not seen one yet.
func (s *Stream) Fail(e stanza.StreamError, out *Out) {
	if s.state == stateClosed {
		return
	}
	if s.state != stateEnding {
		if !s.opened {
			s.appendHeader(out)
		}
		s.lastAck(out)
		out.Bytes = e.Append(out.Bytes)
	}
	s.end(e, out)
}

// End closes our side of the stream properly (RFC 6120 §4.4), because of reason.
func (s *Stream) End(reason error, out *Out) { s.end(reason, out) }

func (s *Stream) end(reason error, out *Out) {
	if s.state == stateClosed {
		return
	}
	if s.opened && s.state != stateEnding {
		s.lastAck(out)
		out.Bytes = append(out.Bytes, "</stream:stream>"...)
	}
	s.state = stateClosed
	s.due = 0
	out.Close, out.Reason = true, reason
}

// broken maps an error of the parser to the stream error that RFC 6120 names
// for it; the parser already speaks its terms.
func (s *Stream) broken(err error, out *Out) {
	var pe *parser.Error
	if !errors.As(err, &pe) {
		s.Fail(stanza.StreamError{Condition: stanza.StreamInternalServerError}, out)
		return
	}
	s.Fail(stanza.StreamError{Condition: stanza.StreamCondition(pe.Condition), Text: pe.Detail}, out)
}
