package session

import (
	"encoding/hex"
	"io"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// header answers the peer's stream header with ours and with the features,
// RFC 6120 §4.2, §4.3 and §4.7.
func (s *Session) header(f *parser.Frame, out *Out) {
	if e, ok := s.checkHeader(f, out); !ok {
		s.Fail(e, out)
		return
	}
	s.appendHeader(s.headerTo(f), out)
	if s.jid.IsZero() {
		s.state = stateOpen
	} else {
		s.state = stateBind
	}
	s.appendFeatures(out)
}

// checkHeader takes over what the header says and names what is wrong with it.
func (s *Session) checkHeader(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	for _, b := range f.Bindings() {
		if len(b.Prefix) == 0 && string(b.URI) != stanza.NSClient && string(b.URI) != stanza.NSStream {
			return stanza.StreamError{Condition: stanza.StreamInvalidNamespace,
				Text: "the content namespace of a client's stream is " + stanza.NSClient}, false
		}
	}
	if lang, ok := f.Lang(); ok {
		s.lang = internLang(parser.Unescape(lang))
	}
	to, ok := f.To()
	if !ok {
		return stanza.StreamError{Condition: stanza.StreamImproperAddressing,
			Text: "the stream header has no to"}, false
	}
	v, err := jid.ParseView(parser.Unescape(to), &out.scratch)
	if err != nil || !v.IsDomain() || !s.cfg.Serves(v.Domain()) {
		return stanza.StreamError{Condition: stanza.StreamHostUnknown}, false
	}
	if !s.jid.IsZero() && s.jid.Domain() != v.Domain() {
		return stanza.StreamError{Condition: stanza.StreamHostUnknown,
			Text: "the stream was authenticated for another domain"}, false
	}
	if s.Domain() != v.Domain() {
		s.login.domain = strings.Clone(v.Domain())
	}
	if s.login.from, ok = s.headerFrom(f, out); !ok {
		return stanza.StreamError{Condition: stanza.StreamInvalidFrom,
			Text: "from is of another domain than to"}, false
	}
	version, _ := f.Attr("version")
	if !SupportedVersion(version) {
		return stanza.StreamError{Condition: stanza.StreamUnsupportedVersion,
			Text: "XMPP 1.0 is required"}, false
	}
	if !s.jid.IsZero() && !s.ownHeaderFrom(f, out) {
		return stanza.StreamError{Condition: stanza.StreamInvalidFrom}, false
	}
	return stanza.StreamError{}, true
}

// ownHeaderFrom checks from on an authenticated stream, RFC 6120 §4.9.3.9.
func (s *Session) ownHeaderFrom(f *parser.Frame, out *Out) bool {
	from, ok := f.From()
	if !ok {
		return true
	}
	v, err := jid.ParseView(parser.Unescape(from), &out.scratch)
	return err == nil && v.JID.Bare() == s.jid.Bare()
}

// headerFrom is the bare address that the client says it will log in as; zero
// when it says none, which is enough without SASL2. False when that is of another
// domain than this stream's, XEP-0388 §2.1.
func (s *Session) headerFrom(f *parser.Frame, out *Out) (from jid.JID, ok bool) {
	raw, said := f.From()
	if !said || !s.secured || len(raw) == 0 || !s.jid.IsZero() {
		return from, true
	}
	v, err := jid.ParseView(parser.Unescape(raw), &out.scratch)
	if err != nil {
		return from, true
	}
	return v.JID.Bare().Clone(), v.Domain() == s.Domain()
}

// headerTo is what our header says in to: the peer's from, told back only
// inside TLS (RFC 6120 §4.7.2), "" otherwise.
func (s *Session) headerTo(f *parser.Frame) string {
	from, ok := f.From()
	if !ok || !s.secured {
		return ""
	}
	j, err := jid.ParseBytes(parser.Unescape(from))
	if err != nil {
		return ""
	}
	return j.String()
}

// SupportedVersion accepts 1.0 and later minor or major versions, which must
// understand our 1.0 (RFC 6120 §4.7.5).
func SupportedVersion(v []byte) bool {
	major, rest, found := strings.Cut(string(v), ".")
	return found && isDigits(major) && isDigits(rest) && strings.TrimLeft(major, "0") != ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 4
}

// internLang spares a copy per session for the languages that most send.
func internLang(b []byte) *string {
	for i := range usualLangs {
		if string(b) == usualLangs[i] {
			return &usualLangs[i]
		}
	}
	const longest = 35 // RFC 5646 §4.4.1
	if len(b) == 0 || len(b) > longest {
		return nil
	}
	lang := string(b)
	return &lang
}

// usualLangs is only read.
var usualLangs = [...]string{"en", "de", "fr", "ru"}

// appendHeader sends our stream header.
func (s *Session) appendHeader(to string, out *Out) {
	out.Bytes = append(out.Bytes, "<?xml version='1.0'?><stream:stream xmlns='"+stanza.NSClient+
		"' xmlns:stream='"+stanza.NSStream+"'"...)
	out.Bytes = stanza.AppendAttr(out.Bytes, "id", s.randomID(16))
	if s.Domain() != "" {
		out.Bytes = stanza.AppendAttr(out.Bytes, "from", s.Domain())
	}
	if to != "" {
		out.Bytes = stanza.AppendAttr(out.Bytes, "to", to)
	}
	out.Bytes = append(out.Bytes, " version='1.0' xml:lang='en'>"...)
	s.opened = true
}

// randomID is n random bytes in hexadecimal. An id of a stream must not be
// guessable (RFC 6120 §4.7.3), so a source that fails must not be used.
func (s *Session) randomID(n int) string {
	b := make([]byte, n)
	s.random(b)
	return hex.EncodeToString(b)
}

// random fills b.
func (s *Session) random(b []byte) {
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		panic("session: no random numbers: " + err.Error())
	}
}

