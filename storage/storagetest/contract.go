// Package storagetest holds the tests that every storage driver passes, and a
// driver that delays, reorders and fails for tests of what stands above.
package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/storage"
)

// Run tests the contract of storage.Driver. open returns an empty store each
// time it is called, with room for 16 MiB; Run closes it.
func Run(t *testing.T, open func(t *testing.T) storage.Driver) {
	tests := []struct {
		name string
		test func(*testing.T, *store)
	}{
		{"Get", testGet},
		{"KeysAreApart", testKeysAreApart},
		{"Scan", testScan},
		{"ScanInPieces", testScanInPieces},
		{"ScanStaysInside", testScanStaysInside},
		{"ResultIsBounded", testResultIsBounded},
		{"Owners", testOwners},
		{"Collections", testCollections},
		{"StepsInOrder", testStepsInOrder},
		{"Checks", testChecks},
		{"ChecksSeeTheStateBefore", testChecksSeeTheStateBefore},
		{"GroupIsOrdered", testGroupIsOrdered},
		{"GroupSurvivesAFailure", testGroupSurvivesAFailure},
		{"LargeGroup", testLargeGroup},
		{"LargestBatch", testLargestBatch},
		{"RemovalIsBounded", testRemovalIsBounded},
		{"Invalid", testInvalid},
		{"TooLarge", testTooLarge},
		{"BytesAreCopied", testBytesAreCopied},
		{"ReadersSeeWholeBatches", testReadersSeeWholeBatches},
		{"AgreesWithAModel", testAgreesWithAModel},
		{"Closed", testClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &store{t, open(t)}
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}()
			tt.test(t, s)
		})
	}
}

func testGet(t *testing.T, s *store) {
	s.absent("alice", "c", "k")
	s.put("alice", "c", "k", "one")
	s.present("alice", "c", "k", "one")
	s.put("alice", "c", "k", "two")
	s.present("alice", "c", "k", "two")
	s.put("alice", "c", "", "empty key")
	s.present("alice", "c", "", "empty key")
	s.put("alice", "c", "empty", "")
	s.present("alice", "c", "empty", "")
	s.delete("alice", "c", "k")
	s.absent("alice", "c", "k")
	s.delete("alice", "c", "k")
	token := storage.Token{Loop: 1, Slot: 2, Generation: 3, Serial: 4}
	if res := s.Read(&storage.Op{Token: token, Kind: storage.Get, Owner: "alice", Collection: "c"}); res.Token != token {
		t.Errorf("token %+v, want %+v", res.Token, token)
	}
}

// Triples whose parts would run together without an encoding.
var apart = [][3]string{
	{"a", "b", "c"}, {"ab", "c", ""}, {"a", "bc", ""}, {"a\x00", "b", "c"}, {"a", "\x00b", "c"}, {"a", "b", "\x00c"},
	{"a\x00\x01b", "c", ""}, {"a", "b\x00\x01c", ""}, {"a\x00\xff", "b", "c"}, {"\xff", "\xff", "\xff"},
	{"\x00", "\x00", "\x00"}, {"\x00\x01", "\x00\x01", "\x00\x01"}, {"!badger!", "b", "c"},
}

func testKeysAreApart(t *testing.T, s *store) {
	for i, k := range apart {
		s.put(k[0], k[1], k[2], fmt.Sprint(i))
	}
	for i, k := range apart {
		s.present(k[0], k[1], k[2], fmt.Sprint(i))
	}
	for i, k := range apart {
		s.delete(k[0], k[1], k[2])
		s.absent(k[0], k[1], k[2])
		for j := i + 1; j < len(apart); j++ {
			s.present(apart[j][0], apart[j][1], apart[j][2], fmt.Sprint(j))
		}
	}
}

