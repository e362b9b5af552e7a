package component

import (
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// state is where a stream stands.
type state uint8

const (
	stateHeader    state = iota // wait for the stream header
	stateHandshake              // headers exchanged, wait for <handshake/>
	stateProved                 // wait for the engine's Accepted or Fail
	stateOpen                   // stanzas flow
	stateClosed                 // nothing more is read or written
)

// Stream is one component's stream. Begin it with Accept. Loop only.
type Stream struct {
	cfg    *Config
	stream parser.Stream
	state  state
	opened bool // our header was sent

	domain string // the prepared to of the header
	id     string
	lang   string // xml:lang of the header

	deadline int64  // when Tick acts; 0: never
	active   int64  // when the component last sent something
	ping     []byte // id of the last ping, until the component was heard; nil: none
	pingedAt int64

	names interner
}

// Accept begins a stream on a fresh connection. now is Unix nanoseconds.
func (s *Stream) Accept(cfg *Config, now int64) {
	*s = Stream{cfg: cfg, active: now}
	s.stream.Reset(cfg.PreAuth)
	if cfg.HandshakeTime > 0 {
		s.deadline = now + cfg.HandshakeTime
	}
}

// Domain is the component's domain; "" before the header.
func (s *Stream) Domain() string { return s.domain }

// Lang is the xml:lang of the component's stream header, "" if it had none.
func (s *Stream) Lang() string { return s.lang }

// Open tells whether stanzas flow.
func (s *Stream) Open() bool { return s.state == stateOpen }

// Feed takes what the component sent: in must begin with what earlier calls did
// not consume. It handles one element at most and returns the bytes consumed; 0
// means that more input is needed, or that the stream waits for Accepted.
func (s *Stream) Feed(now int64, in []byte, out *Out) (n int) {
	if s.state == stateClosed {
		return len(in)
	}
	if s.state == stateProved || len(in) == 0 {
		return 0
	}
	s.active = now
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
		s.element(frame, out)
	}
	return n
}

// element takes a first-level child of the stream.
func (s *Stream) element(f *parser.Frame, out *Out) {
	switch {
	case string(f.Namespace()) == stanza.NSStream:
		s.streamElement(f, out)
	case s.state == stateHandshake:
		s.handshake(f, out)
	default:
		s.stanza(f, out)
	}
}

// Accepted ends the handshake: the domain is the component's from now on. now is
// Unix nanoseconds.
func (s *Stream) Accepted(now int64, out *Out) {
	if s.state != stateProved {
		return
	}
	s.state = stateOpen
	s.stream.SetLimits(s.cfg.Bound)
	s.deadline = 0
	if s.cfg.IdleTime > 0 {
		s.deadline = now + s.cfg.IdleTime
	}
	out.Bytes = append(out.Bytes, "<handshake/>"...)
}

// Deliver takes a rendered stanza for the component (see stanza.AppendForward).
// Out.Pass tells that it is to be written as it is; else it was written to
// Bytes, or the stream is not open: then it is false.
func (s *Stream) Deliver(st []byte, out *Out) (taken bool) {
	switch {
	case s.state != stateOpen:
		return false
	case stanza.DeclaresClient(st):
		out.Bytes = stanza.AppendTo(out.Bytes, st, stanza.NSAccept)
	default:
		out.Pass = true
	}
	return true
}

// Release gives parser memory back to the loop. The last call on a stream.
func (s *Stream) Release(out *Out) {
	s.state = stateClosed
	out.Scanner.Release(&s.stream)
}

// streamElement takes <stream:error/> of the component, which ends the stream.
func (s *Stream) streamElement(f *parser.Frame, out *Out) {
	if string(f.Local()) != "error" {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	s.end(stanza.ReadPeerError(f), out)
}

// Fail ends the stream with a stream error (RFC 6120 §4.9). The header is sent
// first when the component has not seen one yet (XEP-0114 §3).
func (s *Stream) Fail(e stanza.StreamError, out *Out) {
	if s.state == stateClosed {
		return
	}
	if !s.opened {
		s.appendHeader(out)
	}
	out.Bytes = e.Append(out.Bytes)
	out.StreamErrors++
	s.end(e, out)
}

// end closes our side of the stream, RFC 6120 §4.4.
func (s *Stream) end(reason error, out *Out) {
	if s.state == stateClosed {
		return
	}
	if s.opened {
		out.Bytes = append(out.Bytes, "</stream:stream>"...)
	}
	s.state = stateClosed
	out.Close, out.Reason = true, reason
}
