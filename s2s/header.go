package s2s

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// header takes the peer's stream header, RFC 6120 §4.7 and §4.8.
func (s *Stream) header(now int64, f *parser.Frame, out *Out) {
	if e, ok := s.checkHeader(f, out); !ok {
		s.Fail(e, out)
		return
	}
	lang, _ := f.Lang()
	s.lang = keepLang(parser.Unescape(lang))
	s.stream.Rename(stanza.NSServer, stanza.NSClient)
	if s.outgoing {
		s.state = stateFeatures
		return
	}
	if err := s.refusal(s.remote); s.sec != nil && s.remote != "" && err != nil {
		s.Fail(stanza.StreamError{Condition: stanza.StreamNotAuthorized, Text: err.Error()}, out)
		return
	}
	s.appendHeader(out)
	s.state = stateOpen
	s.appendFeatures(out)
	if s.external {
		s.proven(now, External, out)
	}
}

// checkHeader takes over what the header says and names what is wrong with it.
func (s *Stream) checkHeader(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	for _, b := range f.Bindings() {
		if len(b.Prefix) == 0 && string(b.URI) != stanza.NSServer && string(b.URI) != stanza.NSStream {
			return stanza.StreamError{Condition: stanza.StreamInvalidNamespace,
				Text: "the content namespace of a server's stream is " + stanza.NSServer}, false
		}
		if string(b.URI) == NSDialback {
			s.peer |= hasDialback
		}
	}
	if s.outgoing {
		e, ok = s.checkAnswer(f, out)
	} else {
		e, ok = s.checkOpening(f, out)
	}
	if !ok {
		return e, false
	}
	if version, _ := f.Attr("version"); !session.SupportedVersion(version) {
		return stanza.StreamError{Condition: stanza.StreamUnsupportedVersion,
			Text: "XMPP 1.0 is required, and TLS with it"}, false
	}
	return e, true
}

// checkOpening holds the addresses of a stream that the peer opens against what
// is served here and with whom.
func (s *Stream) checkOpening(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	raw, has := f.To()
	if !has {
		return stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "the stream header has no to"}, false
	}
	local, err := domainOf(raw, &out.scratch)
	if err != nil || !s.cfg.Serves(local) {
		return stanza.StreamError{Condition: stanza.StreamHostUnknown}, false
	}
	local = strings.Clone(local)
	remote := ""
	if raw, has := f.From(); has {
		if remote, err = domainOf(raw, &out.scratch); err != nil {
			return stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "from is no domain"}, false
		}
	}
	switch {
	case s.external && (remote != s.remote || local != s.local):
		return stanza.StreamError{Condition: stanza.StreamInvalidFrom, Text: "the stream was authenticated for other domains"}, false
	case remote != "" && s.cfg.Serves(remote):
		return stanza.StreamError{Condition: stanza.StreamInvalidFrom, Text: "from is a domain of this server"}, false
	case remote != "" && s.cfg.Policy(remote).Denied:
		return stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: denied(remote).Error()}, false
	}
	s.local, s.remote = local, strings.Clone(remote)
	return e, true
}

// checkAnswer holds the peer's header against what we asked for. A from that is
// missing is no fault of interest: the certificate or dialback says who it is.
func (s *Stream) checkAnswer(f *parser.Frame, out *Out) (e stanza.StreamError, ok bool) {
	if raw, has := f.From(); has {
		if from, err := domainOf(raw, &out.scratch); err != nil || from != s.remote {
			return stanza.StreamError{Condition: stanza.StreamInvalidFrom, Text: "the stream was opened to " + s.remote}, false
		}
	}
	id, _ := f.ID()
	s.id = string(parser.Unescape(id))
	return e, true
}

// domainOf prepares an attribute that holds a domain. It may be borrowed.
func domainOf(raw []byte, scratch *[]byte) (string, error) {
	v, err := jid.ParseView(parser.Unescape(raw), scratch)
	if err != nil {
		return "", err
	}
	if !v.IsDomain() {
		return "", errNoDomain
	}
	return v.Domain(), nil
}

var errNoDomain = errors.New("s2s: an address of a server is a domain alone")

// denied is why there is no stream with a domain.
func denied(remote string) error {
	return fmt.Errorf("this server does not federate with %s", remote)
}

// appendHeader sends our stream header. The peer's answer to it has the id of
// the stream; on one that it opens we choose that.
func (s *Stream) appendHeader(out *Out) {
	b := append(out.Bytes, "<?xml version='1.0'?><stream:stream xmlns='"+stanza.NSServer+
		"' xmlns:stream='"+stanza.NSStream+"' xmlns:db='"+NSDialback+"'"...)
	if !s.outgoing {
		s.id = s.randomID()
		b = stanza.AppendAttr(b, "id", s.id)
	}
	if s.local != "" {
		b = stanza.AppendAttr(b, "from", s.local)
	}
	if s.remote != "" {
		b = stanza.AppendAttr(b, "to", s.remote)
	}
	out.Bytes = append(b, " version='1.0' xml:lang='en'>"...)
	s.opened = true
}

// randomID makes a stream id. It must not be guessable (RFC 6120 §4.7.3), so a
// source that fails must not be used.
func (s *Stream) randomID() string {
	var b [16]byte
	if _, err := io.ReadFull(s.cfg.Random, b[:]); err != nil {
		panic("s2s: no random numbers: " + err.Error())
	}
	return hex.EncodeToString(b[:])
}

// keepLang keeps a language tag, and spares a copy of the usual one.
func keepLang(b []byte) string {
	const longest = 35 // RFC 5646 §4.4.1
	switch {
	case string(b) == "en":
		return "en"
	case len(b) > longest:
		return ""
	}
	return string(b)
}
