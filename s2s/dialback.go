package s2s

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSDialback is the namespace of XEP-0220. Its elements have the prefix db on
// our streams.
const NSDialback = "jabber:server:dialback"

// dialback is what waits for an answer: of the peer, or of the authoritative
// server that somebody else asks for us.
type dialback struct {
	requests []request // keys that we have sent
	asks     []ask     // questions for the peer
	claims   []Pair    // of the peer, while its keys are verified
}

// request is a <db:result/> that we have sent.
type request struct {
	pair Pair
	at   int64
}

// ask is a question for the peer; at 0: not sent yet.
type ask struct {
	Verify
	at int64
}

func (s *Stream) dialling() *dialback {
	if s.dialback == nil {
		s.dialback = &dialback{}
	}
	return s.dialback
}

// dialbackElement takes an element of Server Dialback, XEP-0220 §2. Those
// without a type are requests, the others answers to ours.
func (s *Stream) dialbackElement(now int64, f *parser.Frame, out *Out) {
	if s.state == stateEnding {
		return
	}
	p, ok := s.dialbackPair(f, out)
	name := string(f.Local())
	typ, answer := f.Type()
	switch {
	case s.state != stateOpen || name != "result" && name != "verify":
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
	case !ok:
		s.Fail(stanza.StreamError{Condition: stanza.StreamImproperAddressing, Text: "dialback needs from and to"}, out)
	case answer && name == "result":
		s.resultAnswer(now, p, string(typ), f, out)
	case answer:
		s.verifyAnswer(p, string(typ), f, out)
	case s.sec == nil:
		s.dialbackError(name, p, f, stanza.PolicyViolation, "TLS is required first", out)
	case name == "result":
		s.claim(p, f, out)
	default:
		s.answerVerify(p, f, out)
	}
}

// dialbackPair reads from and to.
func (s *Stream) dialbackPair(f *parser.Frame, out *Out) (p Pair, ok bool) {
	to, _ := f.To()
	local, err := domainOf(to, &out.scratch)
	if err != nil {
		return p, false
	}
	p.Local = strings.Clone(local)
	from, _ := f.From()
	remote, err := domainOf(from, &out.scratch)
	p.Remote = strings.Clone(remote)
	return p, err == nil
}

// claim takes a key with which the peer wants to speak as p.Remote, XEP-0220
// §2.2.1. A certificate that proves it spares the question.
func (s *Stream) claim(p Pair, f *parser.Frame, out *Out) {
	d := s.dialling()
	err := s.refusal(p.Remote)
	switch {
	case s.outgoing && !s.bidi:
		s.dialbackError("result", p, f, stanza.NotAllowed, "this stream has one direction", out)
	case !s.cfg.Serves(p.Local):
		s.dialbackError("result", p, f, stanza.ItemNotFound, "", out)
	case s.cfg.Serves(p.Remote):
		s.dialbackError("result", p, f, stanza.NotAcceptable, p.Remote+" is a domain of this server", out)
	case s.receives.has(p):
		s.appendDialback("result", p, "", "valid", out)
	case slices.Contains(d.claims, p): // the first one's answer is on its way
	case err != nil && s.cfg.Policy(p.Remote).Denied:
		s.dialbackError("result", p, f, stanza.PolicyViolation, err.Error(), out)
	case err != nil:
		s.dialbackError("result", p, f, stanza.NotAuthorized, err.Error(), out)
	case s.receives.len()+len(d.claims) >= s.cfg.Pairs:
		s.dialbackError("result", p, f, stanza.ResourceConstraint, "too many domains on one stream", out)
	case s.proves(p.Remote) == nil:
		s.accept(p, DialbackTrusted, out)
	default:
		d.claims = append(d.claims, p)
		key := strings.TrimSpace(string(f.Element().AppendText(nil)))
		out.event(Event{Kind: EventVerify, Pair: p, Verify: Verify{Pair: p, ID: s.id, Key: key}})
	}
}

// accept tells the peer that it may speak as p.Remote.
func (s *Stream) accept(p Pair, m Method, out *Out) {
	s.appendDialback("result", p, "", "valid", out)
	s.authorize(p, m, out)
	if s.bidi {
		s.ready(p, m, out)
	}
}

