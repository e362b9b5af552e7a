package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
)

const nsPing = "urn:xmpp:ping" // XEP-0199

// errUnused is why a stream ends that nobody needs.
var errUnused = errors.New("nothing was sent for a while")

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never. It may
// be earlier than anything is due.
func (s *Stream) Deadline() int64 { return s.due }

// sooner has Tick look at t at the latest.
func (s *Stream) sooner(t int64) { s.due = earlier(s.due, t) }

// plan finds when Tick is to look again: what happens in the meantime makes that
// too early at worst.
func (s *Stream) plan(now int64) {
	s.due = s.negotiateBy
	if s.state == stateNew || s.state == stateClosed {
		return
	}
	add := func(from, after int64) {
		if from != 0 && after != 0 {
			s.due = earlier(s.due, max(from+after, now+1))
		}
	}
	if s.dialback != nil {
		for i := range s.dialback.requests {
			add(s.dialback.requests[i].at, s.cfg.AnswerTime)
		}
		for i := range s.dialback.asks {
			add(s.dialback.asks[i].at, s.cfg.AnswerTime)
		}
	}
	if m := s.managed; m != nil {
		add(m.asked, s.cfg.AnswerTime)
		add(m.since, askTime)
	}
	add(s.pingedAt, s.cfg.AnswerTime)
	add(s.heard, s.cfg.SilentTime)
	add(s.used, s.cfg.IdleTime)
}

// Tick acts on deadlines. The engine calls it at Deadline or later.
func (s *Stream) Tick(now int64, out *Out) {
	switch {
	case s.state == stateClosed:
		return
	case s.state == stateEnding:
		s.end(errUnused, out)
		return
	case s.negotiateBy != 0 && now >= s.negotiateBy:
		s.tooLate(out)
		return
	case s.state == stateNew:
		s.plan(now)
		return
	}
	if what := s.overdue(now); what != "" {
		s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: what}, out)
		return
	}
	if s.unused(now) {
		s.leave(now, out)
		return
	}
	s.look(now, out)
	s.plan(now)
}

// tooLate ends a stream on which nothing was proved in time; one that was used
// for dialback questions has done its work.
func (s *Stream) tooLate(out *Out) {
	if s.served && s.opened {
		s.End(errUnused, out)
		return
	}
	s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: "no " + s.expects() + " came in time"}, out)
}

// expects names what the peer has to send before a pair is proved.
func (s *Stream) expects() string {
	switch s.state {
	case stateHeader:
		return "stream header"
	case stateFeatures:
		return "stream features"
	case stateTLS:
		return "answer to STARTTLS"
	case stateSASL:
		return "end of authentication"
	}
	switch d := s.dialback; {
	case d != nil && len(d.requests) > 0:
		return "answer to the dialback key"
	case s.sec == nil:
		return "STARTTLS"
	}
	return "proof of a domain"
}

// overdue names what the peer has not answered in time, "" if nothing.
func (s *Stream) overdue(now int64) string {
	late := func(at int64) bool { return at != 0 && now >= at+s.cfg.AnswerTime }
	if d := s.dialback; d != nil {
		for i := range d.requests {
			if late(d.requests[i].at) {
				return "no answer to a dialback key"
			}
		}
		for i := range d.asks {
			if late(d.asks[i].at) {
				return "no answer to a dialback question"
			}
		}
	}
	switch {
	case s.managed != nil && late(s.managed.asked):
		return "no acknowledgement of what was sent"
	case late(s.pingedAt):
		return "no sign of life"
	}
	return ""
}

// unused tells whether nobody needs the stream any more.
func (s *Stream) unused(now int64) bool {
	if s.cfg.IdleTime == 0 || now < s.used+s.cfg.IdleTime || s.negotiateBy != 0 || s.state != stateOpen {
		return false
	}
	if d := s.dialback; d != nil && len(d.requests)+len(d.asks)+len(d.claims) > 0 {
		return false
	}
	return s.managed == nil || s.managed.queue.Count() == 0 && s.managed.held.Len() == 0
}

// leave closes our side properly and goes on with what the peer still sends
// until it does the same (RFC 6120 §4.4).
func (s *Stream) leave(now int64, out *Out) {
	s.lastAck(out)
	out.Bytes = append(out.Bytes, "</stream:stream>"...)
	out.Ended, out.Reason = true, nil
	s.state = stateEnding
	s.due = now + s.cfg.AnswerTime
}

// look asks for acknowledgements and signs of life that are due.
func (s *Stream) look(now int64, out *Out) {
	if m := s.managed; m != nil && m.on && m.asked == 0 && m.since != 0 && now >= m.since+askTime {
		s.request(now, out)
	}
	if s.cfg.SilentTime == 0 || now < s.heard+s.cfg.SilentTime || s.pingedAt != 0 || s.negotiateBy != 0 {
		return
	}
	switch {
	case s.Managed():
		if s.managed.asked == 0 {
			s.request(now, out)
		}
		s.pingedAt = now
	case s.bidi && s.sends.len() > 0 && s.receives.len() > 0:
		s.ping(out)
		s.pingedAt = now
	default: // the answer could not come on this stream: only TCP can tell
		out.Bytes = append(out.Bytes, ' ')
		s.heard = now
	}
}

// ping asks the peer for a sign of life, XEP-0199 §4.3. Whatever it sends is one.
func (s *Stream) ping(out *Out) {
	p := s.sends.list[0]
	b := stanza.AppendAttr(append(out.Bytes, "<iq"...), "from", p.Local)
	b = stanza.AppendAttr(b, "to", p.Remote)
	b = stanza.AppendAttr(b, "id", s.randomID())
	out.Bytes = append(b, " type='get'><ping xmlns='"+nsPing+"'/></iq>"...)
}
