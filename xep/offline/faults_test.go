package offline_test

import (
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/offline"
)

// While the store fails, the sender hears of it; what it heard no error of is
// delivered, in order, once.
func TestStorageFails(t *testing.T) {
	broken := errors.New("broken")
	var failing atomic.Bool
	apply := func(ops []*storage.Op) error {
		if failing.Load() && len(ops[0].Batch.Steps) > 0 && ops[0].Batch.Steps[0].Collection == "offline" {
			return broken
		}
		return nil
	}
	read := func(op *storage.Op) error {
		if failing.Load() && op.Collection == "offline" {
			return broken
		}
		return nil
	}
	for _, c := range []struct {
		name   string
		faults storagetest.Faults
	}{
		{"nothing is stored", storagetest.Faults{Apply: apply}},
		{"stored, but it says no", storagetest.Faults{Applied: apply}},
		{"nothing works", storagetest.Faults{Apply: apply, Read: read}},
		{"full", storagetest.Faults{Full: failing.Load}},
	} {
		t.Run(c.name, func(t *testing.T) {
			failing.Store(false)
			store := storagetest.NewFaulty(memory.New(memory.Options{}), c.faults)
			s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Store: store,
				Extensions: enginetest.All(presence, offline.New(offline.Options{}))})
			s.AddUser("alice@localhost", "secret")
			s.AddUser("bob@localhost", "secret")
			alice := login(t, s.Dial(), "alice", "a")
			refused := map[int]bool{}
			for n := range 30 {
				failing.Store(n >= 10 && n < 20)
				alice.chat("bob@localhost", n, n+1, "hello")
				alice.send("<iq type='get' id='asked' to='localhost'><x xmlns='urn:x'/></iq>")
				if r := alice.next(); r.ID != "asked" {
					refused[n] = true
					alice.next()
				}
				if refused[n] != failing.Load() {
					t.Errorf("message %d: refused is %v", n, refused[n])
				}
			}
			bob := login(t, s.Dial(), "bob", "b")
			failing.Store(true)
			bob.send("<presence/>") // may find the store failing
			failing.Store(false)
			bob.send("<presence/><iq type='get' id='end' to='bob@localhost'><x xmlns='urn:x'/></iq>")
			last := -1
			for last < 29 {
				r := bob.next()
				if r.ID == "end" {
					continue
				}
				n, err := strconv.Atoi(r.ID)
				if err != nil || n <= last {
					t.Fatalf("after %d came %+v", last, r)
				}
				for last++; last < n; last++ {
					if !refused[last] {
						t.Errorf("message %d is lost", last)
					}
				}
			}
		})
	}
}
