package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/storage"
)

func testStepsInOrder(t *testing.T, s *store) {
	var b storage.Batch
	b.Put("c", []byte("a"), []byte("1"))
	b.Put("c", []byte("a"), []byte("2"))
	b.Put("c", []byte("b"), []byte("1"))
	b.Delete("c", []byte("b"))
	b.Delete("c", []byte("d"))
	b.Put("c", []byte("d"), []byte("1"))
	b.Put("e", []byte("a"), []byte("other collection"))
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}, []string{"a", "d"}, false)
	s.present("o", "c", "a", "2")

	b = storage.Batch{}
	b.Put("c", []byte("b"), nil) // removed by the range, though not stored before
	b.Put("c", []byte("e"), nil) // outside of it
	b.DeleteRange("c", []byte("a\x00"), []byte("e"))
	b.Put("c", []byte("c"), []byte("after")) // inside, but later
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}, []string{"a", "c", "e"}, false)

	b = storage.Batch{}
	b.DeleteRange("c", []byte("b"), nil)
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}, []string{"a"}, false)
	b = storage.Batch{}
	b.DeleteRange("c", nil, []byte("a"))
	b.DeleteRange("c", []byte("z"), []byte("a"))
	s.apply("o", b)
	s.present("o", "c", "a", "2")
	s.present("o", "e", "a", "other collection")
	s.apply("o", storage.Batch{})
}

func testChecks(t *testing.T, s *store) {
	s.put("o", "c", "k", "v")
	s.put("o", "c", "empty", "")
	check := func(do func(*storage.Batch)) storage.Batch {
		var b storage.Batch
		do(&b)
		return b
	}
	tests := []struct {
		name  string
		batch storage.Batch
		holds bool
	}{
		{"value equal", check(func(b *storage.Batch) { b.CheckValue("c", []byte("k"), []byte("v")) }), true},
		{"value other", check(func(b *storage.Batch) { b.CheckValue("c", []byte("k"), []byte("w")) }), false},
		{"value of absent", check(func(b *storage.Batch) { b.CheckValue("c", []byte("no"), nil) }), false},
		{"empty value", check(func(b *storage.Batch) { b.CheckValue("c", []byte("empty"), nil) }), true},
		{"absent", check(func(b *storage.Batch) { b.CheckAbsent("c", []byte("no")) }), true},
		{"absent but present", check(func(b *storage.Batch) { b.CheckAbsent("c", []byte("empty")) }), false},
		{"present", check(func(b *storage.Batch) { b.CheckPresent("c", []byte("empty")) }), true},
		{"present but absent", check(func(b *storage.Batch) { b.CheckPresent("c", []byte("no")) }), false},
		{"other collection", check(func(b *storage.Batch) { b.CheckPresent("d", []byte("k")) }), false},
		{"one of two", check(func(b *storage.Batch) {
			b.CheckPresent("c", []byte("k"))
			b.CheckAbsent("c", []byte("k"))
		}), false},
	}
	for i, tt := range tests {
		key := fmt.Sprint("done ", i)
		tt.batch.Put("c", []byte(key), nil)
		tt.batch.DeleteRange("never", nil, nil)
		err := s.try("o", tt.batch)
		if tt.holds {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			s.present("o", "c", key, "")
			continue
		}
		if !errors.Is(err, storage.ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", tt.name, err)
		}
		s.absent("o", "c", key)
	}
}

func testChecksSeeTheStateBefore(t *testing.T, s *store) {
	var b storage.Batch
	b.Put("c", []byte("k"), []byte("v"))
	b.CheckAbsent("c", []byte("k"))
	s.apply("o", b)
	s.present("o", "c", "k", "v")
}

func testGroupIsOrdered(t *testing.T, s *store) {
	// Each op appends to a chain and demands the link before it; the last one
	// comes too late.
	const n = 50
	ops := make([]*storage.Op, n+1)
	for i := range n {
		var b storage.Batch
		if i > 0 {
			b.CheckValue("c", []byte("head"), fmt.Append(nil, i-1))
		}
		b.DeleteRange("log", nil, fmt.Appendf(nil, "%02d", i))
		b.Put("c", []byte("head"), fmt.Append(nil, i))
		b.Put("log", fmt.Appendf(nil, "%02d", i), nil)
		ops[i] = &storage.Op{Kind: storage.Apply, Owner: "o", Batch: b, Durable: i%2 == 0}
	}
	ops[n] = &storage.Op{Kind: storage.Apply, Owner: "o", Batch: ops[7].Batch}
	errs := make([]error, len(ops))
	s.Apply(ops, errs)
	for i, err := range errs[:n] {
		if err != nil {
			t.Fatalf("op %d: %v", i, err)
		}
	}
	if !errors.Is(errs[n], storage.ErrConflict) {
		t.Errorf("late op: %v, want ErrConflict", errs[n])
	}
	s.present("o", "c", "head", fmt.Sprint(n-1))
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "log"}, []string{fmt.Sprintf("%02d", n-1)}, false)
}

