package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// NSBind2 is the namespace of XEP-0386.
const NSBind2 = "urn:xmpp:bind:0"

// InlineFeature is what a client may ask for while it binds a resource by Bind 2,
// beside what the session itself does: an extension's (XEP-0386 §4.2).
type InlineFeature struct {
	Var             string // as announced
	Namespace, Name string // of the element that asks for it
}

// bindRequest2 is a <bind/> of XEP-0386 (version 1.1.0).
type bindRequest2 struct {
	tag      string
	enable   *enableRequest // nil: no stream management
	inactive bool           // the client begins inactive, XEP-0352
	inline   uint32         // bit n: Config.Inline[n]
}

// readBind copies a <bind/>; what it does not know is ignored.
func (s *Session) readBind(e parser.Element) *bindRequest2 {
	b := &bindRequest2{}
	for child := range e.Children() {
		switch {
		case child.Is(NSBind2, "tag"):
			b.tag = string(child.AppendText(nil))
		case child.Is(NSManage, "enable") && s.cfg.Management != nil:
			b.enable = readEnable(child.Attr)
		case child.Is(NSCSI, "inactive"):
			b.inactive = true
		case child.Is(NSCSI, "active"):
			b.inactive = false
		}
		for i := range s.cfg.Inline {
			if in := &s.cfg.Inline[i]; child.Is(in.Namespace, in.Name) {
				b.inline |= 1 << i
			}
		}
	}
	return b
}

// bindInline binds a resource if the client asked for that, and lets it in.
func (s *Session) bindInline(out *Out) {
	r := s.login.request
	if r.bind == nil {
		s.letIn(r, nil, out)
		return
	}
	ident := s.clientIdent(r.agent.id)
	op := Op{Kind: OpBind, Local: s.jid.Local(), Domain: s.jid.Domain(), Inline: r.bind.inline, Client: ident, Since: s.login.since}
	if ident == "" {
		ident = s.randomID(8)
	}
	op.Resource = ident
	if r.bind.tag != "" {
		// A tag that cannot stand in an address is left out.
		if full, err := s.jid.WithResource(r.bind.tag + "/" + ident); err == nil {
			op.Resource = full.Resource()
		}
	}
	s.ask(op, out)
}

// clientIdent is what the resource of an installed client ends in, the same at
// each login and none that others could guess or compute its id from (XEP-0386
// §4.2.1); "" for a client that did not say its id.
func (s *Session) clientIdent(id string) string {
	if id == "" {
		return ""
	}
	return ClientIdent(s.cfg.DecoySecret, s.jid.Bare().String(), id)
}

// ClientIdent is how the resources of a client's sessions end: 16 characters
// made of the server's secret, the account's bare address and the id of the
// client's user agent.
func ClientIdent(secret []byte, account, client string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("xylem client\x00" + account + "\x00" + client))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}

// boundInline lets the client in with its resource. One that could not have it is
// let in without: the features that follow let it ask as RFC 6120 §7 has it, and
// the answer to that says why.
func (s *Session) boundInline(now int64, res *Result, out *Out) {
	r := s.login.request
	if res.Err != nil {
		s.letIn(r, nil, out)
		return
	}
	b := []byte("<bound xmlns='" + NSBind2 + "'>")
	if r.bind.enable != nil {
		b = s.enable(r.bind.enable, b)
	}
	b = append(b, "</bound>"...)
	s.jid = res.JID
	s.letInBound(now, r, b, out)
	if r.bind.inactive {
		s.inactive = &inactive{}
	}
}

// letInBound is letIn with a resource.
func (s *Session) letInBound(now int64, r *request, results []byte, out *Out) {
	s.stream.SetLimits(s.cfg.Bound)
	s.bound(now, s.jid)
	out.Bytes = r.appendSuccess(out.Bytes, s.jid, results)
	s.appendFeatures(out)
}

// appendBindFeature announces Bind 2 and what goes with it, XEP-0386 §4.1.
func (s *Session) appendBindFeature(b []byte) []byte {
	b = append(b, "<bind xmlns='"+NSBind2+"'><inline>"...)
	feature := func(name string) {
		b = append(b, "<feature"...)
		b = stanza.AppendAttr(b, "var", name)
		b = append(b, "/>"...)
	}
	for i := range s.cfg.Inline {
		feature(s.cfg.Inline[i].Var)
	}
	feature(NSCSI)
	if s.cfg.Management != nil {
		feature(NSManage)
	}
	return append(b, "</inline></bind>"...)
}