func testScan(t *testing.T, s *store) {
	for _, k := range []string{"d", "", "b", "c", "a", "a\x00", "\xff"} {
		s.put("o", "c", k, "v"+k)
	}
	tests := []struct {
		from, to string
		limit    int
		want     []string
		more     bool
	}{
		{"", "", 0, []string{"", "a", "a\x00", "b", "c", "d", "\xff"}, false},
		{"a", "c", 0, []string{"a", "a\x00", "b"}, false},
		{"a\x00", "b\x00", 0, []string{"a\x00", "b"}, false},
		{"", "a", 0, []string{""}, false},
		{"d", "", 0, []string{"d", "\xff"}, false},
		{"", "", 2, []string{"", "a"}, true},
		{"c", "", 3, []string{"c", "d", "\xff"}, false},
		{"b", "b", 0, nil, false},
		{"c", "b", 0, nil, false},
		{"e", "f", 0, nil, false},
	}
	for _, tt := range tests {
		op := storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c", From: []byte(tt.from), To: []byte(tt.to), Limit: tt.limit}
		s.list(&op, tt.want, tt.more)
	}
	all := []string{"\xff", "d", "c", "b", "a\x00", "a", ""}
	down := storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c", Reverse: true}
	s.list(&down, all, false)
	down.Limit = 3
	s.list(&down, all[:3], true)
	down.Limit, down.From, down.To = 0, []byte("a\x00"), []byte("d")
	s.list(&down, all[2:5], false)
	res := s.read(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c", From: []byte("b"), Limit: 1})
	if string(res.Items[0].Value) != "vb" {
		t.Errorf("value %q, want %q", res.Items[0].Value, "vb")
	}
}

func testScanInPieces(t *testing.T, s *store) {
	const n = 25
	var want []string
	for i := range n {
		k := fmt.Sprintf("%02d", i)
		want = append(want, k)
		s.put("o", "c", k, "v")
	}
	for _, reverse := range []bool{false, true} {
		op := storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c", Limit: 7, Reverse: reverse}
		var got []string
		for more := true; more; {
			res := s.read(&op)
			got = append(got, keys(res)...)
			last := res.Items[len(res.Items)-1].Key
			if more = res.More; reverse {
				op.To = last
			} else {
				op.From = storage.After(last)
			}
		}
		if reverse {
			slices.Reverse(got)
		}
		if !slices.Equal(got, want) {
			t.Errorf("reverse %v: %q, want %q", reverse, got, want)
		}
	}
}

// testScanStaysInside puts neighbours right below and right above the collection.
func testScanStaysInside(t *testing.T, s *store) {
	for _, k := range [][2]string{{"n", "c"}, {"o", "b"}, {"o", "c"}, {"o", "c\x00"}, {"o", "d"}, {"o\x00", "c"}, {"p", "c"}} {
		s.put(k[0], k[1], "k", "")
		s.put(k[0], k[1], "", "")
	}
	op := storage.Op{Kind: storage.Scan, Owner: "o", Collection: "c"}
	s.list(&op, []string{"", "k"}, false)
	op.Reverse = true
	s.list(&op, []string{"k", ""}, false)
	op.Collection = "none"
	s.list(&op, nil, false)
	var b storage.Batch
	b.DeleteRange("c", nil, nil)
	s.apply("o", b)
	s.list(&storage.Op{Kind: storage.Owners, Collection: "c"}, []string{"n", "o\x00", "p"}, false)
	s.list(&storage.Op{Kind: storage.Collections, Owner: "o"}, []string{"b", "c\x00", "d"}, false)
}

func testResultIsBounded(t *testing.T, s *store) {
	big := strings.Repeat("x", storage.MaxValueBytes)
	for i := range 4 {
		s.put("o", "big", fmt.Sprint(i), big)
	}
	// Two values of half the bound, and their keys, are a little over it.
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "big"}, []string{"0"}, true)
	s.list(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "big", Reverse: true}, []string{"3"}, true)
	var b storage.Batch
	for i := range storage.MaxItems + 1 {
		b.Put("many", fmt.Appendf(nil, "%05d", i), nil)
	}
	s.apply("o", b)
	res := s.read(&storage.Op{Kind: storage.Scan, Owner: "o", Collection: "many", Limit: 1 << 30})
	if len(res.Items) != storage.MaxItems || !res.More {
		t.Errorf("%d items, more %v; want %d, true", len(res.Items), res.More, storage.MaxItems)
	}
}

func testOwners(t *testing.T, s *store) {
	for _, o := range []string{"alice@a", "bob@a", "bob@b", "bobby@a", "carol@a", "b", "bo\x00b", "b\xff"} {
		s.put(o, "account", "x", "")
		s.put(o, "account", "y", "")
	}
	s.put("anna@a", "other", "x", "")
	s.put("aaa@a", "aaa", "x", "")
	s.put("bob@a", "aaa", "x", "")
	s.put("bob@a", "zzz", "x", "")
	tests := []struct {
		prefix, after string
		limit         int
		want          []string
		more          bool
	}{
		{"", "", 0, []string{"alice@a", "b", "bo\x00b", "bob@a", "bob@b", "bobby@a", "b\xff", "carol@a"}, false},
		{"bo", "", 0, []string{"bo\x00b", "bob@a", "bob@b", "bobby@a"}, false},
		{"bo", "bob@a", 0, []string{"bob@b", "bobby@a"}, false},
		{"bo", "bob", 2, []string{"bob@a", "bob@b"}, true},
		{"bo", "alice@a", 1, []string{"bo\x00b"}, true},
		{"bo\x00", "", 0, []string{"bo\x00b"}, false},
		{"b\xff", "", 1, []string{"b\xff"}, false},
		{"carol@a", "", 1, []string{"carol@a"}, false},
		{"", "carol@a", 0, nil, false},
		{"zed", "", 0, nil, false},
	}
	for _, tt := range tests {
		op := storage.Op{Kind: storage.Owners, Owner: tt.prefix, Collection: "account", Key: []byte(tt.after), Limit: tt.limit}
		s.list(&op, tt.want, tt.more)
	}
	s.list(&storage.Op{Kind: storage.Owners, Collection: "other"}, []string{"anna@a"}, false)
	s.list(&storage.Op{Kind: storage.Owners, Collection: "none"}, nil, false)
}

