package session

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// stanza checks what a bound client sends and hands it to the dispatcher.
func (s *Session) stanza(f *parser.Frame, out *Out) {
	if string(f.Namespace()) != stanza.NSClient {
		s.notStanza(f, out)
		return
	}
	v, ok := stanza.Of(f)
	if !ok {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	out.Stanzas++
	if s.managed != nil {
		s.managed.in++
	}
	if !s.ownFrom(f, out) {
		s.Fail(stanza.StreamError{Condition: stanza.StreamInvalidFrom}, out)
		return
	}
	to, err := s.addressee(f, out)
	if err != nil {
		s.bounce(&v, stanza.Error{Condition: stanza.JIDMalformed, Text: err.Error()}, out)
		return
	}
	if e, ok := v.Check(); !ok {
		s.bounce(&v, e, out)
		return
	}
	if s.legacySession(&v, to, out) {
		return
	}
	out.Stanza.View, out.Stanza.To, out.HasStanza = v, to, true
}

// notStanza takes a first-level element of a bound stream in another
// namespace than the content's.
func (s *Session) notStanza(f *parser.Frame, out *Out) {
	if string(f.Namespace()) == stanza.NSStream {
		s.streamElement(f, out)
		return
	}
	if string(f.Namespace()) == NSManage {
		s.manage(f, out)
		return
	}
	if string(f.Namespace()) == NSCompress {
		s.compress(f, out)
		return
	}
	if s.clientState(f, out) {
		return
	}
	s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
}

// ownFrom checks that the client speaks for nobody else, RFC 6120 §8.1.2.1.
func (s *Session) ownFrom(f *parser.Frame, out *Out) bool {
	raw, ok := f.From()
	if !ok || string(raw) == s.jid.String() {
		return true
	}
	v, err := jid.ParseView(parser.Unescape(raw), &out.scratch)
	return err == nil && (v.JID == s.jid || v.JID == s.jid.Bare())
}

// addressee prepares to; the zero View stands for none.
func (s *Session) addressee(f *parser.Frame, out *Out) (jid.View, error) {
	raw, ok := f.To()
	if !ok {
		return jid.View{}, nil
	}
	return jid.ParseView(parser.Unescape(raw), &out.scratch)
}

// legacySession answers the session request of RFC 3921 §3, which does
// nothing any more; old clients insist on it.
func (s *Session) legacySession(v *stanza.View, to jid.View, out *Out) bool {
	if v.Kind != stanza.KindIQ || v.Type != stanza.TypeSet || (!to.IsZero() && !to.IsDomain()) {
		return false
	}
	q, _ := v.Payload()
	if !q.Is(stanza.NSSession, "session") {
		return false
	}
	at := len(out.Bytes)
	out.Bytes = stanza.AppendResult(out.Bytes, v, s.Domain(), s.jid.String())
	s.countFrom(at, out)
	return true
}

// bounce answers a stanza of our own client with an error, in the name of
// the server. Errors and results are never answered (RFC 6120 §8.3.1, §8.2.3).
func (s *Session) bounce(v *stanza.View, e stanza.Error, out *Out) {
	if !v.Answerable() {
		return
	}
	at := len(out.Bytes)
	out.Bytes = stanza.AppendError(out.Bytes, v, s.Domain(), s.jid.String(), e)
	s.countFrom(at, out)
}
