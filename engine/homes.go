package engine

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
)

// homes is the accounts that are at home on a loop, by a hash of the address: a
// map from addresses would keep 24 bytes for each where this keeps 16, and the
// addresses are in the accounts. Of accounts with the same hash, which there may
// be one day, the second is under the next number, and so on. Loop only.
type homes struct {
	hash  func(bare string) uint64
	table map[uint64]*xep.Home
}

// find is the account, nil when it is not there; then it would be at key.
func (h *homes) find(bare jid.JID) (a *xep.Home, key uint64) {
	for key = h.hash(bare.String()); ; key++ {
		if a = h.table[key]; a == nil || a.JID() == bare {
			return a, key
		}
	}
}

// add enters an account that is not there.
func (h *homes) add(a *xep.Home) {
	_, key := h.find(a.JID())
	h.table[key] = a
}

// remove takes out what is at key. Those behind it move up, as find ends at the
// first number that is free.
func (h *homes) remove(key uint64) {
	delete(h.table, key)
	for key++; ; key++ {
		a := h.table[key]
		if a == nil {
			return
		}
		delete(h.table, key)
		h.add(a)
	}
}
