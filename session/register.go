package session

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// The namespaces of XEP-0077 §8 and §15.
const (
	NSRegister        = "jabber:iq:register"
	NSRegisterFeature = "http://jabber.org/features/iq-register"
)

// registers tells whether an account can be made on this stream: before login,
// and where a password may be said.
func (s *Session) registers() bool {
	return s.cfg.Register && s.state == stateOpen && (s.secured || s.cfg.AllowPlaintext)
}

// registration takes a request for a new account (XEP-0077, version 2.4 §3.1);
// false when f is none, or none is taken here.
func (s *Session) registration(f *parser.Frame, out *Out) bool {
	v, ok := stanza.Of(f)
	if !ok || v.Kind != stanza.KindIQ || !s.registers() {
		return false
	}
	query, ok := v.Payload()
	if !ok || !query.Is(NSRegister, "query") || (v.Type != stanza.TypeGet && v.Type != stanza.TypeSet) {
		return false
	}
	refuse := func(c stanza.Condition, text string) bool {
		out.Bytes = stanza.AppendError(out.Bytes, &v, s.Domain(), "", stanza.Error{Condition: c, Text: text})
		return true
	}
	if _, ok := f.ID(); !ok {
		return refuse(stanza.BadRequest, "an IQ has an id")
	}
	if to, err := s.addressee(f, out); err != nil || !to.IsZero() && (!to.IsDomain() || to.Domain() != s.Domain()) {
		return refuse(stanza.ServiceUnavailable, "accounts are made at the domain of the stream")
	}
	if v.Type == stanza.TypeGet {
		out.Bytes = stanza.AppendResultPayload(out.Bytes, &v, s.Domain(), "", []byte("<query xmlns='"+NSRegister+
			"'><instructions>Choose a username and a password.</instructions><username/><password/></query>"))
		return true
	}
	if s.login.registered { // XEP-0077 §3.1.2: one identity, then log in
		return refuse(stanza.NotAcceptable, "an account was made on this stream already")
	}
	password := string(query.Child(NSRegister, "password").AppendText(nil))
	who, err := jid.New(string(query.Child(NSRegister, "username").AppendText(nil)), s.Domain(), "")
	if err != nil || who.Local() == "" || password == "" {
		return refuse(stanza.NotAcceptable, "username and password are needed")
	}
	id, _ := f.ID()
	s.login.bindID = append([]byte(nil), id...)
	s.ask(Op{Kind: OpRegister, Local: who.Local(), Domain: s.Domain(), Password: password}, out)
	return true
}

// registered tells the client whether there is an account now.
func (s *Session) registered(res *Result, out *Out) {
	b := stanza.AppendAttr(append(out.Bytes, "<iq"...), "from", s.Domain())
	b = stanza.AppendRawAttr(b, "id", s.login.bindID)
	if res.Err != nil {
		b = append(b, " type='error'>"...)
		b = stanza.AsError(res.Err).Append(b)
		out.Bytes = append(b, "</iq>"...)
		return
	}
	s.login.registered = true
	out.Bytes = append(b, " type='result'/>"...)
}
