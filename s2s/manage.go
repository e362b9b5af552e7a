package s2s

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// NSManage is the namespace of XEP-0198.
const NSManage = session.NSManage

// A peer is asked for an acknowledgement after so many stanzas or bytes, or so
// long after the first that it has not acknowledged.
const (
	askStanzas = 64
	askBytes   = 32 << 10
	askTime    = int64(2e9)
)

// managed is stream management: sent stanzas are kept from <enable/> on, those
// that come are counted from <enabled/> on.
type managed struct {
	queue  session.AckQueue // the tag is the index of the pair in Stream.sends
	in     uint32           // stanzas received, modulo 2^32
	held   session.Held     // those of them that are not dealt with yet
	on     bool             // the peer has agreed
	told   uint32           // what was acknowledged last
	asked  int64            // when the <r/> was sent that is not answered; 0: there is none
	since  int64            // since when something is unacknowledged and not asked for; 0: nothing is
	fresh  int              // stanzas sent since the last <r/>
	weight int              // and their bytes
	wanted bool             // a sender waits for one of them

	receipts []numbered // of what is in queue, oldest first
}

// enable asks for stream management on a stream of ours, once a pair was proved
// (XEP-0198 §3), before the first stanza.
func (s *Stream) enable(out *Out) {
	if s.outgoing && s.managed == nil && s.cfg.Manage && s.peer&hasManage != 0 {
		s.managed = &managed{}
		out.Bytes = append(out.Bytes, "<enable xmlns='"+NSManage+"'/>"...)
	}
}

