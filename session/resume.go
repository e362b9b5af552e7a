package session

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// An SM-ID is the session's handle, 16 hexadecimal digits, by which the engine
// finds it without a table, and a secret of 128 bits, which lets nobody else in.
const handleDigits = 16

// SetHandle gives the session the number by which the engine finds it again.
func (s *Session) SetHandle(handle uint64) { s.handle = handle }

// ResumeID is the session's SM-ID; "" when it cannot be resumed.
func (s *Session) ResumeID() string {
	if s.managed == nil || s.managed.window == 0 {
		return ""
	}
	return s.resumeID()
}

func (s *Session) resumeID() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, s.handle)) + hex.EncodeToString(s.managed.secret[:])
}

// Secret is the secret in the SM-ID of a session that is Resumable.
func (s *Session) Secret() [secretBytes]byte { return s.managed.secret }

// ResumeSecret is the secret in an SM-ID; false when it is none of ours.
func ResumeSecret(id string) (secret [secretBytes]byte, ok bool) {
	if len(id) != handleDigits+2*secretBytes {
		return secret, false
	}
	_, err := hex.Decode(secret[:], []byte(id[handleDigits:]))
	return secret, err == nil
}

// ResumeHandle is the handle in an SM-ID; false when it is none of ours.
func ResumeHandle(id string) (handle uint64, ok bool) {
	if len(id) <= handleDigits {
		return 0, false
	}
	handle, err := strconv.ParseUint(id[:handleDigits], 16, 64)
	return handle, err == nil
}

// manageEarly takes an element of stream management before a resource is
// bound: only resumption belongs there, after login (XEP-0198 §5).
func (s *Session) manageEarly(f *parser.Frame, out *Out) {
	switch m := s.cfg.Management; {
	case m == nil:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case s.state != stateBind || string(f.Local()) != "resume":
		out.Bytes = AppendFailed(out.Bytes, stanza.UnexpectedRequest, nil)
	case m.Window == 0:
		out.Bytes = AppendFailed(out.Bytes, stanza.FeatureNotImplemented, nil)
	default:
		r := readResume(f.Attr)
		if r.condition != "" {
			out.Bytes = AppendFailed(out.Bytes, r.condition, nil)
			return
		}
		s.ask(Op{Kind: OpResume, Resume: r.previd, H: r.h}, out)
	}
}

// resumeRequest is a <resume/>.
type resumeRequest struct {
	previd    string
	h         uint32
	condition stanza.Condition // what is wrong with it; "": nothing
}

// readResume reads the attributes of a <resume/>, XEP-0198 §5.
func readResume(attr func(string) ([]byte, bool)) *resumeRequest {
	raw, _ := attr("previd")
	h, ok := handledAttr(attr)
	if !ok || len(raw) == 0 {
		return &resumeRequest{condition: stanza.BadRequest}
	}
	return &resumeRequest{previd: string(parser.Unescape(raw)), h: h}
}

// resumeAnswer says that the session cannot be resumed; the client may bind a
// resource instead. A success is no answer to this session: it ends in Resume
// of the other one.
func (s *Session) resumeAnswer(res *Result, out *Out) {
	if s.login.request != nil {
		s.notResumed(stanza.AsError(res.Err).Condition, res.H, out)
		return
	}
	out.Bytes = AppendFailed(out.Bytes, stanza.AsError(res.Err).Condition, res.H)
}

// Resumable tells whether the session may outlive its connection.
func (s *Session) Resumable() bool {
	return s.managed != nil && s.managed.window != 0 && (s.state == stateBound || s.state == stateDetached)
}

