package session

import (
	"slices"
	"strconv"
)

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
	held    []uint32 // numbers of stanzas, as counted by managed.in; oldest first
	owed    bool     // an <r/> was not answered, or with less than the client sent before it
	owedFor uint32   // managed.in then
	owedDue int64    // when it is answered in any case; 0: it was
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
	if n := len(m.held); n == 0 || m.held[n-1] != m.in {
		m.held = append(m.held, m.in)
	}
	return m.in, true
}

// Held is the number of stanzas that are held.
func (s *Session) Held() int {
	if s.managed == nil || s.managed.holding == nil {
		return 0
	}
	return len(s.managed.held)
}

// Settle ends Hold for one stanza. out gets the acknowledgement that the client
// waits for.
func (s *Session) Settle(seq uint32, out *Out) {
	if s.Held() == 0 {
		return
	}
	m := s.managed
	i := slices.Index(m.held, seq) // nearly always among the first ones
	if i < 0 {
		return
	}
	m.held = slices.Delete(m.held, i, i+1)
	if m.owed && (len(m.held) == 0 || int32(m.held[0]-m.owedFor) > 0) {
		m.owed, m.owedDue = false, 0
		s.appendAck(out)
	}
}

// asked answers an <r/>, when all that was sent before it is handled.
func (s *Session) askedFor(out *Out) {
	m := s.managed
	if s.Held() > 0 {
		m.owed, m.owedFor = true, m.in
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
	out.Bytes = append(out.Bytes, "<a xmlns='"+NSManage+"' h='"...)
	out.Bytes = strconv.AppendUint(out.Bytes, uint64(s.handled()), 10)
	out.Bytes = append(out.Bytes, "'/>"...)
}

// forgetHeld lets the client send again what is held still.
func (s *Session) forgetHeld() {
	m := s.managed
	m.in = s.handled()
	m.holding = nil
}

// rest gives up what a session does not need that has sent nothing for a while.
func (s *Session) rest() {
	if m := s.managed; m != nil && m.holding != nil && len(m.held) == 0 && m.owedDue == 0 {
		m.holding = nil
	}
}
