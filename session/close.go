package session

import "github.com/xylem-im/xylem/stanza"

// Fail ends the stream with a stream error (RFC 6120 §4.9). The header is
// sent first when the peer has not seen one yet (§4.9.1.2).
func (s *Session) Fail(e stanza.StreamError, out *Out) {
	if s.state == stateClosed {
		return
	}
	if !s.opened {
		s.appendHeader("", out)
	}
	out.Bytes = e.Append(out.Bytes)
	out.StreamErrors++
	s.end(e, out)
}

// end closes our side of the stream, RFC 6120 §4.4.
func (s *Session) end(reason error, out *Out) {
	if s.state == stateClosed {
		return
	}
	if s.opened {
		out.Bytes = append(out.Bytes, "</stream:stream>"...)
	}
	held := s.inactive != nil && s.managed != nil && s.state == stateBound
	s.state = stateClosed
	if held {
		s.queueHeld(s.active, out)
	}
	s.waiting = OpNone
	s.inactive = nil
	out.Close, out.Reason = true, reason
}