// errForged is why a stream ends whose peer has shown a wrong key.
var errForged = errors.New("the dialback key is not one of the domain that the peer claims to be")

// Verified answers an EventVerify of this stream. err goes with Failed.
func (s *Stream) Verified(now int64, v Verify, result Verdict, err error, out *Out) {
	if s.dialback == nil || s.state != stateOpen || v.ID != s.id {
		return
	}
	i := slices.Index(s.dialback.claims, v.Pair)
	if i < 0 {
		return
	}
	s.dialback.claims = slices.Delete(s.dialback.claims, i, i+1)
	switch {
	case result == Valid:
		s.used = now
		s.accept(v.Pair, DialbackKey, out)
	case result == Failed && errors.Is(err, ErrNoService):
		s.dialbackError("result", v.Pair, nil, stanza.RemoteServerNotFound, err.Error(), out)
	case result == Failed && err != nil:
		s.dialbackError("result", v.Pair, nil, stanza.RemoteServerTimeout, err.Error(), out)
	case result == Failed:
		s.dialbackError("result", v.Pair, nil, stanza.RemoteServerTimeout, "", out)
	case s.proved() || s.outgoing:
		s.dialbackError("result", v.Pair, nil, stanza.Forbidden, "", out)
	default: // XEP-0220 §2.2.1
		s.appendDialback("result", v.Pair, "", "invalid", out)
		s.End(errForged, out)
	}
}

// answerVerify tells whether a key is ours, XEP-0220 §2.2.2.
func (s *Stream) answerVerify(p Pair, f *parser.Frame, out *Out) {
	raw, _ := f.ID()
	id := string(parser.Unescape(raw))
	if !s.cfg.Serves(p.Local) {
		s.dialbackError("verify", p, f, stanza.ItemNotFound, "", out)
		return
	}
	s.served = true
	typ := "invalid"
	key := strings.TrimSpace(string(f.Element().AppendText(nil)))
	if sameKey(key, Key(s.cfg.Secret, p.Remote, p.Local, id)) {
		typ = "valid"
	}
	s.appendDialback("verify", p, id, typ, out)
}

// Request has one more pair proved on a stream of ours; false when that cannot
// be done here and a stream of its own is needed. The answer is an EventReady
// or EventRefused.
func (s *Stream) Request(now int64, p Pair, out *Out) bool {
	switch {
	case s.sends.has(p):
		out.event(Event{Kind: EventReady, Pair: p, Method: DialbackKey})
		return true
	case !s.outgoing || s.state != stateOpen || s.sec == nil || s.peer&hasErrors == 0 || p.Remote != s.remote:
		return false
	case s.sends.len()+len(s.dialling().requests) >= s.cfg.Pairs:
		return false
	}
	if s.questions && !s.proved() {
		s.requestBidi(out)
	}
	s.sendKey(now, p.clone(), out)
	return true
}

// sendKey asks to speak as p.Local, XEP-0220 §2.1.1.
func (s *Stream) sendKey(now int64, p Pair, out *Out) {
	d := s.dialling()
	d.requests = append(d.requests, request{p, now})
	s.appendDialbackStart("result", p, "", out)
	out.Bytes = append(out.Bytes, '>')
	out.Bytes = append(out.Bytes, Key(s.cfg.Secret, p.Remote, p.Local, s.id)...)
	out.Bytes = append(out.Bytes, "</db:result>"...)
	s.step(out, "authenticating "+p.Local+" by dialback")
	s.sooner(now + s.cfg.AnswerTime)
}

// resultAnswer takes what became of a key of ours. One that was not asked for
// says nothing (XEP-0220 §3.1).
func (s *Stream) resultAnswer(now int64, p Pair, typ string, f *parser.Frame, out *Out) {
	d := s.dialling()
	i := slices.IndexFunc(d.requests, func(r request) bool { return r.pair == p })
	if i < 0 {
		return
	}
	d.requests = slices.Delete(d.requests, i, i+1)
	s.used = now
	switch typ {
	case "valid":
		s.ready(p, DialbackKey, out)
		if s.bidi {
			s.authorize(p, DialbackKey, out)
		}
	case "invalid":
		s.refuse(p, fmt.Errorf("%s did not confirm to %s that the dialback key of this server is its own: "+
			"do the SRV records of %s point here?", p.Local, p.Remote, p.Local), out)
	default:
		s.refuse(p, fmt.Errorf("%s does not take %s by dialback: %w", p.Remote, p.Local, dialbackFault(f)), out)
	}
}