// appendFeatures sends what may be negotiated now, RFC 6120 §4.3.2.
func (s *Session) appendFeatures(out *Out) {
	b := append(out.Bytes, "<stream:features>"...)
	if s.state >= stateBind {
		if s.state == stateBind {
			b = append(b, "<bind xmlns='"+stanza.NSBind+"'/>"+
				"<session xmlns='"+stanza.NSSession+"'><optional/></session>"...)
		}
		b = s.appendCompression(b)
		b = append(b, "<csi xmlns='"+NSCSI+"'/>"...)
		if s.cfg.Management != nil && s.managed == nil {
			b = append(b, "<sm xmlns='"+NSManage+"'/>"...)
		}
		b = append(b, s.cfg.Features...)
	} else {
		if s.canStartTLS() {
			b = append(b, "<starttls xmlns='"+stanza.NSTLS+"'>"...)
			if !s.cfg.AllowPlaintext {
				b = append(b, "<required/>"...)
			}
			b = append(b, "</starttls>"...)
		}
		b = s.appendMechanisms(b)
		b = s.appendAuthentication(b)
		if s.registers() {
			b = append(b, "<register xmlns='"+NSRegisterFeature+"'/>"...)
		}
	}
	out.Bytes = append(s.appendLimits(b), "</stream:features>"...)
}

func (s *Session) canStartTLS() bool { return s.cfg.StartTLS && !s.secured }

// appendMechanisms offers SASL (RFC 6120 §6.3.3) and the channel bindings
// that go with it (XEP-0440).
func (s *Session) appendMechanisms(b []byte) []byte {
	offered := s.offered()
	if len(offered) == 0 {
		return b
	}
	b = append(b, "<mechanisms xmlns='"+stanza.NSSASL+"'>"...)
	b = s.appendMechanismNames(b)
	b = append(b, "</mechanisms>"...)
	if len(s.login.bindings) == 0 {
		return b
	}
	b = append(b, "<sasl-channel-binding xmlns='"+stanza.NSSASLCB+"'>"...)
	for _, c := range s.login.bindings {
		b = append(b, "<channel-binding"...)
		b = stanza.AppendAttr(b, "type", c.Type)
		b = append(b, "/>"...)
	}
	return append(b, "</sasl-channel-binding>"...)
}

func (s *Session) appendMechanismNames(b []byte) []byte {
	for _, m := range s.offered() {
		b = append(b, "<mechanism>"...)
		b = append(b, m...)
		b = append(b, "</mechanism>"...)
	}
	return b
}

// offered is the mechanisms of this stream, best first.
func (s *Session) offered() []string {
	return sasl.Offer(s.login.bindings, s.secured, s.cfg.AllowPlaintext, sasl.HaveAll)
}
