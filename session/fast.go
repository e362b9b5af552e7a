package session

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
)

// NSFAST is the namespace of XEP-0484.
const NSFAST = "urn:xmpp:fast:0"

// fastRequest is what an <authenticate/> says of tokens (XEP-0484, version 0.2.0),
// and what came of it.
type fastRequest struct {
	login      bool   // <fast/>: the client logs in by a token
	count      uint32 // 0: not told
	invalidate bool
	request    string // the mechanism of <request-token/>; "": none that is offered

	message []byte        // the client's first message
	record  *token.Record // of the client, as read; nil: not read
	before  []byte        // the same as stored; nil: there is none
	outcome token.Outcome // what is being stored
	tries   int           // that met a change by somebody else
	issued  []byte        // <token/>
}

// maxTokenTries bounds how often a login begins anew because another one of the
// same client got in between.
const maxTokenTries = 4

// readLogin reads a <fast/>; false when it is malformed.
func (r *fastRequest) readLogin(e parser.Element) bool {
	r.login = true
	if raw, ok := e.Attr("count"); ok {
		n, err := strconv.ParseUint(string(raw), 10, 31) // xs:int, and positive
		if err != nil {
			return false
		}
		r.count = uint32(n)
	}
	raw, said := e.Attr("invalidate")
	switch string(raw) {
	case "true", "1":
		r.invalidate = true
	case "false", "0":
	default:
		return !said
	}
	return true
}

// readTokenRequest is the mechanism that a client wants a token for; "" when that
// is not offered: then it gets none.
func (s *Session) readTokenRequest(e parser.Element) string {
	raw, _ := e.Attr("mechanism")
	mechanism := string(parser.Unescape(raw))
	if !s.offersToken(mechanism) {
		return ""
	}
	return mechanism
}

// offersToken tells whether a mechanism was announced for tokens; no other is.
func (s *Session) offersToken(mechanism string) bool {
	return s.cfg.Tokens != nil && slices.Contains(sasl.OfferTokens(s.login.bindings), mechanism)
}

// appendTokenMechanisms announces FAST, XEP-0484 §4.1. Early data (0-RTT) is not
// taken.
func (s *Session) appendTokenMechanisms(b []byte) []byte {
	if s.cfg.Tokens == nil {
		return b
	}
	b = append(b, "<fast xmlns='"+NSFAST+"'>"...)
	for _, m := range sasl.OfferTokens(s.login.bindings) {
		b = append(b, "<mechanism>"...)
		b = append(b, m...)
		b = append(b, "</mechanism>"...)
	}
	return append(b, "</fast>"...)
}

// askToken reads the record of the client.
func (s *Session) askToken(user string, out *Out) {
	s.ask(Op{Kind: OpToken, Local: user, Domain: s.Domain(), Client: s.login.request.agent.id}, out)
}

// tokenAnswer takes the record: to check a login by it, or to give out a token.
func (s *Session) tokenAnswer(res *Result, out *Out) {
	r := s.login.request
	f := &r.fast
	record, err := token.Record{}, res.Err
	if err == nil && res.Record != nil {
		record, err = token.Parse(res.Record)
	}
	f.record, f.before = &record, res.Record
	switch {
	case err == nil && f.login && r.user.IsZero():
		s.checkToken(out)
	case err == nil:
		s.settleTokens(out)
	case f.login:
		s.authFailure("temporary-auth-failure", "", out)
	default: // the password was right; there is only no token
		s.establish(out)
	}
}