// Ask sends a dialback question as soon as the stream can carry one. The answer
// is an EventVerified; when the stream ends before, none comes.
func (s *Stream) Ask(now int64, v Verify, out *Out) {
	d := s.dialling()
	d.asks = append(d.asks, ask{Verify: v})
	if s.outgoing && s.state == stateOpen && s.sec != nil {
		s.askAll(now, out)
	}
}

// askAll sends the questions that have waited, XEP-0220 §2.1.2.
func (s *Stream) askAll(now int64, out *Out) {
	if s.dialback == nil || s.state != stateOpen {
		return
	}
	for i := range s.dialback.asks {
		a := &s.dialback.asks[i]
		if a.at != 0 {
			continue
		}
		a.at = now
		s.appendDialbackStart("verify", a.Pair, a.ID, out)
		out.Bytes = append(out.Bytes, '>')
		out.Bytes = parser.AppendText(out.Bytes, a.Key)
		out.Bytes = append(out.Bytes, "</db:verify>"...)
		s.sooner(now + s.cfg.AnswerTime)
	}
}

// verifyAnswer takes the answer to a question of ours.
func (s *Stream) verifyAnswer(p Pair, typ string, f *parser.Frame, out *Out) {
	raw, _ := f.ID()
	id := string(parser.Unescape(raw))
	d := s.dialling()
	i := slices.IndexFunc(d.asks, func(a ask) bool { return a.Pair == p && a.ID == id && a.at != 0 })
	if i < 0 {
		return
	}
	ev := Event{Kind: EventVerified, Pair: p, Verify: d.asks[i].Verify}
	d.asks = slices.Delete(d.asks, i, i+1)
	switch typ {
	case "valid":
		ev.Result = Valid
	case "invalid":
		ev.Result = Invalid
	default: // XEP-0220 §2.5: the initiating server gets remote-server-not-found
		ev.Result = Failed
		ev.Err = fmt.Errorf("%w: %s says: %w", ErrNoService, p.Remote, dialbackFault(f))
	}
	out.event(ev)
}

// dialbackFault reads the error of an answer.
func dialbackFault(f *parser.Frame) error {
	e := stanza.Error{Condition: stanza.UndefinedCondition}
	for w := f.Element().Walk(); w.Next(); {
		if string(w.Element().Local()) != "error" {
			continue
		}
		for c := w.Element().Walk(); c.Next(); {
			switch x := c.Element(); {
			case string(x.Namespace()) != stanza.NSStanzas:
			case string(x.Local()) == "text":
				e.Text = string(x.AppendText(nil))
			default:
				e.Condition = stanza.Condition(x.Local())
			}
		}
	}
	return e
}

// dialbackError answers a request with an error, which does not end the stream.
// f: the request, for the id of a <db:verify/>.
func (s *Stream) dialbackError(name string, p Pair, f *parser.Frame, c stanza.Condition, text string, out *Out) {
	id := ""
	if name == "verify" {
		raw, _ := f.ID()
		id = string(parser.Unescape(raw))
	}
	s.appendDialbackStart(name, p, id, out)
	out.Bytes = append(out.Bytes, " type='error'>"...)
	out.Bytes = stanza.Error{Condition: c, Text: text}.Append(out.Bytes)
	out.Bytes = append(append(append(out.Bytes, "</db:"...), name...), '>')
}

// appendDialback writes an answer.
func (s *Stream) appendDialback(name string, p Pair, id, typ string, out *Out) {
	s.appendDialbackStart(name, p, id, out)
	out.Bytes = append(stanza.AppendAttr(out.Bytes, "type", typ), "/>"...)
}

// appendDialbackStart opens an element.
func (s *Stream) appendDialbackStart(name string, p Pair, id string, out *Out) {
	b := append(append(out.Bytes, "<db:"...), name...)
	b = stanza.AppendAttr(b, "from", p.Local)
	b = stanza.AppendAttr(b, "to", p.Remote)
	if name == "verify" {
		b = stanza.AppendAttr(b, "id", id)
	}
	out.Bytes = b
}
