package session

import (
	"github.com/xylem-im/xylem/stanza"
)

// NSPing is the namespace of XEP-0199 §8.1.
const NSPing = "urn:xmpp:ping"

// idle looks after a client that has been silent for IdleTime: it gets a ping,
// or white space where the answer is not waited for (RFC 6120 §4.6.1).
// Whatever it sends is an answer: an error from a client that does not know
// pings is as good as a result.
func (s *Session) idle(now int64, out *Out) {
	quiet := now - s.active
	s.rest()
	switch {
	case quiet < s.cfg.IdleTime:
		s.deadline = s.active + s.cfg.IdleTime
	case s.waiting != OpNone:
		// It may have sent something that is not read while an operation runs.
		s.deadline = now + s.cfg.IdleTime
	case s.cfg.PingTime <= 0:
		out.Bytes = append(out.Bytes, ' ')
		s.deadline = now + s.cfg.IdleTime
	case s.pinged:
		s.silent(out)
	default:
		s.pinged = true
		s.appendPing(out)
		s.deadline = now + s.cfg.PingTime
	}
}

// appendPing asks for a sign of life, XEP-0199 §4.1. The answer is for the
// server, which drops it.
func (s *Session) appendPing(out *Out) {
	at := len(out.Bytes)
	b := stanza.AppendAttr(append(out.Bytes, "<iq"...), "from", s.Domain())
	b = stanza.AppendAttr(b, "to", s.jid.String())
	b = stanza.AppendAttr(b, "id", s.randomID(8))
	out.Bytes = append(b, " type='get'><ping xmlns='"+NSPing+"'/></iq>"...)
	s.countFrom(at, out)
}