// checkToken gives the exchange what the client may have been given.
func (s *Session) checkToken(out *Out) {
	f, e := &s.login.request.fast, s.login.exchange
	tokens := s.candidates()
	var texts []string
	for _, t := range tokens {
		texts = append(texts, s.cfg.Tokens.Text(e.Username()+"@"+s.Domain(), s.login.request.agent.id, t))
	}
	step := e.Tokens(texts)
	switch {
	case len(tokens) == 0 && step.Condition == sasl.CondNotAuthorized:
		// One that was revoked or replaced leaves nothing behind. Who never had one hears
		// the same, whether there is such an account or not.
		step.Condition = sasl.CondExpired // XEP-0484 §5.2
	case step.Kind != sasl.Success:
	case tokens[e.Token()].Expires <= s.loginTime()/int64(time.Second):
		step = sasl.Step{Kind: sasl.Failure, Condition: sasl.CondExpired}
	case !tokens[e.Token()].CheckCount(f.count):
		step = sasl.Step{Kind: sasl.Failure, Condition: sasl.CondNotAuthorized, Text: "count was used before"}
	}
	s.authStep(step, out)
}

// candidates are the client's tokens for this mechanism and no other, XEP-0484 §4.4.
func (s *Session) candidates() (tokens []*token.Token) {
	record := s.login.request.fast.record
	for _, t := range []*token.Token{&record.New, &record.Current} {
		if t.Exists() && t.Mechanism == s.login.mechanism {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

// used is the token that the client has logged in by; nil: a password.
func (s *Session) used() *token.Token {
	if !s.login.request.fast.login {
		return nil
	}
	return s.candidates()[s.login.exchange.Token()]
}

// settleTokens stores what the login does to the tokens of the client, and lets it
// in afterwards.
func (s *Session) settleTokens(out *Out) {
	r := s.login.request
	f := &r.fast
	switch {
	case s.cfg.Tokens == nil || !f.login && (f.request == "" || r.agent.id == ""):
		s.establish(out)
		return
	case f.record == nil: // logged in by a password
		s.askToken(r.user.Local(), out)
		return
	}
	record := f.record
	record.Software, record.Device = r.agent.software, r.agent.device
	f.outcome = s.cfg.Tokens.Settle(record, token.Login{Used: s.used(), Count: f.count, Invalidate: f.invalidate, Request: f.request},
		s.loginTime()/int64(time.Second), s.cfg.Random)
	if !f.outcome.Changed {
		s.establish(out)
		return
	}
	change := &TokenChange{Before: f.before, Durable: f.outcome.Durable}
	if !f.outcome.Empty {
		change.After = record.Append(nil)
	}
	s.ask(Op{Kind: OpTokenPut, Local: r.user.Local(), Domain: s.Domain(), Client: r.agent.id, Token: change,
		Credentials: s.login.credentials}, out)
}

// tokenStored goes on when the tokens are as they should be.
func (s *Session) tokenStored(res *Result, out *Out) {
	f := &s.login.request.fast
	switch {
	case res.Err == nil:
		if f.outcome.Issued {
			s.issued()
		}
		s.establish(out)
	case errors.Is(res.Err, storage.ErrConflict):
		s.tokenConflict(out)
	case f.outcome.Must:
		s.authFailure("temporary-auth-failure", "", out)
	default: // there is only no new token
		s.establish(out)
	}
}

// tokenConflict begins anew: another login of the client, or a change of the
// password, has got in between.
func (s *Session) tokenConflict(out *Out) {
	r := s.login.request
	f := &r.fast
	mechanism := s.login.mechanism
	f.record, f.before = nil, nil
	switch f.tries++; {
	case f.tries == maxTokenTries:
		s.authFailure("temporary-auth-failure", "", out)
	case f.login:
		r.user, r.data = jid.JID{}, nil
		s.begin(mechanism, f.message, out)
	default:
		s.settleTokens(out)
	}
}

// issued renders the new token, XEP-0484 §4.3.
func (s *Session) issued() {
	r := s.login.request
	t := &r.fast.record.New
	b := append([]byte(nil), "<token xmlns='"+NSFAST+"'"...)
	b = stanza.AppendAttr(b, "expiry", time.Unix(t.Expires, 0).UTC().Format(time.RFC3339))
	b = stanza.AppendAttr(b, "token", s.cfg.Tokens.Text(r.user.String(), r.agent.id, t))
	r.fast.issued = append(b, "/>"...)
}
