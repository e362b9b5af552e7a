package component

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// stanza checks what the component sends and hands it to the engine.
func (s *Stream) stanza(f *parser.Frame, out *Out) {
	f = out.translation.Client(f, stanza.NSAccept, out.Scanner, &s.stream)
	v, ok := stanza.Of(f)
	if !ok || string(f.Namespace()) != stanza.NSClient {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	if e, ok := s.sender(f, out); !ok {
		s.Fail(e, out)
		return
	}
	if s.pong(&v) {
		return
	}
	raw, ok := f.To()
	if !ok {
		s.Fail(stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "a stanza has no to"}, out)
		return
	}
	to, err := jid.ParseView(parser.Unescape(raw), &out.to)
	if err != nil {
		s.bounce(&v, stanza.Error{Condition: stanza.JIDMalformed, Text: err.Error()}, out)
		return
	}
	if e, ok := v.Check(); !ok {
		s.bounce(&v, e, out)
		return
	}
	out.Stanza, out.To, out.HasStanza = v, to, true
}

// sender checks from: any address of the component's domain, XEP-0114 §3. One that
// is missing or none is improper as between servers (RFC 6120 §4.9.3.7).
func (s *Stream) sender(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	raw, ok := f.From()
	if !ok {
		return stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "a stanza has no from"}, false
	}
	from, err := jid.ParseView(parser.Unescape(raw), &out.from)
	if err != nil {
		return stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "from: " + err.Error()}, false
	}
	if from.Domain() != s.domain {
		return stanza.StreamError{Condition: stanza.StreamInvalidFrom, Text: "from is not an address of " + s.domain}, false
	}
	out.From = s.names.of(from.String())
	return e, true
}

// bounce answers a stanza of the component with an error, in the name of its own
// domain. Errors and results are never answered (RFC 6120 §8.3.1, §8.2.3).
func (s *Stream) bounce(v *stanza.View, e stanza.Error, out *Out) {
	if v.Answerable() {
		out.Bytes = stanza.AppendError(out.Bytes, v, s.domain, out.From, e)
	}
}