func testGroupSurvivesAFailure(t *testing.T, s *store) {
	batch := func(key string) (b storage.Batch) {
		b.CheckAbsent("c", []byte(key))
		b.Put("c", []byte(key), []byte(key))
		return b
	}
	large := batch("large")
	large.Put("c", []byte("l"), make([]byte, storage.MaxValueBytes+1))
	ops := []*storage.Op{
		{Kind: storage.Apply, Owner: "o", Batch: batch("a"), Durable: true},
		{Kind: storage.Apply, Owner: "o", Batch: batch("a")},
		{Kind: storage.Apply, Owner: "o", Batch: large},
		{Kind: storage.Apply, Owner: "", Batch: batch("x")},
		{Kind: storage.Apply, Owner: "p", Batch: batch("a")},
		{Kind: storage.Apply, Owner: "o", Batch: batch("b")},
	}
	want := []error{nil, storage.ErrConflict, storage.ErrTooLarge, storage.ErrInvalid, nil, nil}
	errs := make([]error, len(ops))
	errs[0] = errors.New("left over from an earlier use")
	s.Apply(ops, errs)
	for i, err := range errs {
		if !errors.Is(err, want[i]) {
			t.Errorf("op %d: %v, want %v", i, err, want[i])
		}
	}
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}, []string{"a", "b"}, false)
	s.present("p", "c", "a", "a")
}

// testLargeGroup needs more than one transaction in a store that bounds them.
func testLargeGroup(t *testing.T, s *store) {
	const n = 12
	value := bytes.Repeat([]byte("v"), storage.MaxValueBytes)
	ops := make([]*storage.Op, n)
	for i := range ops {
		var b storage.Batch
		if i > 0 {
			b.CheckPresent("c", fmt.Append(nil, i-1))
		}
		b.Put("c", fmt.Append(nil, i), value)
		b.Put("d", fmt.Append(nil, i), fmt.Append(nil, i))
		ops[i] = &storage.Op{Kind: storage.Apply, Owner: "o", Batch: b, Durable: true}
	}
	errs := make([]error, n)
	s.Apply(ops, errs)
	for i, err := range errs {
		if err != nil {
			t.Errorf("op %d: %v", i, err)
		}
		s.present("o", "c", fmt.Sprint(i), string(value))
		s.present("o", "d", fmt.Sprint(i), fmt.Sprint(i))
	}
}

// testLargestBatch fills the bound with as many steps as there may be, then
// removes as many keys as may be and puts as many again.
func testLargestBatch(t *testing.T, s *store) {
	batch := func(value string) (b storage.Batch) {
		for i := range storage.MaxSteps - 1 {
			b.Put("c", fmt.Appendf(nil, "%05d", i), []byte(value))
		}
		return b
	}
	s.apply("o", batch(strings.Repeat("v", 100)))
	b := batch("2")
	b.DeleteRange("d", nil, nil)
	s.apply("o", b)
	for i := range storage.MaxSteps - 1 {
		s.present("o", "c", fmt.Sprintf("%05d", i), "2")
		if t.Failed() {
			return
		}
	}
	s.put("o", "c", "one more", "")
	b = storage.Batch{}
	b.DeleteRange("c", nil, nil)
	for i := range storage.MaxSteps - 1 {
		b.Put("e", fmt.Append(nil, i), nil)
	}
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Collections, Owner: "o"}, []string{"e"}, false)
}

func testRemovalIsBounded(t *testing.T, s *store) {
	fill := func(from, to int) {
		var b storage.Batch
		for i := from; i < to; i++ {
			b.Put("c", fmt.Appendf(nil, "%05d", i), nil)
		}
		s.apply("o", b)
	}
	fill(0, storage.MaxSteps)
	fill(storage.MaxSteps, storage.MaxSteps+1)
	var b storage.Batch
	b.Put("d", nil, nil)
	b.DeleteRange("c", nil, nil)
	if err := s.try("o", b); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("one key too many: %v, want ErrTooLarge", err)
	}
	s.absent("o", "d", "")
	s.present("o", "c", "00000", "")
	b = storage.Batch{}
	b.DeleteRange("c", nil, []byte("00001"))
	s.apply("o", b)
	b = storage.Batch{}
	b.DeleteRange("c", nil, nil)
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}, nil, false)
}

func testTooLarge(t *testing.T, s *store) {
	long := func(n int) string { return strings.Repeat("x", n) }
	reads := []storage.Op{
		{Kind: storage.Get, Owner: long(storage.MaxOwnerBytes + 1), Collection: "c"},
		{Kind: storage.Get, Owner: "o", Collection: long(storage.MaxCollectionBytes + 1)},
		{Kind: storage.Get, Owner: "o", Collection: "c", Key: []byte(long(storage.MaxKeyBytes + 1))},
		{Kind: storage.Scan, Owner: "o", Collection: "c", From: []byte(long(storage.MaxKeyBytes + 1))},
		{Kind: storage.Owners, Collection: "c", Key: []byte(long(storage.MaxOwnerBytes + 1))},
		{Kind: storage.Collections, Owner: "o", Key: []byte(long(storage.MaxCollectionBytes + 1))},
	}
	for i := range reads {
		if res := s.Read(&reads[i]); !errors.Is(res.Err, storage.ErrTooLarge) {
			t.Errorf("read %d: %v, want ErrTooLarge", i, res.Err)
		}
	}
	steps := func(n, size int) (b storage.Batch) {
		for range n {
			b.Put("c", nil, make([]byte, size))
		}
		return b
	}
	for i, b := range []storage.Batch{
		steps(1, storage.MaxValueBytes+1),
		steps(storage.MaxSteps+1, 0),
		steps(3, storage.MaxBatchBytes/3),
	} {
		if err := s.try("o", b); !errors.Is(err, storage.ErrTooLarge) {
			t.Errorf("batch %d: %v, want ErrTooLarge", i, err)
		}
	}
	// The largest parts that there may be.
	owner, collection := long(storage.MaxOwnerBytes), long(storage.MaxCollectionBytes)
	key, value := long(storage.MaxKeyBytes), long(storage.MaxValueBytes)
	s.put(owner, collection, key, value)
	s.present(owner, collection, key, value)
}
