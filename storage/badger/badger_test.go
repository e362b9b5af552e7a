package badger_test

import (
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
	"github.com/xylem-im/xylem/storage/storagetest"
)

func open(t testing.TB, opts badger.Options) *badger.Driver {
	t.Helper()
	d, err := badger.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Driver { return open(t, badger.Options{Dir: t.TempDir()}) })
}
