package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// features is what the peer of a stream of ours offers.
type features uint8

const (
	hasTLS      features = 1 << iota
	hasExternal          // SASL EXTERNAL, XEP-0178
	hasDialback          // the namespace in the header, or the feature: XEP-0220 §2.4
	hasErrors            // and its errors do not end the stream, so more pairs can be tried
	hasBidi              // XEP-0288
	hasManage            // XEP-0198
)

const (
	nsDialbackFeature = "urn:xmpp:features:dialback" // XEP-0220 §2.4.2
	nsBidiFeature     = "urn:xmpp:features:bidi"     // XEP-0288 §2.1
)

// errNoTLS and errNoAuth are why a stream of ours comes to nothing.
var (
	errNoTLS  = errors.New("the server offers no TLS, which this server requires (RFC 7590)")
	errNoAuth = errors.New("the server offers neither SASL EXTERNAL nor dialback")
)

// appendFeatures sends what may be negotiated now, RFC 6120 §4.3.2: nothing but
// TLS before that is there.
func (s *Stream) appendFeatures(out *Out) {
	b := append(out.Bytes, "<stream:features>"...)
	switch {
	case s.sec == nil:
		b = append(b, "<starttls xmlns='"+stanza.NSTLS+"'><required/></starttls>"...)
	case s.external:
		b = append(s.appendDialbackFeature(b), s.cfg.Features...)
	default:
		if s.offersExternal() {
			b = append(b, "<mechanisms xmlns='"+stanza.NSSASL+"'><mechanism>EXTERNAL</mechanism></mechanisms>"...)
		}
		b = s.appendDialbackFeature(b)
		if !s.cfg.OneWay {
			b = append(b, "<bidi xmlns='"+nsBidiFeature+"'/>"...)
		}
	}
	out.Bytes = append(b, "</stream:features>"...)
}

// appendDialbackFeature announces dialback, and stream management, which whoever
// proves itself by it has no later features to learn of from.
func (s *Stream) appendDialbackFeature(b []byte) []byte {
	b = append(b, "<dialback xmlns='"+nsDialbackFeature+"'><errors/></dialback>"...)
	if s.cfg.Manage {
		b = append(b, "<sm xmlns='"+NSManage+"'/>"...)
	}
	return b
}

// features takes what the peer of a stream of ours offers and goes on with the
// first step that is left.
func (s *Stream) features(now int64, f *parser.Frame, out *Out) {
	for w := f.Element().Walk(); w.Next(); {
		s.peer |= feature(w.Element())
	}
	s.state = stateOpen
	switch {
	case s.sec == nil && s.peer&hasTLS == 0:
		s.refuse(s.first(), errNoTLS, out)
		s.End(errNoTLS, out)
	case s.sec == nil:
		out.Bytes = append(out.Bytes, "<starttls xmlns='"+stanza.NSTLS+"'/>"...)
		s.state = stateTLS
	case s.external:
		s.proven(now, External, out)
		s.askAll(now, out)
	case s.questions:
		s.negotiateBy = 0
		s.askAll(now, out)
	default:
		s.authenticate(now, out)
	}
}

// feature reads one of them.
func feature(e parser.Element) (has features) {
	switch {
	case e.Is(stanza.NSTLS, "starttls"):
		return hasTLS
	case e.Is(nsBidiFeature, "bidi"):
		return hasBidi
	case e.Is(NSManage, "sm"):
		return hasManage
	case e.Is(nsDialbackFeature, "dialback"):
		if e.Child(nsDialbackFeature, "errors").IsZero() {
			return hasDialback
		}
		return hasDialback | hasErrors
	case e.Is(stanza.NSSASL, "mechanisms"):
		for w := e.Walk(); w.Next(); {
			if m := w.Element(); string(m.Local()) == "mechanism" && string(m.AppendText(nil)) == "EXTERNAL" {
				return hasExternal
			}
		}
	}
	return 0
}

// authenticate has the first pair of a stream of ours proved: by SASL EXTERNAL
// where the peer offers it, else by dialback.
func (s *Stream) authenticate(now int64, out *Out) {
	s.requestBidi(out)
	switch {
	case s.peer&hasExternal != 0 && s.failures == 0:
		s.auth(out)
	case s.peer&hasDialback != 0:
		s.sendKey(now, s.first(), out)
		s.askAll(now, out)
	default:
		s.refuse(s.first(), errNoAuth, out)
		s.End(errNoAuth, out)
	}
}

// proven is for the pair of the headers, proved by SASL: of the side that has
// opened the stream, and with XEP-0288 of both.
func (s *Stream) proven(now int64, m Method, out *Out) {
	s.used = now
	if s.outgoing || s.bidi {
		s.ready(s.first(), m, out)
	}
	if !s.outgoing || s.bidi {
		s.authorize(s.first(), m, out)
	}
}
