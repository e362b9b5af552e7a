package s2s

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// attempts is how often SASL may fail on a stream until it is ended.
const attempts = 3

// errAuthFailed is why a stream of ours comes to nothing after SASL has failed
// and there is no dialback.
var errAuthFailed = errors.New("the server refused SASL EXTERNAL and offers no dialback")

// offersExternal tells whether SASL EXTERNAL is offered: to a peer whose
// certificate proves the domain that it opened the stream as, XEP-0178 §3.
func (s *Stream) offersExternal() bool {
	return !s.external && s.remote != "" && s.proves(s.remote) == nil
}

// auth asks for SASL EXTERNAL. The authorization identity repeats our from, as
// XEP-0178 §3 advises for older peers.
func (s *Stream) auth(out *Out) {
	out.Bytes = append(out.Bytes, "<auth xmlns='"+stanza.NSSASL+"' mechanism='EXTERNAL'>"...)
	out.Bytes = base64.StdEncoding.AppendEncode(out.Bytes, []byte(s.local))
	out.Bytes = append(out.Bytes, "</auth>"...)
	s.state = stateSASL
	s.step(out, "authenticating "+s.local+" by SASL EXTERNAL")
}

// sasl takes an element of the SASL namespace.
func (s *Stream) sasl(now int64, f *parser.Frame, out *Out) {
	switch name := string(f.Local()); {
	case s.sec == nil:
		s.notAuthorized("TLS is required first", out)
	case s.outgoing && s.state == stateSASL && name == "success":
		s.external = true
		s.restart(s.cfg.PreAuth)
		s.appendHeader(out)
	case s.outgoing && s.state == stateSASL && name == "failure":
		s.authFailed(now, f, out)
	case s.outgoing && s.state == stateSASL && name == "challenge":
		out.Bytes = append(out.Bytes, "<response xmlns='"+stanza.NSSASL+"'>="...) // nothing more to say
		out.Bytes = append(out.Bytes, "</response>"...)
	case !s.outgoing && s.state == stateOpen && name == "auth":
		s.authRequest(f, out)
	case !s.outgoing && s.state == stateSASL && name == "response":
		s.state = stateOpen
		s.authorization(f, out)
	case !s.outgoing && s.state == stateSASL && name == "abort":
		s.state = stateOpen
		s.saslFailure("aborted", out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// authFailed goes on by dialback after <failure/>, if the peer lets us.
func (s *Stream) authFailed(now int64, f *parser.Frame, out *Out) {
	s.failures++
	reason := ""
	for w := f.Element().Walk(); w.Next(); {
		reason += " " + string(w.Element().Local())
	}
	s.state = stateOpen
	s.step(out, fmt.Sprintf("%s refused SASL EXTERNAL:%s", s.remote, reason))
	if s.peer&hasDialback == 0 {
		s.refuse(s.first(), errAuthFailed, out)
		s.End(errAuthFailed, out)
		return
	}
	s.sendKey(now, s.first(), out)
	s.askAll(now, out)
}

// authRequest takes <auth/>, RFC 6120 §6.4.2.
func (s *Stream) authRequest(f *parser.Frame, out *Out) {
	mechanism, _ := f.Attr("mechanism")
	switch {
	case s.proved():
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType, Text: "authenticated already"}, out)
	case string(mechanism) != "EXTERNAL" || !s.offersExternal():
		s.saslFailure("invalid-mechanism", out)
	case len(f.Content()) == 0: // without an initial response it is asked for, RFC 4422 §3
		out.Bytes = append(out.Bytes, "<challenge xmlns='"+stanza.NSSASL+"'>=</challenge>"...)
		s.state = stateSASL
	default:
		s.authorization(f, out)
	}
}

// authorization takes whom the peer wants to be: nobody else than whom it has
// opened the stream as, which the certificate proves.
func (s *Stream) authorization(f *parser.Frame, out *Out) {
	text := strings.TrimSpace(string(f.Element().AppendText(nil)))
	identity := []byte(nil)
	if text != "=" {
		var err error
		if identity, err = base64.StdEncoding.DecodeString(text); err != nil {
			s.saslFailure("incorrect-encoding", out)
			return
		}
	}
	if len(identity) > 0 {
		if j, err := jid.ParseBytes(identity); err != nil || j.String() != s.remote {
			s.saslFailure("invalid-authzid", out)
			return
		}
	}
	out.Bytes = append(out.Bytes, "<success xmlns='"+stanza.NSSASL+"'/>"...)
	s.external = true
	s.restart(s.cfg.Bound)
}

// saslFailure refuses, RFC 6120 §6.5; the peer may go on by dialback.
func (s *Stream) saslFailure(condition string, out *Out) {
	out.Bytes = append(out.Bytes, "<failure xmlns='"+stanza.NSSASL+"'><"+condition+"/></failure>"...)
	if s.failures++; s.failures >= attempts {
		s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "too many failed authentications"}, out)
	}
}
