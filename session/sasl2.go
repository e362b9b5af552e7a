package session

import (
	"encoding/base64"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// NSSASL2 is the namespace of XEP-0388.
const NSSASL2 = "urn:xmpp:sasl:2"

// request is an <authenticate/> of XEP-0388 (version 1.0.4): what the client
// wants beside the exchange, and what came of it so far. It lives from there to
// <success/> or <failure/>.
type request struct {
	agent  agent
	resume *resumeRequest // nil: nothing to resume
	bind   *bindRequest2  // nil: a resource is bound later, or none

	user   jid.JID // who has authenticated; zero before that
	data   []byte  // additional data of the mechanism, until it is told
	failed []byte  // <failed/>: why nothing was resumed

	fast    fastRequest
	upgrade upgrade
}

// sasl2 takes an element of the SASL2 namespace.
func (s *Session) sasl2(f *parser.Frame, out *Out) {
	r := s.login.request
	switch name := string(f.Local()); {
	case s.state == stateOpen && name == "authenticate":
		s.authenticate(f, out)
	case s.state == stateSASL && r != nil && name == "response" && r.user.IsZero():
		msg, ok := s.decode2(f.Element(), out)
		if !ok {
			s.authFailure("incorrect-encoding", "not base64", out)
			return
		}
		s.authStep(s.login.exchange.Respond(msg), out)
	case s.state == stateSASL && r != nil && name == "next" && r.upgrade.task != "" && r.upgrade.salt == nil:
		s.next(f.Element(), out)
	case s.state == stateSASL && r != nil && name == "task-data" && r.upgrade.salt != nil:
		s.taskData(f.Element(), out)
	case s.state == stateSASL && r != nil && name == "abort":
		s.authFailure(sasl.CondAborted, "", out)
	case s.state == stateOpen && (name == "response" || name == "abort" || name == "next" || name == "task-data"):
		s.login.request = &request{}
		s.authFailure(sasl.CondMalformedRequest, "out of order", out)
	case s.state == stateSASL:
		s.strayed(out)
	default:
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	}
}

// strays tells whether ns has no business on the stream while the client
// authenticates by SASL2.
func (s *Session) strays(ns []byte) bool {
	return s.state == stateSASL && s.login.request != nil && string(ns) != NSSASL2
}

// strayed disconnects a client that says anything else while it authenticates,
// XEP-0388 §2.4.
func (s *Session) strayed(out *Out) {
	s.Fail(stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "out of place while authentication is in progress"}, out)
}

// authenticate begins an exchange, XEP-0388 §2.3.
func (s *Session) authenticate(f *parser.Frame, out *Out) {
	e := f.Element()
	s.login.request = &request{}
	if !s.secured { // XEP-0388 §3: after TLS only
		s.authFailure("encryption-required", "", out)
		return
	}
	raw, _ := e.Attr("mechanism")
	mechanism := string(parser.Unescape(raw))
	r, ok := s.readRequest(e)
	switch {
	case !s.offers(mechanism) && !s.offersToken(mechanism), ok && r.fast.login != s.offersToken(mechanism):
		s.authFailure("invalid-mechanism", "", out)
		return
	case !ok:
		s.authFailure(sasl.CondMalformedRequest, "an element is there twice, or is not as it should be", out)
		return
	case r.fast.login && r.agent.id == "":
		s.authFailure(sasl.CondMalformedRequest, "a token goes with the id of a user agent", out)
		return
	}
	var msg []byte // nil without an initial response
	if first := e.Child(NSSASL2, "initial-response"); !first.IsZero() {
		if msg, ok = s.decode2(first, out); !ok {
			s.authFailure("incorrect-encoding", "not base64", out)
			return
		}
	}
	s.login.request = r
	if r.fast.login {
		r.fast.message = slices.Clone(msg)
	}
	s.begin(mechanism, msg, out)
}

// readRequest copies what an <authenticate/> asks for. What it does not know is
// ignored; false when something known is there twice or malformed.
func (s *Session) readRequest(e parser.Element) (r *request, ok bool) {
	r = &request{}
	var seen seen
	for child := range e.Children() {
		ok := true
		switch {
		case child.Is(NSSASL2, "initial-response"):
			ok = seen.once(seenResponse)
		case child.Is(NSSASL2, "user-agent"):
			r.agent, ok = readAgent(child)
			ok = ok && seen.once(seenAgent)
		case child.Is(NSBind2, "bind"):
			ok = seen.once(seenBind)
			r.bind = s.readBind(child)
		case child.Is(NSManage, "resume") && s.cfg.Management != nil:
			ok = seen.once(seenResume)
			r.resume = readResume(child.Attr)
		case child.Is(NSFAST, "fast") && s.cfg.Tokens != nil:
			ok = seen.once(seenFast) && r.fast.readLogin(child)
		case child.Is(NSFAST, "request-token") && s.cfg.Tokens != nil:
			ok = seen.once(seenRequest)
			r.fast.request = s.readTokenRequest(child)
		case child.Is(NSUpgrade, "upgrade"):
			r.upgrade.want(child)
		}
		if !ok {
			return nil, false
		}
	}
	return r, true
}

// seen are the children of an <authenticate/> that were met.
type seen uint8

