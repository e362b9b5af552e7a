package standard_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
	"github.com/xylem-im/xylem/xep/standard"
)

// everyday are the collections of what clients can do without: logging in must
// go on where these fail.
var everyday = map[string]bool{"vcard": true, "private": true, "lastactivity": true}

// A store whose reads of everyday things fail: clients log in, and are told.
func TestReadsThatFail(t *testing.T) {
	var broken atomic.Bool
	s := startOn(t, storagetest.Faults{Read: func(op *storage.Op) error {
		if broken.Load() && everyday[op.Collection] {
			return errors.New("the disk is on fire")
		}
		return nil
	}})
	s.AddUser("alice@localhost", "secret")
	broken.Store(true)
	s.Perform("testdata/faults/read.play")
}

// A full store: what is there can be read, what would be kept is refused.
func TestFullStore(t *testing.T) {
	var full atomic.Bool
	s := startOn(t, storagetest.Faults{Full: full.Load})
	s.AddUser("alice@localhost", "secret")
	full.Store(true)
	s.Perform("testdata/faults/full.play")
}

// An account that was in use a moment ago is known: only what the login itself rests
// on is read again.
func TestReadsOfAnotherLogin(t *testing.T) {
	var mu sync.Mutex
	reads := map[string]int{}
	s := startOn(t, storagetest.Faults{Read: func(op *storage.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if op.Owner == "alice@localhost" {
			reads[op.Collection]++
		}
		return nil
	}})
	s.AddUser("alice@localhost", "secret")
	s.Perform("testdata/faults/login.play")
	mu.Lock()
	first := reads
	reads = map[string]int{}
	mu.Unlock()
	s.Perform("testdata/faults/login.play")
	mu.Lock()
	defer mu.Unlock()
	if first["vcard"] != 1 || len(reads) != 1 || reads["account"] != 1 {
		t.Errorf("the first login reads %v, the second %v: want the account only", first, reads)
	}
}

func startOn(t *testing.T, faults storagetest.Faults) *enginetest.Server {
	t.Helper()
	return enginetest.StartConfig(t, engine.Config{
		Domains:    []string{"localhost"},
		Extensions: standard.Register,
		Store:      storagetest.NewFaulty(memory.New(memory.Options{}), faults),
	})
}
