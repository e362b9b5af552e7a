package xep

import (
	"slices"

	"github.com/xylem-im/xylem/jid"
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
