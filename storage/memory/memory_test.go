package memory_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storage.Driver { return memory.New(memory.Options{}) })
}

func apply(d storage.Driver, b storage.Batch) error {
	errs := make([]error, 1)
	d.Apply([]*storage.Op{{Kind: storage.Apply, Owner: "o", Batch: b}}, errs)
	return errs[0]
}

// What is kept is bounded, and bounded by what is kept now: overwriting and
// removing give room back.
func TestFull(t *testing.T) {
	d := memory.New(memory.Options{MaxBytes: 10_000})
	put := func(i int) error {
		var b storage.Batch
		b.Put("c", fmt.Appendf(nil, "%04d", i), make([]byte, 100))
		return apply(d, b)
	}
	n := 0
	for ; put(n) == nil; n++ {
		if d.Bytes() > 10_000 {
			t.Fatalf("%d bytes kept, at most 10000", d.Bytes())
		}
	}
	if err := put(n); !errors.Is(err, storage.ErrFull) {
		t.Fatalf("put into the full store: %v, want ErrFull", err)
	}
	var b storage.Batch
	b.DeleteRange("c", nil, []byte("0010"))
	if err := apply(d, b); err != nil {
		t.Fatalf("removing from the full store: %v", err)
	}
	for i := range 10 {
		for range 5 {
			if err := put(i); err != nil {
				t.Fatalf("put %d after removing: %v", i, err)
			}
		}
		if i == 8 {
			break // an overwrite is counted as new until it is made, so one place stays free
		}
	}
	b = storage.Batch{}
	b.DeleteRange("c", nil, nil)
	if err := apply(d, b); err != nil || d.Bytes() != 0 {
		t.Errorf("empty again: %v, %d bytes", err, d.Bytes())
	}
}

func BenchmarkApply(b *testing.B) {
	d := memory.New(memory.Options{MaxBytes: 1 << 40})
	value := make([]byte, 400)
	errs := make([]error, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var batch storage.Batch
		batch.Put("offline", fmt.Appendf(nil, "%020d", i%100_000*7919%100_000), value)
		d.Apply([]*storage.Op{{Kind: storage.Apply, Owner: "alice@localhost", Batch: batch}}, errs)
	}
}
