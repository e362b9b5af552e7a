package session

import (
	"encoding/base64"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// sasl takes an element of the SASL namespace, RFC 6120 §6.4.
func (s *Session) sasl(f *parser.Frame, out *Out) {
	switch name := string(f.Local()); {
	case s.state == stateOpen && name == "auth":
		s.auth(f, out)
	case s.state == stateSASL && name == "response":
		msg, ok := s.decode(f, out)
		if !ok {
			s.authFailure("incorrect-encoding", "not base64", out)
			return
		}
		if msg == nil {
			msg = []byte{}
		}
		s.authStep(s.login.exchange.Respond(msg), out)
	case s.state == stateSASL && name == "abort":
		s.authStep(s.login.exchange.Abort(), out)
	case s.state == stateOpen && (name == "response" || name == "abort"), s.state == stateSASL && name == "auth":
		s.authFailure("malformed-request", "out of order", out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// auth begins an exchange.
func (s *Session) auth(f *parser.Frame, out *Out) {
	raw, _ := f.Attr("mechanism")
	mechanism := string(parser.Unescape(raw))
	if !s.secured && !s.cfg.AllowPlaintext {
		s.authFailure("encryption-required", "", out)
		return
	}
	if !s.offers(mechanism) {
		condition := "invalid-mechanism"
		if !s.secured && mechanism == sasl.Plain {
			condition = "encryption-required" // RFC 6120 §6.5.4
		}
		s.authFailure(condition, "", out)
		return
	}
	msg, ok := s.decode(f, out)
	if !ok {
		s.authFailure("incorrect-encoding", "not base64", out)
		return
	}
	s.begin(mechanism, msg, out)
}

// offers tells whether a mechanism was announced on this stream.
func (s *Session) offers(mechanism string) bool { return slices.Contains(s.offered(), mechanism) }

// begin starts an exchange with the client's first message; nil: it sent none.
func (s *Session) begin(mechanism string, msg []byte, out *Out) {
	l := s.login
	l.config = sasl.Config{
		Bindings:        l.bindings,
		PlusOffered:     s.secured && len(l.bindings) > 0,
		Domain:          s.Domain(),
		DecoySecret:     s.cfg.DecoySecret,
		Iterations:      s.cfg.ScramIterations,
		Advertised:      s.offered(),
		PrepareUsername: prepareLocal,
	}
	exchange, err := sasl.Start(mechanism, &l.config)
	if err != nil {
		s.authFailure("invalid-mechanism", "", out)
		return
	}
	l.exchange, l.mechanism = exchange, mechanism
	s.state = stateSASL
	s.authStep(exchange.Respond(msg), out)
}

// prepareLocal brings a user name into the form in which accounts are kept.
func prepareLocal(name string) (string, error) {
	j, err := jid.New(name, "localhost", "") // the domain is of no account
	if err != nil || j.Local() == "" {
		return "", sasl.ErrUsername
	}
	return j.Local(), nil
}

// decode reads the base64 content of a SASL element: nil for no content, an
// empty slice for "=". valid until the next call.
func (s *Session) decode(f *parser.Frame, out *Out) (msg []byte, ok bool) {
	if w := f.Element().Walk(); w.Next() {
		return nil, false
	}
	text := f.Element().AppendText(nil)
	switch string(text) {
	case "":
		return nil, true
	case "=":
		return []byte{}, true
	}
	out.decoded, _ = base64.StdEncoding.Strict().AppendDecode(out.decoded[:0], text)
	if base64.StdEncoding.EncodedLen(len(out.decoded)) != len(text) {
		return nil, false
	}
	return out.decoded, true
}

// authStep does what the mechanism wants next.
func (s *Session) authStep(step sasl.Step, out *Out) {
	if s.login.request != nil && !s.fromAllows(s.login.exchange.Authzid()) {
		step = sasl.Step{Kind: sasl.Failure, Condition: sasl.CondInvalidAuthzid, Text: "not the from of the stream"}
	}
	switch step.Kind {
	case sasl.Challenge:
		if s.login.request != nil {
			out.Bytes = appendChallenge2(out.Bytes, step.Data)
			return
		}
		out.Bytes = appendBase64(out.Bytes, "challenge", step.Data)
	case sasl.Success:
		s.authSuccess(step.Data, out)
	case sasl.NeedTokens:
		s.login.since = s.loginTime()
		s.askToken(s.login.exchange.Username(), out)
	case sasl.NeedCredentials:
		s.login.since = s.loginTime()
		s.ask(Op{Kind: OpCredentials, Local: s.login.exchange.Username(), Domain: s.Domain()}, out)
	case sasl.NeedVerify:
		s.login.since = s.loginTime()
		s.ask(Op{Kind: OpVerify, Local: s.login.exchange.Username(), Domain: s.Domain(), Password: step.Password}, out)
	default:
		s.authFailure(step.Condition, step.Text, out)
	}
}

// fromAllows tells whether an authorization identity goes with the from of the
// stream header, XEP-0388 §2.3. The exchange has made sure that it is the user.
func (s *Session) fromAllows(authzid string) bool {
	return authzid == "" || s.login.from.IsZero() || s.login.from.Local() == s.login.exchange.Username()
}

// loginTime is now during a login, Unix nanoseconds.
func (s *Session) loginTime() int64 { return max(s.active, s.login.now) }

// ask starts an operation and consumes nothing until it is answered.
func (s *Session) ask(op Op, out *Out) {
	s.waiting = op.Kind
	out.Op = op
}

// authAnswer goes on with what the engine found out.
func (s *Session) authAnswer(op OpKind, res *Result, out *Out) {
	s.login.credentials = res.Credentials
	switch {
	case res.Err != nil:
		s.authFailure("temporary-auth-failure", "", out)
	case op == OpCredentials:
		s.authStep(s.login.exchange.Credentials(res.Credentials), out)
	default:
		s.authStep(s.login.exchange.Verified(res.OK), out)
	}
}

// authSuccess ends the exchange; the peer opens a new stream, RFC 6120 §6.4.6.
func (s *Session) authSuccess(data []byte, out *Out) {
	user, err := jid.New(s.login.exchange.Username(), s.Domain(), "")
	if err != nil {
		s.authFailure("not-authorized", "", out)
		return
	}
	if s.login.request != nil {
		s.authenticated(user, data, out)
		return
	}
	out.Bytes = appendBase64(out.Bytes, "success", data)
	out.AuthSuccesses++
	s.jid = user
	s.login.exchange = nil
	s.restart(s.cfg.Bound)
}

// authFailure ends the exchange. The peer may try again on the same stream, a
// bounded number of times (RFC 6120 §6.4.5).
func (s *Session) authFailure(condition, text string, out *Out) {
	if s.login.request != nil {
		out.Bytes = appendFailure2(out.Bytes, condition, text)
	} else {
		out.Bytes = appendFailure(out.Bytes, condition, text)
	}
	s.login.exchange, s.login.request, s.login.credentials = nil, nil, nil
	s.state = stateOpen
	out.AuthFailures++
	s.login.failures++
	if s.login.failures >= s.cfg.AuthAttempts {
		s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "too many failed logins"}, out)
	}
}

// appendFailure renders <failure/>, RFC 6120 §6.4.5.
func appendFailure(b []byte, condition, text string) []byte {
	b = append(b, "<failure xmlns='"+stanza.NSSASL+"'><"...)
	b = append(b, condition...)
	b = append(b, "/>"...)
	if text != "" {
		b = append(b, "<text xml:lang='en'>"...)
		b = parser.AppendText(b, text)
		b = append(b, "</text>"...)
	}
	return append(b, "</failure>"...)
}

// appendBase64 appends a SASL element with data; nil data makes it empty, and
// data of zero length is "=" (RFC 6120 §6.4.2).
func appendBase64(b []byte, name string, data []byte) []byte {
	b = append(b, '<')
	b = append(b, name...)
	b = append(b, " xmlns='"+stanza.NSSASL+"'"...)
	if data == nil {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	if len(data) == 0 {
		b = append(b, '=')
	}
	b = base64.StdEncoding.AppendEncode(b, data)
	b = append(b, "</"...)
	b = append(b, name...)
	return append(b, '>')
}
