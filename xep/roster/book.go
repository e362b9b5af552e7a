package roster

import (
	"slices"
	"strings"

	"github.com/xylem-im/xylem/jid"
)

// book is whom an account knows, in the order of their addresses: two lists
// side by side, since a state is one byte and would take eight beside an
// address. The addresses of one load share their bytes.
// The zero value was not read from the store. It is one word.
type book struct{ *contacts }

type contacts struct {
	jids    []jid.JID
	states  []State
	listed  int     // those that clients see
	asking  int     // those whose request waits
	version version // of the roster
	loaded  bool    // all is as the store has it
}

// nobody is the book of the many who know nobody and never did. It is never written.
var nobody = &contacts{loaded: true}

// known is whom b knows.
func (b *book) known() contacts {
	if b.contacts == nil {
		return contacts{}
	}
	return *b.contacts
}

// loaded tells whether contacts and version are those of the store.
func (b *book) loaded() bool { return b.contacts != nil && b.contacts.loaded }

// version is that of the roster; the zero one before it was read.
func (b *book) version() version { return b.known().version }

// own makes b one that may be changed.
func (b *book) own() *contacts {
	switch b.contacts {
	case nil:
		b.contacts = &contacts{}
	case nobody:
		b.contacts = &contacts{loaded: true}
	}
	return b.contacts
}

// setVersion notes a version.
func (b *book) setVersion(v version) {
	if v != b.version() {
		b.own().version = v
	}
}

// complete tells that all of the store was read. v is the version of it.
func (b *book) complete(v version) {
	if b.contacts == nil && v == (version{}) {
		b.contacts = nobody
		return
	}
	b.own().version, b.contacts.loaded = v, true
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
	if !found && s == None {
		return
	}
	b.own()
	switch {
	case found:
		b.count(b.states[i], -1)
		if s == None {
			b.jids, b.states = slices.Delete(b.jids, i, i+1), slices.Delete(b.states, i, i+1)
			return
		}
		b.states[i] = s
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
	b.own()
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