const (
	seenResponse seen = 1 << iota
	seenAgent
	seenBind
	seenResume
	seenFast
	seenRequest
)

// once tells whether what is met for the first time.
func (s *seen) once(what seen) bool {
	before := *s
	*s |= what
	return before&what == 0
}

// decode2 reads the base64 content of an element: never nil, as an empty
// element is an empty message (XEP-0388 §2.2). White space, which it should not
// have, is passed over. valid until the next call.
func (s *Session) decode2(e parser.Element, out *Out) (msg []byte, ok bool) {
	if w := e.Walk(); w.Next() {
		return nil, false
	}
	text := trimSpace(e.AppendText(nil))
	out.decoded, _ = base64.StdEncoding.Strict().AppendDecode(out.decoded[:0], text)
	if base64.StdEncoding.EncodedLen(len(out.decoded)) != len(text) {
		return nil, false
	}
	if out.decoded == nil {
		return []byte{}, true
	}
	return out.decoded, true
}

// trimSpace takes away all white space of XML.
func trimSpace(b []byte) []byte {
	kept := b[:0]
	for _, c := range b {
		if !isSpace(c) {
			kept = append(kept, c)
		}
	}
	return kept
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// authenticated goes on after the mechanism has succeeded: with what is to be
// done before <success/>, in the order of XEP-0388 §2.6, XEP-0198 §10 and XEP-0386
// §4.2.
func (s *Session) authenticated(user jid.JID, data []byte, out *Out) {
	r := s.login.request
	r.user, r.data = user, data
	if !s.nextUpgrade(out) {
		s.settleTokens(out)
	}
}

// establish resumes a session or binds a resource. From here on the client is
// let in.
func (s *Session) establish(out *Out) {
	out.AuthSuccesses++
	r := s.login.request
	s.jid = r.user
	s.login.exchange, s.login.credentials = nil, nil
	switch {
	case r.resume == nil:
		s.bindInline(out)
	case r.resume.condition != "":
		s.notResumed(r.resume.condition, nil, out)
	default:
		s.ask(Op{Kind: OpResume, Resume: r.resume.previd, H: r.resume.h}, out)
	}
}

// notResumed goes on with binding, as XEP-0198 §10.2 wants it.
func (s *Session) notResumed(c stanza.Condition, h *uint32, out *Out) {
	s.login.request.failed = AppendFailed(nil, c, h)
	s.bindInline(out)
}

// letIn tells the client that it is in, with results in the middle, and what
// may be negotiated next.
func (s *Session) letIn(r *request, results []byte, out *Out) {
	s.login.request = nil
	s.stream.SetLimits(s.cfg.Bound)
	s.state = stateBind
	out.Bytes = r.appendSuccess(out.Bytes, s.jid, results)
	s.appendFeatures(out)
}

// appendSuccess renders <success/>, XEP-0388 §2.6.1.
func (r *request) appendSuccess(b []byte, who jid.JID, results []byte) []byte {
	b = append(b, "<success xmlns='"+NSSASL2+"'>"...)
	b = r.appendData(b)
	b = append(b, "<authorization-identifier>"...)
	b = parser.AppendText(b, who.String())
	b = append(b, "</authorization-identifier>"...)
	b = append(b, r.failed...)
	b = append(b, results...)
	b = append(b, r.fast.issued...)
	return append(b, "</success>"...)
}

// appendData tells what the mechanism wants told, once.
func (r *request) appendData(b []byte) []byte {
	if r.data == nil {
		return b
	}
	b = append(b, "<additional-data>"...)
	b = base64.StdEncoding.AppendEncode(b, r.data)
	r.data = nil
	return append(b, "</additional-data>"...)
}

// appendFailure2 renders <failure/>, XEP-0388 §2.6.2.
func appendFailure2(b []byte, condition, text string) []byte {
	b = append(b, "<failure xmlns='"+NSSASL2+"'><"...)
	b = append(b, condition...)
	b = append(b, " xmlns='"+stanza.NSSASL+"'/>"...)
	if text != "" {
		b = append(b, "<text>"...)
		b = parser.AppendText(b, text)
		b = append(b, "</text>"...)
	}
	return append(b, "</failure>"...)
}

// appendChallenge2 renders <challenge/>, XEP-0388 §2.5.
func appendChallenge2(b, data []byte) []byte {
	b = append(b, "<challenge xmlns='"+NSSASL2+"'>"...)
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, "</challenge>"...)
}

// appendAuthentication offers SASL2 with all that may go into its one round
// trip, XEP-0388 §2.1.
func (s *Session) appendAuthentication(b []byte) []byte {
	if !s.secured {
		return b
	}
	b = append(b, "<authentication xmlns='"+NSSASL2+"'>"...)
	b = s.appendMechanismNames(b)
	b = append(b, "<inline>"...)
	if s.cfg.Management != nil && s.cfg.Management.Window > 0 {
		b = append(b, "<sm xmlns='"+NSManage+"'/>"...)
	}
	b = s.appendBindFeature(b)
	b = s.appendTokenMechanisms(b)
	b = s.appendUpgrades(append(b, "</inline>"...))
	return append(b, "</authentication>"...)
}
