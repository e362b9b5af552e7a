package xep

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
)

// Home is an account at its home loop, where extensions keep its state while
// it is in use. It lives as long as the account has sessions or operations
// under way, and a while longer. Loop only.
type Home struct {
	Host
	jid      jid.JID
	state    []slotState    // what is not nil, in no order: most accounts have little
	waiting  *[]func(error) // see Prepared; nil most of the time
	Used     int64          // when it was last in use, Unix nanoseconds; kept by the engine
	Busy     int32          // operations under way; kept by Ask, and by extensions that wait for something else
	prepared bool
	open     []uint64 // SessionRef.ID of the sessions that the home knows of
}

// slotState is what one extension keeps.
type slotState struct {
	slot  int
	value any
}

// NewHome is for the engine.
func NewHome(h Host, bare jid.JID) *Home {
	return &Home{Host: h, jid: bare, prepared: len(h.Registry().prepares) == 0}
}

// JID is the bare address of the account.
func (a *Home) JID() jid.JID { return a.jid }

// State is what an extension keeps for the account in its slot; nil at first.
func (a *Home) State(slot int) any {
	for i := range a.state {
		if a.state[i].slot == slot {
			return a.state[i].value
		}
	}
	return nil
}

// SetState keeps v in an extension's slot; nil empties it.
func (a *Home) SetState(slot int, v any) {
	i := slices.IndexFunc(a.state, func(s slotState) bool { return s.slot == slot })
	switch {
	case i >= 0 && v == nil:
		a.state = slices.Delete(a.state, i, i+1)
	case i >= 0:
		a.state[i].value = v
	case v != nil:
		a.state = append(a.state, slotState{slot, v})
	}
}

// Enter notes a session, before its hooks are called. It is for the engine.
func (a *Home) Enter(s SessionRef) { a.open = append(a.open, s.ID) }

// Leave forgets a session, before its last hook is called; false when the home
// did not know it. It is for the engine.
func (a *Home) Leave(s SessionRef) bool {
	i := slices.Index(a.open, s.ID)
	if i >= 0 {
		a.open = slices.Delete(a.open, i, i+1)
	}
	return i >= 0
}

// Knows tells whether the session with that SessionRef.ID was opened and has not
// ended.
func (a *Home) Knows(id uint64) bool { return slices.Contains(a.open, id) }

// Sessions is how many there are.
func (a *Home) Sessions() int { return len(a.open) }

// Ask is Store for an operation on what the account owns; it sets op.Owner and
// keeps the Home alive until the result is there.
func (a *Home) Ask(op *storage.Op, done func(*storage.Result)) {
	op.Owner = a.jid.String()
	a.Busy++
	a.Store(op, func(res *storage.Result) {
		a.Busy--
		done(res)
	})
}

// Exists tells by done whether there is such an account.
func (a *Home) Exists(done func(exists bool, err error)) {
	if a.Sessions() > 0 {
		done(true, nil)
		return
	}
	a.Busy++
	a.Host.Exists(a.jid, func(exists bool, err error) {
		a.Busy--
		done(exists, err)
	})
}

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
