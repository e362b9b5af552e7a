package s2s

import "github.com/xylem-im/xylem/stanza"

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
