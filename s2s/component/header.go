package component

import (
	"encoding/hex"
	"io"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// header answers the component's stream header with ours, XEP-0114 §3. Neither
// has a version, and no features follow: the protocol is older than those.
func (s *Stream) header(f *parser.Frame, out *Out) {
	if e, ok := s.checkHeader(f, out); !ok {
		s.Fail(e, out)
		return
	}
	s.appendHeader(out)
	s.state = stateHandshake
	s.stream.Rename(stanza.NSAccept, stanza.NSClient)
}

// checkHeader takes over what the header says and names what is wrong with it.
func (s *Stream) checkHeader(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	if !declares(f, stanza.NSAccept) {
		return stanza.StreamError{Condition: stanza.StreamInvalidNamespace,
			Text: "the content namespace of a component's stream is " + stanza.NSAccept}, false
	}
	to, ok := f.To()
	if !ok {
		return stanza.StreamError{Condition: stanza.StreamImproperAddressing,
			Text: "the stream header has no to, which is the component's domain"}, false
	}
	v, err := jid.ParseView(parser.Unescape(to), &out.to)
	if err != nil || !v.IsDomain() {
		return stanza.StreamError{Condition: stanza.StreamHostUnknown, Text: "to is no domain"}, false
	}
	if _, known := s.cfg.Secret(v.Domain()); !known {
		return stanza.StreamError{Condition: stanza.StreamHostUnknown, Text: "no component is configured for this domain"}, false
	}
	s.domain = strings.Clone(v.Domain())
	if lang, ok := f.Lang(); ok && len(lang) <= longestLang {
		s.lang = string(parser.Unescape(lang))
	}
	return e, true
}

const longestLang = 35 // RFC 5646 §4.4.1

// declares tells whether the header binds the namespace, to a prefix or as the
// default.
func declares(f *parser.Frame, ns string) bool {
	for _, b := range f.Bindings() {
		if string(b.URI) == ns {
			return true
		}
	}
	return false
}

// random fills b. What it makes must not be guessable, so a source that fails must
// not be used.
func (s *Stream) random(b []byte) {
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		panic("component: no random numbers: " + err.Error())
	}
}

// appendHeader sends our stream header. The id must not be guessable: it is what
// makes a digest of the secret good for one stream only.
func (s *Stream) appendHeader(out *Out) {
	b := make([]byte, 16)
	s.random(b)
	s.id = hex.EncodeToString(b)
	out.Bytes = append(out.Bytes, "<?xml version='1.0'?><stream:stream xmlns='"+stanza.NSAccept+
		"' xmlns:stream='"+stanza.NSStream+"'"...)
	if s.domain != "" {
		out.Bytes = stanza.AppendAttr(out.Bytes, "from", s.domain)
	}
	out.Bytes = stanza.AppendAttr(out.Bytes, "id", s.id)
	out.Bytes = append(out.Bytes, '>')
	s.opened = true
}
