package component

import (
	"hash/maphash"
	"strings"
)

// interner keeps the addresses that were seen last, so that a component that
// speaks for a few users, or for one after the other, makes no garbage. Bounded:
// an address takes the place of another one.
type interner struct {
	seed  maphash.Seed
	names *[internSlots]string
}

const internSlots = 256

// of is an own copy of a borrowed name.
func (t *interner) of(name string) string {
	if t.names == nil {
		t.names, t.seed = new([internSlots]string), maphash.MakeSeed()
	}
	slot := &t.names[maphash.String(t.seed, name)%internSlots]
	if *slot != name {
		*slot = strings.Clone(name)
	}
	return *slot
}
