package s2s

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// state is where a stream stands.
type state uint8

const (
	stateNew      state = iota // ours, inside TLS from its first byte, which is not there yet
	stateHeader                // wait for the peer's stream header
	stateFeatures              // ours: wait for the peer's features
	stateTLS                   // ours: wait for <proceed/>
	stateSASL                  // an exchange is under way: ours waits for its outcome, theirs for a <response/>
	stateOpen                  // what is left is negotiated beside the stanzas
	stateEnding                // our side is closed, and the peer's last stanzas are taken
	stateClosed                // nothing more is read or written
)

// Stream is one XML stream with another server. Begin it with Accept or
// Connect. Loop only.
type Stream struct {
	cfg    *Config
	stream parser.Stream
	sec    *Security // nil in the clear

	id, lang      string // of the current header
	local, remote string // whom it is for and who it is from, as seen from here

	sends, receives pairs
	dialback        *dialback // nil when nothing waits for an answer
	managed         *managed  // nil without stream management

	due         int64 // when Tick looks; 0: never
	negotiateBy int64 // 0: no more
	pingedAt    int64 // when the peer was asked for a sign of life; 0: it was not, or has answered
	heard, used int64 // the last byte of the peer, the last stanza of either side

	state     state
	outgoing  bool
	questions bool     // ours, for dialback questions only
	opened    bool     // our header of the current stream was sent
	external  bool     // SASL EXTERNAL has proved the first pair
	bidi      bool     // both sides may send stanzas
	peer      features // of ours: what the peer offers
	failures  uint8    // of SASL
	served    bool     // theirs: it has had questions answered
}

// Accept begins a stream that the peer opens. direct: the connection is inside
// TLS from its first byte, and SetSecured comes first.
func (s *Stream) Accept(cfg *Config, direct bool, now int64) {
	*s = Stream{cfg: cfg, state: stateHeader, heard: now, used: now, negotiateBy: now + cfg.NegotiateTime}
	if direct {
		s.state = stateNew
	}
	s.stream.Reset(cfg.PreAuth)
	s.plan(now)
}

// Connect begins a stream of our own to p.Remote in the name of p.Local, which
// is the first pair to be proved. With direct the header waits for SetSecured.
// questions: the stream is made to ask dialback questions only, and no pair is
// to be proved until Request.
func (s *Stream) Connect(cfg *Config, p Pair, direct, questions bool, now int64, out *Out) {
	*s = Stream{cfg: cfg, outgoing: true, questions: questions, local: p.Local, remote: p.Remote,
		heard: now, used: now, negotiateBy: now + cfg.NegotiateTime}
	s.stream.Reset(cfg.PreAuth)
	s.plan(now)
	if !direct {
		s.state = stateHeader
		s.appendHeader(out)
	}
}

// Lang is the xml:lang of the peer's stream header, which holds for stanzas
// without one (RFC 6120 §8.1.5); "" if it had none.
func (s *Stream) Lang() string { return s.lang }

// Domains is the local domain that the stream's header is of or for, and who the
// peer is said to be; of a peer's stream "" before its header came.
func (s *Stream) Domains() (local, remote string) { return s.local, s.remote }

// Managed tells whether stream management (XEP-0198) is on.
func (s *Stream) Managed() bool { return s.managed != nil && s.managed.on }

// Closed tells whether the stream has ended.
func (s *Stream) Closed() bool { return s.state == stateClosed }

// Release gives parser memory back to the loop. The last call on a stream.
func (s *Stream) Release(out *Out) {
	s.state = stateClosed
	out.Scanner.Release(&s.stream)
	if s.managed != nil {
		s.managed.queue.Release(&out.stores)
		s.managed = nil
	}
}

// Feed takes what the peer sent: in must begin with what earlier calls did not
// consume. It handles one element at most and returns the bytes consumed; 0
// means that more input is needed, or that the stream is closed.
func (s *Stream) Feed(now int64, in []byte, out *Out) (n int) {
	if s.state == stateClosed {
		return len(in)
	}
	if len(in) == 0 || s.state == stateNew {
		return 0
	}
	s.heard, s.pingedAt = now, 0
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
		s.header(now, frame, out)
	case parser.StreamClose:
		s.end(nil, out)
	case parser.Stanza:
		s.element(now, frame, out)
	}
	return n
}

// element takes a first-level child of the stream.
func (s *Stream) element(now int64, f *parser.Frame, out *Out) {
	switch string(f.Namespace()) {
	case stanza.NSClient, stanza.NSServer:
		s.stanza(now, f, out)
	case NSDialback:
		s.dialbackElement(now, f, out)
	case NSManage:
		s.manage(now, f, out)
	case stanza.NSStream:
		s.streamElement(now, f, out)
	case stanza.NSTLS:
		s.startTLS(f, out)
	case stanza.NSSASL:
		s.sasl(now, f, out)
	case NSBidi:
		s.bidiElement(f, out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// streamElement takes features, and <stream:error/>, which ends the stream.
func (s *Stream) streamElement(now int64, f *parser.Frame, out *Out) {
	switch {
	case string(f.Local()) == "error":
		s.end(stanza.ReadPeerError(f), out)
	case string(f.Local()) == "features" && s.state == stateFeatures:
		s.features(now, f, out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// SetSecured tells that the TLS handshake is done.
func (s *Stream) SetSecured(now int64, sec *Security, out *Out) {
	if s.state == stateClosed {
		return
	}
	s.sec, s.heard, s.peer = sec, now, 0 // what was said in the clear is forgotten, RFC 6120 §5.4.3.3
	if s.outgoing {
		s.step(out, sec.Version+" with "+s.remote+", certificate: "+s.verdict(s.remote))
		if err := s.refusal(s.remote); err != nil {
			s.refuse(s.first(), err, out)
		}
	}
	s.restart(s.cfg.PreAuth)
	if s.outgoing {
		s.appendHeader(out)
	}
}

// first is the pair of the stream's headers.
func (s *Stream) first() Pair { return Pair{Local: s.local, Remote: s.remote} }

// proved tells whether a pair was proved in either direction.
func (s *Stream) proved() bool { return s.sends.len()+s.receives.len() > 0 }

// restart expects a new stream header, RFC 6120 §4.3.3.
func (s *Stream) restart(limits *parser.Limits) {
	s.state, s.opened = stateHeader, false
	s.stream.Reset(limits)
}

// step tells what was done or found out.
func (s *Stream) step(out *Out, text string) {
	out.event(Event{Kind: EventStep, Pair: s.first(), Text: text})
}

// authorize lets the peer send stanzas of p.
func (s *Stream) authorize(p Pair, m Method, out *Out) {
	if s.receives.add(p) {
		s.established()
		out.event(Event{Kind: EventAuthorized, Pair: p, Method: m})
	}
}

// ready begins to take stanzas of p.
func (s *Stream) ready(p Pair, m Method, out *Out) {
	if s.sends.add(p) {
		s.established()
		s.enable(out)
		out.event(Event{Kind: EventReady, Pair: p, Method: m})
	}
}

// established notes that a pair was proved.
func (s *Stream) established() {
	s.negotiateBy = 0
	s.stream.SetLimits(s.cfg.Bound)
}

// refuse tells that a pair will not be proved here.
func (s *Stream) refuse(p Pair, err error, out *Out) {
	out.event(Event{Kind: EventRefused, Pair: p, Err: err})
}
