package session

import "strconv"

// A stanza of the client counts as handled (XEP-0198 §4) when it was dealt with.
// Most are when they have been routed. One that somebody must keep first is
// held by Hold until Settle, while the session goes on with the next ones; what
// the client is told as h is the number of stanzas before the first that is held.

// ackPatience is for how long an <r/> is not answered while stanzas are held,
// nanoseconds. The answer tells less then, and another one follows.
const ackPatience = int64(1e9)

// holding is what is held, in managed. It is kept while a client sends what must
// be held, and given up when it rests.
type holding struct {
	Held
	owedDue int64 // when an <r/> is answered in any case; 0: it was
}

// Hold says that the stanza that was received last is not handled before Settle
// is called with seq; again does nothing. Without stream management nobody
// waits for that, and ok is false.
func (s *Session) Hold() (seq uint32, ok bool) {
	m := s.managed
	if m == nil {
		return 0, false
	}
	if m.holding == nil {
		m.holding = &holding{}
	}
	m.Add(m.in)
	return m.in, true
}

// Held is the number of stanzas that are held.
func (s *Session) Held() int {
	if s.managed == nil || s.managed.holding == nil {
		return 0
	}
	return s.managed.Len()
}

// Settle ends Hold for the stanzas from first to last, both included. out gets the
// acknowledgement that the client waits for.
func (s *Session) Settle(first, last uint32, out *Out) {
	if s.Held() > 0 && s.managed.Remove(first, last) {
		s.managed.owedDue = 0
		s.appendAck(out)
	}
}

// askedFor answers an <r/>, when all that was sent before it is handled.
func (s *Session) askedFor(out *Out) {
	m := s.managed
	if s.Held() > 0 {
		m.Owe(m.in)
		if m.owedDue == 0 {
			m.owedDue = s.active + ackPatience
		}
		return
	}
	s.appendAck(out)
}

// owes answers an <r/> that has waited too long.
func (s *Session) owes(now int64, out *Out) {
	if m := s.managed; m != nil && m.holding != nil && m.owedDue != 0 && now >= m.owedDue {
		m.owedDue = 0
		s.appendAck(out)
	}
}

func (s *Session) appendAck(out *Out) {
	if s.state != stateBound {
		return
	}
	out.Bytes = AppendAck(out.Bytes, s.handled())
}

// AppendAck renders <a/>, XEP-0198 §4.
func AppendAck(b []byte, h uint32) []byte {
	b = append(b, "<a xmlns='"+NSManage+"' h='"...)
	b = strconv.AppendUint(b, uint64(h), 10)
	return append(b, "'/>"...)
}

// forgetHeld lets the client send again what is held still.
func (s *Session) forgetHeld() {
	m := s.managed
	m.in = s.handled()
	m.holding = nil
}

// rest gives up what a session does not need that has sent nothing for a while.
func (s *Session) rest() {
	if m := s.managed; m != nil && m.holding != nil && m.Len() == 0 && m.owedDue == 0 {
		m.holding = nil
	}
}