// manage takes an element of stream management.
func (s *Stream) manage(now int64, f *parser.Frame, out *Out) {
	if s.state == stateEnding {
		if string(f.Local()) == "a" && s.Managed() {
			s.acked(now, f, out)
		}
		return
	}
	m, name := s.managed, string(f.Local())
	switch {
	case !s.cfg.Manage || s.state != stateOpen:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case name == "enable" && !s.outgoing && m == nil && s.proved():
		s.managed = &managed{on: true}
		out.Bytes = append(out.Bytes, "<enabled xmlns='"+NSManage+"'/>"...)
	case name == "enable" && !s.outgoing, name == "resume" && !s.outgoing:
		out.Bytes = session.AppendFailed(out.Bytes, stanza.UnexpectedRequest, nil)
	case name == "enabled" && s.outgoing && m != nil && !m.on:
		m.on = true
		s.askAgain(now, out)
	case name == "failed" && s.outgoing && m != nil && !m.on:
		m.queue.Release(&out.stores)
		m.settle(out)
		s.managed, s.peer = nil, s.peer&^hasManage
	case name == "r" && m != nil && m.on:
		s.acknowledge(out)
	case name == "a" && m != nil && m.on:
		s.acked(now, f, out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// acknowledge tells what was dealt with, XEP-0198 §4: at once, as the peer may give
// up a stream that does not answer, and again when all is dealt with that came
// before the question.
func (s *Stream) acknowledge(out *Out) {
	m := s.managed
	m.held.Owe(m.in)
	s.tell(out)
}

func (s *Stream) tell(out *Out) {
	m := s.managed
	m.told = m.held.Handled(m.in)
	out.Bytes = session.AppendAck(out.Bytes, m.told)
}

// lastAck tells what was dealt with before our side of the stream ends, so that
// the peer sends nothing again that has arrived.
func (s *Stream) lastAck(out *Out) {
	if m := s.managed; m != nil && m.on && m.told != m.held.Handled(m.in) {
		s.tell(out)
	}
}

// acked takes what the peer has dealt with.
func (s *Stream) acked(now int64, f *parser.Frame, out *Out) {
	m := s.managed
	h, ok := session.HandledAttr(f)
	switch sent := m.queue.Sent(); {
	case !ok:
		s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "an <a/> has an h of 32 bits"}, out)
	case !m.queue.Ack(h, &out.stores):
		s.Fail(session.HandledTooHigh(h, sent), out)
	default:
		m.settle(out)
		m.asked = 0
		if m.since = 0; m.queue.Count() > 0 {
			m.since = now
		}
		s.askAgain(now, out)
	}
}

// askAgain asks for what was sent while that could not be asked for.
func (s *Stream) askAgain(now int64, out *Out) {
	if s.state == stateOpen && s.managed.behind() {
		s.request(now, out)
		return
	}
	s.expect(now)
}

// behind tells whether so much was sent since the last <r/>, or something that a
// sender waits for, that it is time for another one.
func (m *managed) behind() bool { return m.wanted || m.fresh >= askStanzas || m.weight >= askBytes }

// countIn counts a stanza of the peer.
func (s *Stream) countIn() {
	if s.Managed() {
		s.managed.in++
	}
}

// Number tells the stanza that Feed has just handed out from others, for Handled.
func (s *Stream) Number() uint32 {
	if !s.Managed() {
		return 0
	}
	return s.managed.in
}

// Hold tells that the stanza with this Number is dealt with later: it is not
// acknowledged before Handled. Again does nothing.
func (s *Stream) Hold(number uint32) {
	if s.Managed() {
		s.managed.held.Add(number)
	}
}

// Holds tells whether the stanza with this Number is held.
func (s *Stream) Holds(number uint32) bool { return s.Managed() && s.managed.held.Has(number) }

// Held is the number of stanzas that are held.
func (s *Stream) Held() int {
	if s.managed == nil {
		return 0
	}
	return s.managed.held.Len()
}

// Handled tells that the stanza with this Number was dealt with. A peer that has
// asked, and was told less than it had sent, is told now.
func (s *Stream) Handled(number uint32, out *Out) {
	if m := s.managed; m != nil && m.held.Remove(number, number) && s.state == stateOpen {
		s.tell(out)
	}
}

// count keeps a stanza until it is acknowledged, and asks for that in time.
func (s *Stream) count(now int64, st []byte, pair uint32, rc Receipt, out *Out) {
	m := s.managed
	if m == nil {
		out.settled(rc)
		return
	}
	m.queue.Add(now, st, pair, &out.stores)
	m.await(rc)
	m.fresh++
	m.weight += len(st)
	if m.on && m.asked == 0 && m.behind() {
		out.Ask = true
		s.requested(now)
		return
	}
	if m.since == 0 {
		m.since = now
		s.expect(now)
	}
}

// request asks for an acknowledgement.
func (s *Stream) request(now int64, out *Out) {
	out.Bytes = append(out.Bytes, AskRequest...)
	s.requested(now)
}

// AskRequest is what Out.Ask has written.
const AskRequest = session.AckRequest

// requested notes that one was asked for.
func (s *Stream) requested(now int64) {
	m := s.managed
	m.asked, m.since, m.fresh, m.weight, m.wanted = now, 0, 0, 0, false
	s.sooner(now + s.cfg.AnswerTime)
}

// expect has Tick ask when it is time.
func (s *Stream) expect(now int64) {
	if s.managed.since != 0 {
		s.sooner(now + askTime)
	}
}

// Full tells that no more stanzas are to be given to Deliver until the peer has
// acknowledged some.
func (s *Stream) Full() bool {
	m := s.managed
	return m != nil && (m.queue.Bytes() >= s.cfg.UnackedBytes || m.queue.Count() >= s.cfg.UnackedStanzas)
}

// Unacked calls yield for each stanza given to Deliver that the peer has not
// acknowledged, oldest first, as rendered, with its receipt; also after the
// stream has ended, until Release. Empty without stream management.
func (s *Stream) Unacked(yield func(p Pair, st []byte, rc Receipt) bool) {
	m := s.managed
	if m == nil {
		return
	}
	number, receipts := m.queue.Acked(), m.receipts
	m.queue.All(func(_ int64, st []byte, tag uint32) bool {
		var rc Receipt
		if number++; len(receipts) > 0 && receipts[0].number == number {
			rc, receipts = receipts[0].Receipt, receipts[1:]
		}
		return yield(s.sends.list[tag], st, rc)
	})
}
