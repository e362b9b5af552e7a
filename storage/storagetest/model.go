package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/xylem-im/xylem/storage"
)

// testReadersSeeWholeBatches moves a counter in two keys at once.
func testReadersSeeWholeBatches(t *testing.T, s *store) {
	const n = 300
	s.put("o", "c", "a", "0")
	s.put("o", "c", "b", "0")
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				res := s.Read(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"})
				if res.Err != nil || len(res.Items) != 2 || string(res.Items[0].Value) != string(res.Items[1].Value) {
					t.Errorf("read %q, %v; want two equal values", res.Items, res.Err)
					return
				}
			}
		})
	}
	for i := range n {
		var b storage.Batch
		b.Put("c", []byte("a"), fmt.Append(nil, i))
		b.Put("c", []byte("b"), fmt.Append(nil, i))
		s.apply("o", b)
		s.present("o", "c", "b", fmt.Sprint(i)) // what returned is seen
	}
	close(done)
	readers.Wait()
}

// model is the store as one would first write it down.
type model map[[3]string]string

func (m model) keys(owner, collection, from, to string) []string {
	var out []string
	for k := range m {
		if k[0] == owner && k[1] == collection && k[2] >= from && (to == "" || k[2] < to) {
			out = append(out, k[2])
		}
	}
	slices.Sort(out)
	return out
}

func (m model) holds(owner string, b *storage.Batch) bool {
	for i := range b.Checks {
		c := &b.Checks[i]
		value, ok := m[[3]string{owner, c.Collection, string(c.Key)}]
		if !c.Holds([]byte(value), ok) {
			return false
		}
	}
	return true
}

func (m model) apply(owner string, b *storage.Batch) {
	for _, s := range b.Steps {
		switch s.Kind {
		case storage.Put:
			m[[3]string{owner, s.Collection, string(s.Key)}] = string(s.Value)
		case storage.Delete:
			delete(m, [3]string{owner, s.Collection, string(s.Key)})
		case storage.DeleteRange:
			for _, k := range m.keys(owner, s.Collection, string(s.Key), string(s.End)) {
				delete(m, [3]string{owner, s.Collection, k})
			}
		}
	}
}

// testAgreesWithAModel makes random groups over a small set of awkward names, so
// that they meet, and compares everything now and then.
func testAgreesWithAModel(t *testing.T, s *store) {
	const seed1, seed2, groups = 2, 1969, 400
	r := rand.New(rand.NewPCG(seed1, seed2))
	m := model{}
	for g := range groups {
		ops := make([]*storage.Op, 1+r.IntN(6))
		want := make([]bool, len(ops))
		for i := range ops {
			ops[i] = &storage.Op{Kind: storage.Apply, Owner: name(r), Batch: randomBatch(r), Durable: r.IntN(8) == 0}
			if want[i] = m.holds(ops[i].Owner, &ops[i].Batch); want[i] {
				m.apply(ops[i].Owner, &ops[i].Batch)
			}
		}
		errs := make([]error, len(ops))
		s.Apply(ops, errs)
		for i, err := range errs {
			if (err == nil) != want[i] || err != nil && !errors.Is(err, storage.ErrConflict) {
				t.Fatalf("group %d op %d: %v, model: %v\n%+v", g, i, err, want[i], ops[i])
			}
		}
		if g%40 == 39 {
			s.compare(m)
		}
		if t.Failed() {
			return
		}
	}
}

func name(r *rand.Rand) string {
	names := []string{"a", "a\x00", "a\x00\x01", "aa", "b", "\xff", "\x00"}
	return names[r.IntN(len(names))]
}

func randomBatch(r *rand.Rand) (b storage.Batch) {
	for range r.IntN(2) {
		b.Checks = append(b.Checks, storage.Check{Expect: storage.Expectation(r.IntN(3)),
			Collection: name(r), Key: []byte(name(r)), Value: []byte{'0' + byte(r.IntN(3))}})
	}
	for range 1 + r.IntN(6) {
		switch r.IntN(8) {
		case 0:
			b.DeleteRange(name(r), []byte(name(r)), []byte(name(r)))
		case 1, 2:
			b.Delete(name(r), []byte(name(r)))
		default:
			b.Put(name(r), []byte(name(r)), []byte{'0' + byte(r.IntN(3))})
		}
	}
	return b
}

// compare reads the whole store in each way there is.
func (s *store) compare(m model) {
	s.t.Helper()
	perCollection := map[string]map[string]bool{}
	perOwner := map[string]map[string]bool{}
	for k, v := range m {
		s.present(k[0], k[1], k[2], v)
		set(perCollection, k[1], k[0])
		set(perOwner, k[0], k[1])
	}
	for c, owners := range perCollection {
		s.list(&storage.Op{Kind: storage.Owners, Collection: c}, slices.Sorted(maps.Keys(owners)), false)
	}
	for o, collections := range perOwner {
		s.list(&storage.Op{Kind: storage.Collections, Owner: o}, slices.Sorted(maps.Keys(collections)), false)
		for c := range collections {
			want := m.keys(o, c, "", "")
			s.list(&storage.Op{Kind: storage.Scan, Owner: o, Collection: c}, want, false)
			slices.Reverse(want)
			s.list(&storage.Op{Kind: storage.Scan, Owner: o, Collection: c, Reverse: true}, want, false)
		}
	}
}

func set(m map[string]map[string]bool, key, value string) {
	if m[key] == nil {
		m[key] = map[string]bool{}
	}
	m[key][value] = true
}