// Detach keeps the session for a resumption after its connection has ended:
// what is delivered is queued until the window ends at until, Unix
// nanoseconds. It does nothing unless Resumable. What was held back
// (XEP-0352) is queued, too; if that passes the bounds out.Close is set.
func (s *Session) Detach(now int64, out *Out) (until int64) {
	if s.state != stateBound {
		return 0
	}
	s.state = stateDetached
	m := s.managed
	m.asked, m.again, m.asks, m.unasked, m.due = false, false, false, 0, 0
	if m.holding != nil {
		m.Forgive()
		m.owedDue = 0
	}
	s.deadline, s.pinged = 0, false
	s.queueHeld(now, out)
	out.Scanner.Release(&s.stream)
	s.stream.Reset(s.cfg.Bound)
	return now + int64(m.window)*1e6
}

// queueHeld makes unacknowledged stanzas of what an inactive client was to get
// later.
func (s *Session) queueHeld(now int64, out *Out) {
	if s.inactive == nil || s.managed == nil {
		return
	}
	held := s.inactive.held
	s.inactive = nil // the client is active when it comes back, XEP-0352 §5
	for _, h := range held {
		s.count(now, h.stanza, Alone, out)
	}
}

// Claims tells whether id, told by a client that has logged in as user, names
// this session.
func (s *Session) Claims(id string, user jid.JID) bool {
	return s.Resumable() && s.jid.Bare() == user.Bare() && s.names(id)
}

// names compares without telling how much of the secret was right.
func (s *Session) names(id string) bool {
	return subtle.ConstantTimeCompare([]byte(id), []byte(s.resumeID())) == 1
}

// Forgets tells whether a client that wants to resume with h has lost what it had
// acknowledged: that cannot be sent again.
func (s *Session) Forgets(h uint32) bool { return s.managed.queue.Behind(h) }

// CanAck tells whether Resume would take h.
func (s *Session) CanAck(h uint32) bool {
	return uint64(h-uint32(s.Acked())) <= s.Sent()-s.Acked()
}

// Handled is h as the client would be told: the stanzas that were handled.
func (s *Session) Handled() uint32 {
	if s.managed == nil {
		return 0
	}
	return s.handled()
}

// Received is h of a session that has ended, of which nothing is held any more.
func (s *Session) Received() uint32 {
	switch {
	case s.managed == nil:
		return 0
	case s.waiting == OpStanza:
		return s.managed.in - 1
	}
	return s.managed.in
}

// Resume goes on with a detached session on the connection of from, which
// waits for OpResume and is closed by this. h acknowledges stanzas; those
// behind it are sent again (XEP-0198 §5). The caller has asked CanAck, and waited
// for what is Held: the client is told to send again what still is.
func (s *Session) Resume(now int64, from *Session, h uint32, out *Out) {
	s.state = stateBound
	s.stream, s.lang, s.secured = from.stream, from.lang, from.secured
	s.stream.SetLimits(s.cfg.Bound)
	s.opened, s.active = true, now
	from.stream.Reset(nil)
	from.state, from.waiting = stateClosed, OpNone
	if s.cfg.IdleTime > 0 {
		s.deadline = now + s.cfg.IdleTime
	}
	s.forgetHeld()
	s.ack(h, out)
	b := s.appendResumed(from.login, out.Bytes)
	for u := range s.Unacked {
		b = append(b, u.Stanza...)
	}
	if s.managed.queue.Count() > 0 {
		s.request(now)
		b = append(b, AckRequest...)
	}
	out.Bytes = b
}

// appendResumed tells the client that its session goes on, within <success/> if
// it asked there (XEP-0198 §10.2; no features follow then). l is the login of the
// connection that it asked on.
func (s *Session) appendResumed(l *login, b []byte) []byte {
	resumed := append([]byte(nil), "<resumed xmlns='"+NSManage+"' h='"...)
	resumed = strconv.AppendUint(resumed, uint64(s.handled()), 10)
	resumed = stanza.AppendAttr(append(resumed, '\''), "previd", s.resumeID())
	resumed = append(resumed, "/>"...)
	if l != nil && l.request != nil {
		return l.request.appendSuccess(b, s.jid, resumed)
	}
	return append(b, resumed...)
}