func testCollections(t *testing.T, s *store) {
	for _, c := range []string{"roster", "account", "off\x00line", "\xff"} {
		s.put("o", c, "1", "")
		s.put("o", c, "2", "")
	}
	s.put("n", "below", "1", "")
	s.put("p", "above", "1", "")
	op := storage.Op{Kind: storage.Collections, Owner: "o"}
	s.list(&op, []string{"account", "off\x00line", "roster", "\xff"}, false)
	op.Limit = 2
	s.list(&op, []string{"account", "off\x00line"}, true)
	op.Key = []byte("off\x00line")
	s.list(&op, []string{"roster", "\xff"}, false)
	s.list(&storage.Op{Kind: storage.Collections, Owner: "nobody"}, nil, false)
}

func testInvalid(t *testing.T, s *store) {
	ops := []storage.Op{
		{},
		{Kind: storage.Apply + 1, Owner: "o", Collection: "c"},
		{Kind: storage.Get, Owner: "", Collection: "c"},
		{Kind: storage.Get, Owner: "o", Collection: ""},
		{Kind: storage.Scan, Owner: "o"},
		{Kind: storage.Owners, Owner: "o"},
		{Kind: storage.Collections},
		{Kind: storage.Apply, Owner: "o", Collection: "c"},
	}
	for _, op := range ops {
		if res := s.Read(&op); !errors.Is(res.Err, storage.ErrInvalid) {
			t.Errorf("read of %+v: %v, want ErrInvalid", op, res.Err)
		}
	}
	batches := []storage.Batch{
		{Steps: []storage.Step{{Collection: "c"}}},
		{Steps: []storage.Step{{Kind: storage.DeleteRange + 1, Collection: "c"}}},
		{Steps: []storage.Step{{Kind: storage.Put}}},
		{Checks: []storage.Check{{}}},
		{Checks: []storage.Check{{Expect: storage.ExpectPresent + 1, Collection: "c"}}},
	}
	for _, b := range batches {
		if err := s.try("o", b); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("apply of %+v: %v, want ErrInvalid", b, err)
		}
	}
	for _, op := range []storage.Op{{Kind: storage.Apply}, {Kind: storage.Get, Owner: "o", Collection: "c"}} {
		if err := s.applyOp(&op); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("apply of %+v: %v, want ErrInvalid", op, err)
		}
	}
}

func testBytesAreCopied(t *testing.T, s *store) {
	key, value := []byte("key"), []byte("value")
	var b storage.Batch
	b.Put("c", key, value)
	s.apply("o", b)
	copy(key, "XXX")
	copy(value, "XXXXX")
	s.present("o", "c", "key", "value")
	for _, kind := range []storage.OpKind{storage.Get, storage.Scan} {
		op := storage.Op{Kind: kind, Owner: "o", Collection: "c", Key: []byte("key")}
		res := s.read(&op)
		clear(op.Key)
		if got := res.Items[0]; !bytes.Equal(got.Key, []byte("key")) || !bytes.Equal(got.Value, []byte("value")) {
			t.Errorf("%s: %q = %q", kind, got.Key, got.Value)
		}
		clear(res.Items[0].Value)
		clear(res.Items[0].Key)
	}
	s.present("o", "c", "key", "value")
}

func testClosed(t *testing.T, s *store) {
	s.put("o", "c", "k", "v")
	if err := s.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	res := s.Read(&storage.Op{Kind: storage.Get, Owner: "o", Collection: "c", Key: []byte("k")})
	if !errors.Is(res.Err, storage.ErrClosed) {
		t.Errorf("Read: %v, want ErrClosed", res.Err)
	}
	var b storage.Batch
	b.Put("c", nil, nil)
	if err := s.try("o", b); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Apply: %v, want ErrClosed", err)
	}
	if err := s.Sync(); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Sync: %v, want ErrClosed", err)
	}
}
