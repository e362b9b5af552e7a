package storage_test

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/storage"
)

type triple struct{ owner, collection, key string }

func (a triple) encode() []byte {
	return storage.AppendKey(nil, a.owner, a.collection, []byte(a.key))
}

func (a triple) compare(b triple) int {
	return cmp.Or(strings.Compare(a.owner, b.owner), strings.Compare(a.collection, b.collection), strings.Compare(a.key, b.key))
}

// FuzzKey: the encoding keeps order (so it is injective), can be taken apart,
// and the prefixes and their ends enclose exactly what they should.
func FuzzKey(f *testing.F) {
	f.Add("alice@localhost", "offline", "1", "bob@localhost", "account", "")
	f.Add("a", "b", "c", "a\x00", "b", "c")
	f.Add("a\x00\x01b", "c", "", "a", "b\x00\x01c", "")
	f.Add("a\x00\xff", "\x00", "\xff", "a", "\x00\x00", "\xff\xff")
	f.Add("", "", "", "\xff", "\xff", "\xff")
	f.Fuzz(func(t *testing.T, o1, c1, k1, o2, c2, k2 string) {
		a, b := triple{o1, c1, k1}, triple{o2, c2, k2}
		ea, eb := a.encode(), b.encode()
		if got, want := bytes.Compare(ea, eb), a.compare(b); got != want {
			t.Errorf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		owner, collection, key, err := storage.SplitKey(ea)
		if got := (triple{owner, collection, string(key)}); err != nil || got != a {
			t.Errorf("%q came back as %q, %v", a, got, err)
		}
		encloses(t, storage.AppendOwnerPrefix(nil, o1), eb, o1 == o2)
		encloses(t, storage.AppendCollectionPrefix(nil, o1, c1), eb, o1 == o2 && c1 == c2)

		lower, upper := storage.ScanBounds(o1, c1, []byte(k1), []byte(k2))
		in := bytes.Compare(eb, lower) >= 0 && bytes.Compare(eb, upper) < 0
		// k2 itself is at the excluded end, unless an empty one leaves that open.
		if want := o1 == o2 && c1 == c2 && k2 == "" && k1 == ""; in != want {
			t.Errorf("%q in [%q, %q) of %q %q: %v, want %v", b, k1, k2, o1, c1, in, want)
		}
		// An Owners op seeks by what its prefix and its cursor encode to.
		res := storage.ListOwners(&storage.Op{Owner: o1, Collection: c2}, seekIn(eb))
		if found := len(res.Items) == 1; res.Err != nil || found != strings.HasPrefix(o2, o1) {
			t.Errorf("owner %q under prefix %q: %q, %v", o2, o1, res.Items, res.Err)
		}
	})
}

// encloses checks that key is in [prefix, PrefixEnd(prefix)) if and only if it should be.
func encloses(t *testing.T, prefix, key []byte, want bool) {
	t.Helper()
	in := bytes.Compare(key, prefix) >= 0 && bytes.Compare(key, storage.PrefixEnd(prefix)) < 0
	if in != want || in != bytes.HasPrefix(key, prefix) {
		t.Errorf("%q within %q: %v, want %v", key, prefix, in, want)
	}
}

func seekIn(stored ...[]byte) storage.Seek {
	slices.SortFunc(stored, bytes.Compare)
	return func(from []byte) ([]byte, bool) {
		i, _ := slices.BinarySearchFunc(stored, from, bytes.Compare)
		if i == len(stored) {
			return nil, false
		}
		return stored[i], true
	}
}

// FuzzSplitKey: whatever is accepted is what AppendKey makes.
func FuzzSplitKey(f *testing.F) {
	f.Add([]byte("a\x00\x01b\x00\x01c"))
	f.Add([]byte("a\x00\xff\x00\x01\x00\xff\x00\x01"))
	f.Add([]byte("a\x00"))
	f.Fuzz(func(t *testing.T, enc []byte) {
		owner, collection, key, err := storage.SplitKey(bytes.Clone(enc))
		if err != nil {
			if !errors.Is(err, storage.ErrFormat) {
				t.Errorf("error %v does not wrap ErrFormat", err)
			}
			return
		}
		if again := storage.AppendKey(nil, owner, collection, key); !bytes.Equal(again, enc) {
			t.Errorf("%q was taken as %q %q %q, which is %q", enc, owner, collection, key, again)
		}
	})
}

func TestSplitKeyRefuses(t *testing.T) {
	for _, enc := range []string{"", "a", "a\x00", "a\x00\x01", "a\x00\x01b", "a\x00\x01b\x00", "a\x00\x02b\x00\x01", "\x00\x00\x01\x00\x01"} {
		if o, c, k, err := storage.SplitKey([]byte(enc)); !errors.Is(err, storage.ErrFormat) {
			t.Errorf("%q was taken as %q %q %q, %v", enc, o, c, k, err)
		}
	}
	malformed := seekIn([]byte("a\x00\x01b"))
	if res := storage.ListOwners(&storage.Op{Collection: "c"}, malformed); !errors.Is(res.Err, storage.ErrFormat) {
		t.Errorf("listing the owners of a malformed key: %v", res.Err)
	}
	if res := storage.ListCollections(&storage.Op{Owner: "a"}, malformed); !errors.Is(res.Err, storage.ErrFormat) {
		t.Errorf("listing the collections of a malformed key: %v", res.Err)
	}
}

func TestPrefixEnd(t *testing.T) {
	for _, tt := range []struct{ prefix, want string }{{"a", "b"}, {"a\xff", "b"}, {"a\xff\xff", "b"}, {"\x00", "\x01"}, {"ab", "ac"}} {
		if got := storage.PrefixEnd([]byte(tt.prefix)); string(got) != tt.want {
			t.Errorf("end of %q is %q, want %q", tt.prefix, got, tt.want)
		}
	}
	for _, none := range []string{"", "\xff", "\xff\xff"} {
		if got := storage.PrefixEnd([]byte(none)); got != nil {
			t.Errorf("end of %q is %q, want none", none, got)
		}
	}
	prefix := []byte("ab")
	storage.PrefixEnd(prefix)
	if string(prefix) != "ab" {
		t.Error("PrefixEnd changed its argument")
	}
}

func TestAfter(t *testing.T) {
	key := make([]byte, 1, 8)
	key[0] = 'k'
	if got := storage.After(key); string(got) != "k\x00" || &got[0] == &key[0] {
		t.Errorf("After(k) = %q", got)
	}
}

func BenchmarkAppendKey(b *testing.B) {
	buf, key := make([]byte, 0, 128), []byte("0000000000000001")
	b.ReportAllocs()
	for b.Loop() {
		buf = storage.AppendKey(buf[:0], "alice@localhost", "offline", key)
	}
}
