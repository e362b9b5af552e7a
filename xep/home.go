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
//
// There is one for each account in use, so it is kept small: an account with one
// session and one extension's state is this one object of 80 bytes.
type Home struct {
	*Seat
	address  jid.Packed // of the first session, or as NewHome was given; Room is the slot of first
	id       uint64     // of the first session; 0: none
	Used     uint32     // when it was last in use, Unix seconds; kept by the engine
	Busy     int32      // operations under way; kept by Ask, and by extensions that wait for something else
	prepared bool
	notes    [maxNotes]uint8
	first    any // what one extension keeps; nil: none does
	more     *homeMore
}

// homeMore is what few homes need, or not for long.
type homeMore struct {
	sessions []SessionRef  // but the first
	states   []slotState   // but the first, in no order
	waiting  []func(error) // see Prepared
	loading  bool
}

// maxNotes is how many bytes a Home has to spare.
const maxNotes = 3

// slotState is what one extension keeps.
type slotState struct {
	slot  int
	value any
}

// Seat is an event loop as the homes on it share it.
type Seat struct{ Host }

// NewHome is for the engine.
func NewHome(s *Seat, bare jid.JID) *Home {
	return &Home{Seat: s, address: bare.Pack(), prepared: len(s.Registry().prepares) == 0}
}

// JID is the bare address of the account.
func (a *Home) JID() jid.JID { return a.address.Bare() }

// extra is what few homes need, made now if it is not there.
func (a *Home) extra() *homeMore {
	if a.more == nil {
		a.more = &homeMore{}
	}
	return a.more
}

// shrink gives back what is not needed any more.
func (a *Home) shrink() {
	if m := a.more; m != nil && len(m.sessions) == 0 && len(m.states) == 0 && len(m.waiting) == 0 && !m.loading {
		a.more = nil
	}
}

// State is what an extension keeps for the account in its slot; nil at first.
func (a *Home) State(slot int) any {
	if a.first != nil && int(a.address.Room) == slot {
		return a.first
	}
	if a.more == nil {
		return nil
	}
	if i := a.more.find(slot); i >= 0 {
		return a.more.states[i].value
	}
	return nil
}

// SetState keeps v in an extension's slot; nil empties it.
func (a *Home) SetState(slot int, v any) {
	switch {
	case a.first != nil && int(a.address.Room) == slot:
		a.first = v
	case a.more == nil && v == nil:
	case a.more != nil && a.more.find(slot) >= 0:
		i := a.more.find(slot)
		if v != nil {
			a.more.states[i].value = v
			return
		}
		a.more.states = slices.Delete(a.more.states, i, i+1)
		a.shrink()
	case a.first == nil:
		a.first, a.address.Room = v, uint16(slot)
	case v != nil:
		m := a.extra()
		m.states = append(m.states, slotState{slot, v})
	}
}

// Note is the byte that an extension has noted of the account in its place; 0 at
// first.
func (a *Home) Note(place int) uint8 { return a.notes[place] }

// SetNote notes a byte.
func (a *Home) SetNote(place int, b uint8) { a.notes[place] = b }

func (m *homeMore) find(slot int) int {
	return slices.IndexFunc(m.states, func(s slotState) bool { return s.slot == slot })
}

// Ask is Store for an operation on what the account owns; it sets op.Owner and
// keeps the Home alive until the result is there.
func (a *Home) Ask(op *storage.Op, done func(*storage.Result)) {
	op.Owner = a.JID().String()
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
	a.Host.Exists(a.JID(), func(exists bool, err error) {
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
