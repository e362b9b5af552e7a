package roster

import (
	"slices"
	"strings"

	"github.com/xylem-im/xylem/jid"
)

// book is whom an account knows, in the order of their addresses: two lists
// side by side, since a state is one byte and would take eight beside an
// address. The addresses of one load share their bytes.
// The zero value knows nobody, and is one word.
type book struct{ *contacts }

type contacts struct {
	jids   []jid.JID
	states []State
	listed int // those that clients see
	asking int // those whose request waits
}

// known is whom b knows.
func (b *book) known() contacts {
	if b.contacts == nil {
		return contacts{}
	}
	return *b.contacts
}

func (b *book) find(j jid.JID) (i int, found bool) {
	return slices.BinarySearchFunc(b.known().jids, j, func(x, y jid.JID) int { return strings.Compare(x.String(), y.String()) })
}

// state is what is known of j: None when nothing is.
func (b *book) state(j jid.JID) State {
	if i, ok := b.find(j); ok {
		return b.states[i]
	}
	return None
}

// set notes a state; None takes j out.
func (b *book) set(j jid.JID, s State) {
	i, found := b.find(j)
	if b.contacts == nil {
		if s == None {
			return
		}
		b.contacts = &contacts{}
	}
	switch {
	case found:
		b.count(b.states[i], -1)
		if s == None {
			b.jids, b.states = slices.Delete(b.jids, i, i+1), slices.Delete(b.states, i, i+1)
			return
		}
		b.states[i] = s
	case s == None:
		return
	default:
		b.jids, b.states = slices.Insert(b.jids, i, j), slices.Insert(b.states, i, s)
	}
	b.count(s, +1)
}

// add appends those that come after all others, as a load meets them.
func (b *book) add(jids []jid.JID, states []State) {
	if len(jids) == 0 {
		return
	}
	if b.contacts == nil {
		b.contacts = &contacts{}
	}
	b.jids, b.states = append(b.jids, jids...), append(b.states, states...)
	for _, s := range states {
		b.count(s, +1)
	}
}

func (b *book) count(s State, n int) {
	if s&shown != 0 {
		b.listed += n
	}
	if s&PendingIn != 0 {
		b.asking += n
	}
}

// with appends the addresses whose state has one of the bits.
func (b *book) with(bits State, dst []jid.JID) []jid.JID {
	known := b.known()
	for i, s := range known.states {
		if s&bits != 0 {
			dst = append(dst, known.jids[i])
		}
	}
	return dst
}
