package session

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// bindRequest takes a stanza before a resource is bound. Only the request to
// bind one is allowed here (RFC 6120 §7.3.1; before authentication §4.9.3.12).
func (s *Session) bindRequest(f *parser.Frame, out *Out) {
	v, ok := stanza.Of(f)
	if !ok {
		s.Fail(stanza.StreamError{Condition: stanza.StreamUnsupportedStanzaType}, out)
		return
	}
	query, ok := bindQuery(&v)
	if s.state != stateBind || !ok {
		s.Fail(stanza.StreamError{Condition: stanza.StreamNotAuthorized,
			Text: "log in and bind a resource first"}, out)
		return
	}
	id, ok := f.ID()
	if !ok {
		out.Bytes = stanza.AppendError(out.Bytes, &v, "", "", stanza.Error{Condition: stanza.BadRequest, Text: "an IQ has an id"})
		return
	}
	wanted, ok := s.wantedResource(query)
	if !ok {
		out.Bytes = stanza.AppendError(out.Bytes, &v, "", "", stanza.Error{Condition: stanza.BadRequest, Text: "not a resource"})
		return
	}
	s.login.bindID = append([]byte(nil), id...)
	s.ask(Op{Kind: OpBind, Local: s.jid.Local(), Domain: s.jid.Domain(), Resource: wanted, Since: s.login.since}, out)
}

// bindQuery finds <bind/> in an IQ set.
func bindQuery(v *stanza.View) (q parser.Element, ok bool) {
	if v.Kind != stanza.KindIQ || v.Type != stanza.TypeSet {
		return q, false
	}
	q, ok = v.Payload()
	return q, ok && q.Is(stanza.NSBind, "bind")
}

// wantedResource reads and prepares the resource that the client asks for: a
// random one when it leaves that to the server (RFC 6120 §7.6).
func (s *Session) wantedResource(query parser.Element) (resource string, ok bool) {
	for child := range query.Children() {
		if string(child.Local()) != "resource" {
			continue
		}
		text := child.AppendText(nil)
		if len(text) == 0 {
			break
		}
		full, err := s.jid.WithResource(string(text))
		if err != nil {
			return "", false
		}
		return full.Resource(), true
	}
	return s.randomID(8), true
}

// bindAnswer tells the client its full JID, or why there is none.
func (s *Session) bindAnswer(now int64, res *Result, out *Out) {
	if s.login.request != nil {
		s.boundInline(now, res, out)
		return
	}
	id := s.login.bindID
	b := stanza.AppendRawAttr(append(out.Bytes, "<iq"...), "id", id)
	if res.Err != nil {
		b = append(b, " type='error'>"...)
		b = stanza.AsError(res.Err).Append(b)
		out.Bytes = append(b, "</iq>"...)
		return
	}
	s.bound(now, res.JID)
	b = append(b, " type='result'><bind xmlns='"+stanza.NSBind+"'><jid>"...)
	b = parser.AppendText(b, s.jid.String())
	out.Bytes = append(b, "</jid></bind></iq>"...)
}

// bound enters the state in which stanzas flow and forgets the login.
func (s *Session) bound(now int64, full jid.JID) {
	s.jid = full
	s.login = nil
	s.state = stateBound
	s.deadline = 0
	if s.cfg.IdleTime > 0 {
		s.deadline = now + s.cfg.IdleTime
	}
}
