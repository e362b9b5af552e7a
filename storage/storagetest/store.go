package storagetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/storage"
)

// store is a driver with the short sentences that tests are written in.
type store struct {
	t *testing.T
	storage.Driver
}

func (s *store) applyOp(op *storage.Op) error {
	errs := make([]error, 1)
	s.Apply([]*storage.Op{op}, errs)
	return errs[0]
}

func (s *store) try(owner string, b storage.Batch) error {
	return s.applyOp(&storage.Op{Kind: storage.Apply, Owner: owner, Batch: b})
}

func (s *store) apply(owner string, b storage.Batch) {
	s.t.Helper()
	if err := s.try(owner, b); err != nil {
		s.t.Fatalf("apply to %q: %v", owner, err)
	}
}

func (s *store) put(owner, collection, key, value string) {
	s.t.Helper()
	var b storage.Batch
	b.Put(collection, []byte(key), []byte(value))
	s.apply(owner, b)
}

func (s *store) delete(owner, collection, key string) {
	s.t.Helper()
	var b storage.Batch
	b.Delete(collection, []byte(key))
	s.apply(owner, b)
}

func (s *store) read(op *storage.Op) storage.Result {
	s.t.Helper()
	res := s.Read(op)
	if res.Err != nil {
		s.t.Fatalf("%s of %q %q: %v", op.Kind, op.Owner, op.Collection, res.Err)
	}
	return res
}

func (s *store) present(owner, collection, key, value string) {
	s.t.Helper()
	res := s.read(&storage.Op{Kind: storage.Get, Owner: owner, Collection: collection, Key: []byte(key)})
	if len(res.Items) != 1 || string(res.Items[0].Key) != key || string(res.Items[0].Value) != value {
		s.t.Errorf("(%q, %q, %q) is %q, want %q", owner, collection, key, res.Items, value)
	}
}

func (s *store) absent(owner, collection, key string) {
	s.t.Helper()
	res := s.Read(&storage.Op{Kind: storage.Get, Owner: owner, Collection: collection, Key: []byte(key)})
	if !errors.Is(res.Err, storage.ErrNotFound) || res.Items != nil {
		s.t.Errorf("(%q, %q, %q) is %q, %v; want ErrNotFound", owner, collection, key, res.Items, res.Err)
	}
}

// list makes op and compares the keys of its result.
func (s *store) list(op *storage.Op, want []string, more bool) {
	s.t.Helper()
	res := s.read(op)
	if got := keys(res); !slices.Equal(got, want) || res.More != more {
		s.t.Errorf("%s of %q %q [%q, %q) after %q, limit %d, reverse %v: %.100q, more %v; want %q, %v", op.Kind, op.Owner,
			op.Collection, op.From, op.To, op.Key, op.Limit, op.Reverse, got, res.More, want, more)
	}
}

func keys(res storage.Result) []string {
	var out []string
	for _, item := range res.Items {
		out = append(out, string(item.Key))
	}
	return out
}
