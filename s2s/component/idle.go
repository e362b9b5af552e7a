package component

import (
	"bytes"
	"encoding/hex"

	"github.com/xylem-im/xylem/stanza"
)

// nsPing is the namespace of XEP-0199 §8.1.
const nsPing = "urn:xmpp:ping"

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never.
func (s *Stream) Deadline() int64 { return s.deadline }

// Tick acts on deadlines. The engine calls it at Deadline or later.
func (s *Stream) Tick(now int64, out *Out) {
	if s.state == stateClosed || s.deadline == 0 || now < s.deadline {
		return
	}
	if s.state != stateOpen {
		s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: "the handshake took too long"}, out)
		return
	}
	s.idle(now, out)
}

// idle looks after a component that may have been silent: it gets a ping, or white
// space where the answer is not waited for (RFC 6120 §4.6.1). Whatever it sends
// is a sign of life.
func (s *Stream) idle(now int64, out *Out) {
	switch {
	case s.ping != nil && s.active <= s.pingedAt:
		s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: "no answer to a ping"}, out)
	case s.cfg.IdleTime <= 0:
		s.ping, s.deadline = nil, 0
	case now-s.active < s.cfg.IdleTime:
		s.ping, s.deadline = nil, s.active+s.cfg.IdleTime
	case s.cfg.PingTime <= 0:
		out.Bytes = append(out.Bytes, ' ')
		s.deadline = now + s.cfg.IdleTime
	default:
		s.appendPing(now, now+s.cfg.PingTime, out)
	}
}

// Probe asks at once for a sign of life, for which there is Config.ProbeTime:
// somebody else would like to have the domain. now is Unix nanoseconds.
func (s *Stream) Probe(now int64, out *Out) {
	if s.state == stateOpen && s.ping == nil {
		s.appendPing(now, now+s.cfg.ProbeTime, out)
	}
}

// appendPing sends one, XEP-0199 §4.1.
func (s *Stream) appendPing(now, answerBy int64, out *Out) {
	var id [8]byte
	s.random(id[:])
	s.ping, s.pingedAt, s.deadline = hex.AppendEncode(s.ping[:0], id[:]), now, answerBy
	b := stanza.AppendAttr(append(out.Bytes, "<iq"...), "from", s.cfg.PingFrom(s.domain))
	b = stanza.AppendAttr(b, "to", s.domain)
	b = stanza.AppendAttr(b, "id", string(s.ping))
	out.Bytes = append(b, " type='get'><ping xmlns='"+nsPing+"'/></iq>"...)
}

// pong tells whether v is the answer to the ping under way, which goes no further.
func (s *Stream) pong(v *stanza.View) bool {
	if s.ping == nil || v.Kind != stanza.KindIQ || v.Type != stanza.TypeResult && v.Type != stanza.TypeError ||
		!bytes.Equal(v.ID(), s.ping) {
		return false
	}
	return true
}
