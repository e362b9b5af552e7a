package session

import (
	"math"
	"strconv"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSManage is the namespace of XEP-0198 §13 (version 1.6.3 of the document).
const NSManage = "urn:xmpp:sm:3"

// AckRequest asks the client for an acknowledgement.
const AckRequest = "<r xmlns='" + NSManage + "'/>"

// Management bounds what stream management (XEP-0198) may hold and says when
// the client is asked. All fields must be set but Window.
type Management struct {
	Window     int64 // nanoseconds for which a session without a connection is kept at most; 0: no resumption
	Bytes      int   // of unacknowledged stanzas; more ends the session with resource-constraint
	Stanzas    int   // unacknowledged; the same
	AskStanzas int   // sent since the last <r/> until the next one
	AskTime    int64 // nanoseconds from the first unacknowledged stanza until an <r/>
}

// managed is the state of a session that has sent <enable/>.
type managed struct {
	queue    AckQueue
	secret   [secretBytes]byte // of the SM-ID, if it can be resumed
	due      int64             // when manageTick looks; 0: never
	*holding                   // nil before anything was held, and again after a rest
	window   uint32            // as granted, milliseconds; 0: it cannot be resumed
	in       uint32            // stanzas received since <enable/>, modulo 2^32
	unasked  uint32            // stanzas since the last <r/>
	asked    bool              // an <r/> was sent and not answered
	again    bool              // somebody wants to know of stanzas behind that <r/>
	asks     bool              // an <r/> is to follow, see Session.Ask
}

// secretBytes is the length of the secret of an SM-ID.
const secretBytes = 16

// milliseconds is a time of nanoseconds, rounded up, 49 days at most.
func milliseconds(nanoseconds int64) uint32 {
	return uint32(min((nanoseconds+1e6-1)/1e6, math.MaxUint32))
}

// Managed tells whether stream management is on: then Deliver must see the
// whole stanza.
func (s *Session) Managed() bool { return s.managed != nil }

// Sent is the number of stanzas given to the client since <enable/>, those
// that wait for a resumption among them; 0 without stream management.
func (s *Session) Sent() uint64 {
	if s.managed == nil {
		return 0
	}
	return s.managed.queue.Sent()
}

// Acked is how many of Sent the client has acknowledged.
func (s *Session) Acked() uint64 {
	if s.managed == nil {
		return 0
	}
	return s.managed.queue.Acked()
}

// Unacked calls yield for each stanza that the client has not acknowledged,
// oldest first; also after the session has ended, until Release.
func (s *Session) Unacked(yield func(Unacked) bool) { s.UnackedAfter(0, yield) }

// UnackedAfter is Unacked for the stanzas behind the first n of [Session.Sent]; they
// are lent as there.
func (s *Session) UnackedAfter(n uint64, yield func(Unacked) bool) {
	if s.managed != nil {
		s.managed.queue.After(n, func(at int64, st []byte, tag uint32) bool {
			return yield(Unacked{st, at, Delivery(tag)})
		})
	}
}

// handled is h as we tell it: a stanza that the session waits for, or that is
// held, was not handled yet.
func (s *Session) handled() uint32 {
	if s.Held() > 0 {
		return s.managed.Handled(s.managed.in)
	}
	if s.waiting == OpStanza {
		return s.managed.in - 1
	}
	return s.managed.in
}

// manage takes an element of stream management on a bound stream, XEP-0198 §3
// and §4.
func (s *Session) manage(f *parser.Frame, out *Out) {
	switch name := string(f.Local()); {
	case s.cfg.Management == nil:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case name == "enable" && s.managed == nil:
		out.Bytes = s.enable(readEnable(f.Attr), out.Bytes)
	case name == "enable":
		out.Bytes = AppendFailed(out.Bytes, stanza.UnexpectedRequest, nil)
		s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "stream management is on already"}, out)
	case name == "r" && s.managed != nil:
		s.askedFor(out)
	case name == "a" && s.managed != nil:
		s.acked(f, out)
	case name == "r" || name == "a" || name == "resume":
		out.Bytes = AppendFailed(out.Bytes, stanza.UnexpectedRequest, nil)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// enableRequest is an <enable/>.
type enableRequest struct {
	resume bool
	max    int64 // nanoseconds that the client wants at most; negative: it does not say
}

// readEnable reads the attributes of an <enable/>, XEP-0198 §3.
func readEnable(attr func(string) ([]byte, bool)) *enableRequest {
	e := &enableRequest{max: -1}
	resume, _ := attr("resume")
	e.resume = string(resume) == "true" || string(resume) == "1"
	if raw, ok := attr("max"); ok {
		if seconds, err := strconv.ParseUint(string(raw), 10, 32); err == nil {
			e.max = int64(seconds) * 1e9
		}
	}
	return e
}

// enable turns stream management on and appends <enabled/>, XEP-0198 §3.
func (s *Session) enable(e *enableRequest, b []byte) []byte {
	m := &managed{}
	s.managed = m
	b = append(b, "<enabled xmlns='"+NSManage+"'"...)
	if window := s.wantedWindow(e); window > 0 {
		m.window = milliseconds(window)
		s.random(m.secret[:])
		b = stanza.AppendAttr(b, "id", s.resumeID())
		b = append(b, " resume='true' max='"...)
		b = strconv.AppendInt(b, window/1e9, 10)
		b = append(b, '\'')
	}
	return append(b, "/>"...)
}

// wantedWindow is for how long the client may resume: no longer than it wants
// and than we allow; 0 when it is not to.
func (s *Session) wantedWindow(e *enableRequest) int64 {
	switch window := s.cfg.Management.Window; {
	case !e.resume:
		return 0
	case e.max >= 0:
		return min(window, e.max)
	default:
		return window
	}
}

// acked takes <a/>, XEP-0198 §4.
func (s *Session) acked(f *parser.Frame, out *Out) {
	h, ok := HandledAttr(f)
	if !ok {
		s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "an <a/> has an h of 32 bits"}, out)
		return
	}
	s.handledBy(h, out)
}

