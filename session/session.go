package session

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// state is where a stream stands. The order matters: everything from
// stateBound on is past login.
type state uint8

const (
	stateHeader   state = iota // wait for a stream header
	stateOpen                  // header exchanged, features offered, not authenticated
	stateSASL                  // inside a SASL exchange, wait for <response/>
	stateBind                  // authenticated and restarted, no resource yet
	stateBound                 // stanzas flow
	stateDetached              // bound, without a connection, waits for a resumption
	stateClosed                // nothing more is read or written
)

// Session is one client's stream. The zero value must be opened with Open.
// Loop only.
type Session struct {
	// What a stanza for the client needs comes first: see Hot.
	state   state
	waiting OpKind // operation under way; nothing is consumed
	secured bool
	opened  bool // our header of the current stream was sent
	pinged  bool // the client was pinged and has not been heard since

	inactive *inactive // nil while the client is active
	managed  *managed  // nil without stream management

	cfg    *Config
	stream parser.Stream
	jid    jid.JID // bare after SASL, full after binding
	lang   *string // xml:lang of the peer's header; nil: it said none

	login *login // nil once a resource is bound

	deadline int64  // when Tick acts; 0: never
	active   int64  // when the peer last sent something
	handle   uint64 // see SetHandle
}

// Hot is how many bytes at the beginning of a Session say what becomes of a stanza for the
// client, for who asks for memory before it is needed.
const Hot = 24

// login is what is only needed until a resource is bound.
type login struct {
	exchange  *sasl.Exchange
	config    sasl.Config
	domain    string // the prepared to of the peer's header
	mechanism string
	bindings  []sasl.Binding
	failures  int
	bindID    []byte   // id of the request that is being answered, as written
	from      jid.JID  // the from of the stream header; zero: none
	request   *request // the <authenticate/> under way; nil: none, or classic SASL

	credentials *sasl.Credentials // by which the user was checked; nil: not known
	since       int64             // when what the login rests on was asked for, Unix nanoseconds
	now         int64             // of the last answer, Unix nanoseconds

	registered bool // an account was made on this stream
	compressed bool // the stream is compressed
}

// Open starts a session on a fresh connection.
func (s *Session) Open(cfg *Config, now int64) {
	*s = Session{cfg: cfg, login: &login{}, active: now}
	s.stream.Reset(cfg.PreAuth)
	if cfg.PreAuthTime > 0 {
		s.deadline = now + cfg.PreAuthTime
	}
}

// JID is the bare JID after authentication, the full one after binding.
func (s *Session) JID() jid.JID { return s.jid }

// Bound tells whether a resource is bound.
func (s *Session) Bound() bool { return s.state == stateBound }

// Closed tells whether the session has ended.
func (s *Session) Closed() bool { return s.state == stateClosed }

// Waiting tells whether the session consumes nothing until Complete.
func (s *Session) Waiting() bool { return s.waiting != OpNone }

// Secured tells whether the stream runs inside TLS.
func (s *Session) Secured() bool { return s.secured }

// Lang is the xml:lang of the client's stream header, "" if it had none.
func (s *Session) Lang() string {
	if s.lang == nil {
		return ""
	}
	return *s.lang
}

// Domain is the domain that the client opened its stream to; "" before that.
func (s *Session) Domain() string {
	if s.login != nil {
		return s.login.domain
	}
	return s.jid.Domain()
}

// Mechanism is the SASL mechanism in use or used, while the login lasts.
func (s *Session) Mechanism() string {
	if s.login == nil {
		return ""
	}
	return s.login.mechanism
}

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never.
func (s *Session) Deadline() int64 {
	at := s.deadline
	if m := s.managed; m != nil {
		at = Earlier(at, m.due)
		if m.holding != nil {
			at = Earlier(at, m.owedDue)
		}
	}
	return at
}

// Earlier is the first of two times, of which 0 is none.
func Earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Release gives parser memory back to the loop. The last call on a session.
func (s *Session) Release(out *Out) {
	s.state = stateClosed
	s.inactive = nil
	out.Scanner.Release(&s.stream)
	if s.managed != nil {
		s.managed.queue.Release(&out.stores)
		s.managed = nil
	}
}

// Feed takes what the peer sent: in must begin with what earlier calls did
// not consume. It handles one element at most and returns the bytes consumed;
// 0 means that more input is needed, or that the session waits or is closed.
func (s *Session) Feed(now int64, in []byte, out *Out) (n int) {
	if s.state == stateClosed || s.state == stateDetached {
		return len(in)
	}
	if s.waiting != OpNone || len(in) == 0 {
		return 0
	}
	s.active, s.pinged = now, false
	if isSpace(in[0]) && s.strays(nil) {
		s.strayed(out)
		return len(in)
	}
	if n := s.plainManaged(in, out); n > 0 {
		return n
	}
	frame, n, err := out.Scanner.Next(&s.stream, in)
	if err != nil {
		s.Fail(stanza.AsStreamError(err), out)
		return len(in)
	}
	if frame == nil {
		return n
	}
	switch frame.Kind() {
	case parser.StreamOpen:
		s.header(frame, out)
	case parser.StreamClose:
		s.end(nil, out)
	case parser.Stanza:
		s.element(now, frame, out)
	}
	return n
}

