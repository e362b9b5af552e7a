package xep

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// Request is a stanza that the server itself must answer or act on. The
// handler ends it with exactly one of Result, Error and Done.
type Request struct {
	// View is the stanza with from stamped. valid until the handler returns;
	// what is needed after a storage operation must be copied before.
	View *stanza.View
	// From is the sender: a full address when it is a local session.
	From jid.JID
	// To is the addressee; zero when the stanza has none.
	To jid.JID
	// Own: the sender is a session of the account whose Home handles this.
	Own bool
	// Arrived is when the stanza came to this server, Unix nanoseconds; 0: now.
	Arrived int64
	// StanzaID is the id by which the account is to know a message that is about to
	// be stored for it, XEP-0359; "" when it has none, or carries it already.
	StanzaID string
	// Session is the sender's session, zero when it is none of this server's.
	Session SessionRef

	reply func(b []byte)
	done  func()
	head  replyHead
	ended bool
}

// replyHead is what a reply needs of the stanza.
type replyHead struct {
	kind      stanza.Kind
	id        []byte // as written
	hasID     bool
	answer    bool
	requested stanza.Type
}

// NewRequest is for the engine. reply routes a rendered reply to the sender;
// done lets the sender's session go on. Either may be nil.
func NewRequest(v *stanza.View, from, to jid.JID, reply func([]byte), done func()) *Request {
	req := &Request{View: v, From: from, To: to, reply: reply, done: done}
	id, ok := v.Frame.ID()
	req.head = replyHead{kind: v.Kind, id: append([]byte(nil), id...), hasID: ok, requested: v.Type,
		answer: v.Type != stanza.TypeError && (v.Kind != stanza.KindIQ || v.Type != stanza.TypeResult)}
	return req
}

// Result answers an IQ with a payload: one complete element in no need of outer
// declarations but jabber:client, or nothing.
func (req *Request) Result(payload []byte) {
	if req.head.kind == stanza.KindIQ && req.head.answer {
		req.send(stanza.TypeResult, payload)
	}
	req.end()
}

// Error answers with an error, in the name of the addressee; a stanza that
// may not be answered is dropped.
func (req *Request) Error(e stanza.Error) {
	if req.head.answer {
		req.send(stanza.TypeError, e.Append(nil))
	}
	req.end()
}

// Done ends the request without an answer.
func (req *Request) Done() { req.end() }

func (req *Request) end() {
	if req.ended {
		return
	}
	req.ended = true
	if req.done != nil {
		req.done()
	}
}

// send renders a reply and routes it.
func (req *Request) send(typ stanza.Type, payload []byte) {
	if req.ended || req.reply == nil {
		return
	}
	name := req.head.kind.String()
	b := append([]byte{'<'}, name...)
	if !req.To.IsZero() {
		b = stanza.AppendAttr(b, "from", req.To.String())
	}
	b = stanza.AppendAttr(b, "to", req.From.String())
	if req.head.hasID {
		b = stanza.AppendRawAttr(b, "id", req.head.id)
	}
	b = stanza.AppendAttr(b, "type", typ.String())
	if len(payload) == 0 {
		req.reply(append(b, "/>"...))
		return
	}
	b = append(append(b, '>'), payload...)
	b = append(append(b, "</"...), name...)
	req.reply(append(b, '>'))
}