// handledBy takes the h of an <a/>.
func (s *Session) handledBy(h uint32, out *Out) {
	if !s.ack(h, out) {
		s.Fail(s.TooHigh(h), out)
		return
	}
	m := s.managed
	m.asked = false
	if m.again && m.queue.Count() > 0 {
		m.asks, out.Ask = true, true
	}
	m.again = false
}

// ack removes what is acknowledged from the queue.
func (s *Session) ack(h uint32, out *Out) bool { return s.managed.queue.Ack(h, &out.stores) }

// TooHigh is the end of a stream whose client counts more stanzas than it was
// sent, XEP-0198 §6.
func (s *Session) TooHigh(h uint32) stanza.StreamError { return HandledTooHigh(h, s.Sent()) }

// HandledTooHigh is the end of a stream whose peer acknowledges h stanzas and
// was sent fewer, XEP-0198 §6.
func HandledTooHigh(h uint32, sent uint64) stanza.StreamError {
	told, of := strconv.FormatUint(uint64(h), 10), strconv.FormatUint(uint64(uint32(sent)), 10)
	return stanza.StreamError{
		Condition: stanza.StreamUndefinedCondition,
		Text:      "You acknowledged " + told + " stanzas, but I only sent you " + of + " so far.",
		App:       "<handled-count-too-high xmlns='" + NSManage + "' h='" + told + "' send-count='" + of + "'/>",
	}
}

// HandledAttr reads the h of an <a/>, an xs:unsignedInt.
func HandledAttr(f *parser.Frame) (uint32, bool) { return handledAttr(f.Attr) }

