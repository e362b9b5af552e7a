package s2s

import (
	"bytes"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// stanza checks what the peer sends and hands it on: only what is of a domain
// that was proved for the addressee's.
func (s *Stream) stanza(now int64, f *parser.Frame, out *Out) {
	if s.receives.len() == 0 {
		s.notAuthorized("no stanza before the sender's domain is proved", out)
		return
	}
	if s.state != stateOpen && s.state != stateEnding {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	f = out.translation.Client(f, stanza.NSServer, out.Scanner, &s.stream)
	v, ok := stanza.Of(f)
	if !ok || string(f.Namespace()) != stanza.NSClient {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	s.used = now
	s.countIn()
	if !s.addresses(f, out) {
		return
	}
	if e, ok := v.Check(); !ok && !out.Faulty {
		out.Faulty, out.Fault = true, e
	}
	out.Stanza, out.HasStanza = v, true
}

// addresses prepares from and to and holds them against what was proved: what
// is wrong with the domains ends the stream (RFC 6120 §4.9.3), what is wrong
// beside them concerns one user only. false: there is nothing to go on with.
func (s *Stream) addresses(f *parser.Frame, out *Out) bool {
	from, okFrom := f.From()
	to, okTo := f.To()
	if !okFrom || !okTo {
		s.Fail(stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "stanzas between servers have from and to"}, out)
		return false
	}
	from, to = parser.Unescape(from), parser.Unescape(to)
	sender, errFrom := jid.ParseView(from, &out.scratch)
	if errFrom != nil {
		sender, okFrom = domainView(from, &out.scratch)
	}
	addressee, errTo := jid.ParseView(to, &out.scratchTo)
	if errTo != nil {
		addressee, okTo = domainView(to, &out.scratchTo)
	}
	if !okFrom || !okTo {
		s.Fail(stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "a domain in from or to is malformed"}, out)
		return false
	}
	if !s.receives.has(Pair{Local: addressee.Domain(), Remote: sender.Domain()}) {
		s.unproved(sender.Domain(), addressee.Domain(), out)
		return false
	}
	if errTo != nil {
		out.Faulty, out.Fault = true, stanza.Error{Condition: stanza.JIDMalformed, Text: errTo.Error()}
	}
	out.From, out.To = sender, addressee
	return errFrom == nil // a sender without an address cannot be told
}

// domainView is the domain of an address that is malformed otherwise.
func domainView(address []byte, scratch *[]byte) (jid.View, bool) {
	bare, _, _ := bytes.Cut(address, []byte("/"))
	v, err := jid.ParseView(bare[bytes.IndexByte(bare, '@')+1:], scratch)
	return v, err == nil && v.IsDomain()
}

// unproved ends the stream of a peer that speaks for others, or to others.
func (s *Stream) unproved(remote, local string, out *Out) {
	e := stanza.StreamError{Condition: stanza.StreamInvalidFrom, Text: remote + " was not proved on this stream for " + local}
	switch {
	case !s.cfg.Serves(local):
		e = stanza.StreamError{Condition: stanza.StreamHostUnknown, Text: local + " is not served here"}
	case s.receives.remotes(remote):
		e = stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: remote + " was proved on this stream, but not for " + local}
	}
	s.Fail(e, out)
}

// notAuthorized ends the stream of a peer that comes to the point too early,
// RFC 6120 §4.9.3.12.
func (s *Stream) notAuthorized(text string, out *Out) {
	s.Fail(stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: text}, out)
}

// Ready tells whether Deliver takes stanzas of p.
func (s *Stream) Ready(p Pair) bool { return s.state == stateOpen && s.sends.has(p) }

// Deliver takes a stanza rendered for a stream of jabber:client (see
// stanza.AppendForward) that goes from p.Local to p.Remote, for which the stream
// is ready. Out.Pass tells that it is to be written as it is; else it was
// written to Bytes, or the stream has ended or is not for p: then it is false.
// rc is who waits until it is dealt with.
func (s *Stream) Deliver(now int64, p Pair, st []byte, rc Receipt, out *Out) (taken bool) {
	i := s.sends.find(p)
	if i < 0 || s.state != stateOpen {
		return false
	}
	s.used = now
	s.count(now, st, uint32(i), rc, out)
	if stanza.DeclaresClient(st) {
		out.Bytes = stanza.AppendTo(out.Bytes, st, stanza.NSServer)
	} else {
		out.Pass = true
	}
	return true
}
