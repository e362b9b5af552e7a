package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/xep"
)

// Accounts whose hashes are the same, or neighbours, come and go without losing
// each other.
func TestHomesWithEqualHashes(t *testing.T) {
	seat := &xep.Seat{Host: &loop{engine: &Engine{registry: xep.NewRegistry()}}}
	h := homes{hash: func(bare string) uint64 { return uint64(bare[1]-'0') / 4 }, table: map[uint64]*xep.Home{}}
	all := make([]jid.JID, 10)
	for i := range all {
		all[i] = jid.MustParse(fmt.Sprintf("u%d@example.org", i))
	}
	there := map[jid.JID]*xep.Home{}
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 5000 {
		bare := all[random.IntN(len(all))]
		a, key := h.find(bare)
		if a != there[bare] {
			t.Fatalf("step %d: %s is %p, want %p", step, bare, a, there[bare])
		}
		if a != nil {
			h.remove(key)
			delete(there, bare)
		} else {
			there[bare] = xep.NewHome(seat, bare)
			h.add(there[bare])
		}
		if len(h.table) != len(there) {
			t.Fatalf("step %d: %d accounts, want %d", step, len(h.table), len(there))
		}
	}
}