func handledAttr(attr func(string) ([]byte, bool)) (uint32, bool) {
	raw, ok := attr("h")
	if !ok {
		return 0, false
	}
	h, err := strconv.ParseUint(string(raw), 10, 32)
	return uint32(h), err == nil && h <= math.MaxUint32
}

// AppendFailed renders <failed/>, XEP-0198 §6, with h where it is known (§5).
func AppendFailed(b []byte, c stanza.Condition, h *uint32) []byte {
	b = append(b, "<failed xmlns='"+NSManage+"'"...)
	if h != nil {
		b = append(b, " h='"...)
		b = strconv.AppendUint(b, uint64(*h), 10)
		b = append(b, '\'')
	}
	b = append(b, "><"...)
	b = append(b, c...)
	return append(b, " xmlns='"+stanza.NSStanzas+"'/></failed>"...)
}

// count notes a stanza that goes to the client, and sets out.Ask if an <r/> is to
// follow. It is the one place where stanzas are counted. When the bounds are passed the
// session ends; the stanza is in the queue then.
func (s *Session) count(now int64, st []byte, how Delivery, out *Out) {
	m := s.managed
	if m == nil {
		return
	}
	m.queue.Add(now, st, uint32(how), &out.stores)
	out.Counted = true
	if m.queue.Bytes() > s.cfg.Management.Bytes || m.queue.Count() > s.cfg.Management.Stanzas {
		s.Fail(stanza.StreamError{Condition: stanza.StreamResourceConstraint, Text: "too many stanzas are unacknowledged"}, out)
		return
	}
	if s.state != stateBound {
		return
	}
	m.unasked++
	switch {
	case m.asked:
		m.again = m.again || how&Awaited != 0
	case how&Awaited != 0 || int(m.unasked) >= s.cfg.Management.AskStanzas:
		m.asks, out.Ask = true, true
	default: // after an answer due is still when that would have been overdue
		m.due = Earlier(m.due, now+s.cfg.Management.AskTime)
	}
}

// Asks tells whether Ask has something to write.
func (s *Session) Asks() bool { return s.managed != nil && s.managed.asks }

// Ask writes the <r/> that something was to be followed by, see [Out.Ask]: one for all
// that was given to the client since, so that its answer is for all of that.
func (s *Session) Ask(now int64, out *Out) {
	m := s.managed
	if m == nil || !m.asks {
		return
	}
	if m.asks = false; s.state == stateBound && !m.asked && m.queue.Count() > 0 {
		s.request(now)
		out.Bytes = append(out.Bytes, AckRequest...)
	}
}

// request notes that an <r/> goes out.
func (s *Session) request(now int64) {
	m := s.managed
	m.asked, m.again, m.asks, m.unasked = true, false, false, 0
	m.queue.Ask(now)
	m.due = now + max(s.cfg.PingTime, s.cfg.Management.AskTime)
}

// countFrom is count for what the session itself has appended to out.Bytes
// from offset at on: one stanza.
func (s *Session) countFrom(at int, out *Out) {
	s.count(s.active, out.Bytes[at:], Alone, out)
}

// manageTick asks for an acknowledgement that is overdue. A client that says
// nothing at all for PingTime after that has gone.
func (s *Session) manageTick(now int64, out *Out) {
	m := s.managed
	switch {
	case m.queue.Count() == 0:
		m.due = 0
	case !m.asked:
		s.request(now)
		out.Bytes = append(out.Bytes, AckRequest...)
	case s.cfg.PingTime <= 0 || s.active > m.queue.AskedAt() || s.waiting != OpNone:
		m.queue.Ask(now)
		m.due = now + max(s.cfg.PingTime, s.cfg.Management.AskTime)
	default:
		s.silent(out)
	}
}

// silent gives up a client that does not answer: its session is kept if it
// can be resumed.
func (s *Session) silent(out *Out) {
	if s.Resumable() {
		out.Lost = true
		return
	}
	s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: "no answer to a ping"}, out)
}