// element takes a first-level child of the stream.
func (s *Session) element(now int64, f *parser.Frame, out *Out) {
	if s.state == stateBound {
		s.stanza(f, out)
		return
	}
	if s.strays(f.Namespace()) {
		s.strayed(out)
		return
	}
	switch string(f.Namespace()) {
	case NSSASL2:
		s.sasl2(f, out)
	case stanza.NSTLS:
		s.startTLS(f, out)
	case stanza.NSSASL:
		s.sasl(f, out)
	case stanza.NSClient:
		if !s.registration(f, out) {
			s.bindRequest(f, out)
		}
	case stanza.NSStream:
		s.streamElement(f, out)
	case NSManage:
		s.manageEarly(f, out)
	case NSCompress:
		s.compress(f, out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// streamElement takes <stream:error/> of the peer, which ends the stream.
func (s *Session) streamElement(f *parser.Frame, out *Out) {
	if string(f.Local()) != "error" {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	s.end(stanza.ReadPeerError(f), out)
}

// Complete answers the operation that the session waits for. now is Unix
// nanoseconds. An answer that nobody waits for is dropped.
func (s *Session) Complete(now int64, res *Result, out *Out) {
	op := s.waiting
	s.waiting = OpNone
	if s.state == stateClosed {
		return
	}
	if s.login != nil {
		s.login.now = now
	}
	switch op {
	case OpCredentials, OpVerify:
		s.authAnswer(op, res, out)
	case OpToken:
		s.tokenAnswer(res, out)
	case OpTokenPut:
		s.tokenStored(res, out)
	case OpUpgrade:
		s.upgraded(res, out)
	case OpBind:
		s.bindAnswer(now, res, out)
	case OpRegister:
		s.registered(res, out)
	case OpResume:
		s.resumeAnswer(res, out)
	}
}

// Wait makes the session consume nothing until Complete: the engine has handed
// a stanza of it to somebody who answers later.
func (s *Session) Wait() {
	if s.state == stateBound {
		s.waiting = OpStanza
	}
}

// Deliver takes a rendered stanza from the router. Out tells whether it is
// written, held back, or neither, because the session has ended. st is looked
// at only while the client is Inactive, and kept only while the session is
// Managed. now is Unix nanoseconds.
func (s *Session) Deliver(now int64, st []byte, how Delivery, out *Out) {
	switch {
	case s.state == stateDetached:
		out.Held = true
		s.count(now, st, how, out)
	case s.state != stateBound:
	case s.inactive != nil:
		s.deliverInactive(now, st, how, out)
	default:
		s.pass(now, st, how, out)
	}
}

// Passes tells whether Deliver has each stanza written as it is and does nothing else.
func (s *Session) Passes() bool {
	return s.state == stateBound && s.inactive == nil && s.managed == nil
}

// Counts tells whether Deliver has each stanza written as it is, counts and keeps it, and
// does nothing else.
func (s *Session) Counts() bool {
	return s.state == stateBound && s.inactive == nil && s.managed != nil
}

// pass has st written after all that is in out.Bytes. When it passes a bound of
// stream management it is only queued, and the session ends.
func (s *Session) pass(now int64, st []byte, how Delivery, out *Out) {
	s.count(now, st, how, out)
	if s.state == stateBound {
		out.Pass = true
	} else {
		out.Held = true
	}
}

// Tick acts on deadlines. The engine calls it at Deadline or later.
func (s *Session) Tick(now int64, out *Out) {
	if s.state == stateClosed || s.state == stateDetached {
		return
	}
	s.owes(now, out)
	if m := s.managed; m != nil && m.due != 0 && now >= m.due {
		s.manageTick(now, out)
		if s.state != stateBound || out.Lost {
			return
		}
	}
	if s.deadline == 0 || now < s.deadline {
		return
	}
	if s.state != stateBound {
		s.Fail(stanza.StreamError{Condition: stanza.StreamConnectionTimeout, Text: "login took too long"}, out)
		return
	}
	s.idle(now, out)
}

// SetSecured tells that the TLS handshake is done; the peer opens a new stream.
// bindings are the channel bindings of this connection.
func (s *Session) SetSecured(bindings []sasl.Binding) {
	s.secured = true
	if s.login != nil {
		s.login.bindings = bindings
	}
	s.restart(s.cfg.PreAuth)
}

// restart expects a new stream header, RFC 6120 §4.3.3.
func (s *Session) restart(limits *parser.Limits) {
	s.state = stateHeader
	s.opened = false
	s.lang = nil // what the earlier stream said is forgotten, RFC 6120 §5.4.3.3
	s.stream.Reset(limits)
}
