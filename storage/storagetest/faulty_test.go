package storagetest_test

import (
	"math/rand/v2"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// Reordering across owners is within the contract.
func TestShufflingDriverKeepsTheContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Driver {
		return storagetest.NewFaulty(memory.New(memory.Options{}), storagetest.Faults{Shuffle: rand.New(rand.NewPCG(1, 2))})
	})
}
