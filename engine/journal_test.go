package engine

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// openGood opens a journal that must be good.
func openGood(t *testing.T, mem []byte, loops int) (*journal, *recall) {
	t.Helper()
	j, left, err := openJournal(mem, loops)
	if err != nil {
		t.Fatal(err)
	}
	return j, left
}

// entries are those of a ring, by session.
func entries(r journalRing) map[uint64]journalled {
	all := map[uint64]journalled{}
	for session, g := range r.all {
		all[session] = g
	}
	return all
}

// A full ring goes on at its beginning: it has the newest entries, and the rings of
// other loops are what they were.
func TestJournalIsFull(t *testing.T) {
	const loops, more = 3, 5
	mem := make([]byte, journalLeast)
	j, left := openGood(t, mem, loops)
	if left != nil {
		t.Errorf("an empty journal tells of %v", left)
	}
	most := (len(j.rings[1]) - 1) / journalEntry
	j.rings[0].add(1000, 1, 1)
	j.rings[2].add(2000, 2, 2)
	for n := range uint64(2*most + more) {
		j.rings[1].add(1+n, 10_000+n, uint32(n))
		if got := entries(j.rings[1]); len(got) != min(int(n)+1, most) || got[1+n] != (journalled{10_000 + n, uint32(n)}) {
			t.Fatalf("after entry %d: %d entries, the last is %v", n, len(got), got[1+n])
		}
	}
	got := entries(j.rings[1])
	for n := uint64(most + more); n < uint64(2*most+more); n++ {
		if got[1+n] != (journalled{10_000 + n, uint32(n)}) {
			t.Errorf("entry %d is %v", n, got[1+n])
		}
	}
	for i, want := range []map[uint64]journalled{0: {1000: {1, 1}}, 2: {2000: {2, 2}}} {
		if i != 1 && !maps.Equal(entries(j.rings[i]), want) {
			t.Errorf("ring %d has %v, want %v", i, entries(j.rings[i]), want)
		}
	}
	if end := j.words[journalHeader+loops*len(j.rings[0]):]; slices.Max(append([]uint64{0}, end...)) != 0 {
		t.Errorf("something was written behind the rings: %v", end)
	}
}

// The process after this one goes on behind the last entry, and knows all of them.
func TestJournalGoesOn(t *testing.T) {
	mem := make([]byte, journalLeast)
	j, _ := openGood(t, mem, 2)
	secret := []byte("0123456789abcdef")
	session := j.sessionKey(secret)
	j.rings[0].add(session, 11, 1)
	j.rings[1].add(session, 12, 2) // the session has come to the other loop
	j.rings[1].add(session, 0, 1)  // acknowledged
	again, left := openGood(t, mem, 2)
	if again.sessionKey(secret) != session {
		t.Error("the session has another key")
	}
	for message, want := range map[uint64]bool{11: true, 12: false, 13: false} {
		if known := left.known(message) != 0; known != want {
			t.Errorf("message %d is known to be taken: %v", message, known)
		}
	}
	if !left.resumed(session, 2) || left.known(12) == 0 {
		t.Error("what the client says that it has is not known")
	}
	again.rings[1].add(session, 14, 3)
	if _, third := openGood(t, mem, 2); third.known(11) == 0 || !third.resumed(session, 3) || third.known(14) == 0 {
		t.Error("the process after the next one knows less")
	}
}

// A server with another number of loops knows what was left, by the same key, and
// begins an empty journal of its own.
func TestJournalOfAnotherNumberOfLoops(t *testing.T) {
	for _, loops := range []int{1, 3, 8} {
		t.Run(fmt.Sprint(loops), func(t *testing.T) {
			mem := make([]byte, journalLeast)
			j, _ := openGood(t, mem, 4)
			secret := []byte("0123456789abcdef")
			session := j.sessionKey(secret)
			for i, r := range j.rings {
				r.add(session, uint64(100+i), uint32(i))
			}
			after, left := openGood(t, mem, loops)
			if len(after.rings) != loops || after.sessionKey(secret) != session || !left.resumed(session, 2) {
				t.Fatalf("%d rings, the same key: %v", len(after.rings), after.sessionKey(secret) == session)
			}
			for i := range j.rings {
				if known := left.known(uint64(100+i)) != 0; known != (i <= 2) {
					t.Errorf("message %d is known to be taken: %v", i, known)
				}
			}
			for i, r := range after.rings {
				if got := entries(r); len(got) != 0 || r[0] != 0 {
					t.Errorf("ring %d begins with %v", i, got)
				}
			}
			for i, r := range after.rings {
				r.add(session, uint64(200+i), uint32(i))
			}
			if _, left := openGood(t, mem, loops); !left.resumed(session, 100) || left.known(uint64(200+loops-1)) == 0 || left.known(100) != 0 {
				t.Error("the journal is not used as the one of so many loops")
			}
		})
	}
}

// What is no journal of this version is none: nothing is taken from it, its key
// neither, and it is emptied.
func TestJournalOfAnotherKind(t *testing.T) {
	secret := []byte("0123456789abcdef")
	for name, spoil := range map[string]func(words []uint64){
		"another version":   func(w []uint64) { w[0] += 1 << 56 },
		"text":              func(w []uint64) { w[0] = binary.LittleEndian.Uint64([]byte("some tex")) },
		"no rings":          func(w []uint64) { w[1] = 0 },
		"too many rings":    func(w []uint64) { w[1] = uint64(len(w)/ringLeast) + 1 },
		"a number too big":  func(w []uint64) { w[1] = 1 << 63 },
		"interrupted first": func(w []uint64) { w[0] = 0; clear(w[journalHeader:]) }, // in format, before it was one
	} {
		t.Run(name, func(t *testing.T) {
			mem := make([]byte, journalLeast)
			j, _ := openGood(t, mem, 2)
			session := j.sessionKey(secret)
			j.rings[0].add(session, 11, 1)
			j.rings[0].add(session, 0, 1)
			j.rings[1].add(session, 12, 2)
			spoil(j.words)
			after, left := openGood(t, mem, 2)
			if left != nil {
				t.Errorf("it tells of %v", left)
			}
			if after.sessionKey(secret) == session || after.key == [2]uint64{} {
				t.Error("it has no new key of its own")
			}
			for i, r := range after.rings {
				if got := entries(r); len(got) != 0 || r[0] != 0 {
					t.Errorf("ring %d has %v", i, got)
				}
			}
			if again, left := openGood(t, mem, 2); left == nil || again.key != after.key {
				t.Error("it did not become a journal")
			}
		})
	}
}

// An index that no process can have written does no harm.
func TestJournalIndexOutOfRange(t *testing.T) {
	mem := make([]byte, journalLeast)
	j, _ := openGood(t, mem, 2)
	j.rings[0][0] = 1 << 63
	j.rings[0].add(1, 2, 3)
	if got := entries(j.rings[0]); !maps.Equal(got, map[uint64]journalled{1: {2, 3}}) || j.rings[0][0] != 1 {
		t.Errorf("got %v, next %d", got, j.rings[0][0])
	}
}

// Memory that cannot be a journal is refused, with what would be accepted.
func TestJournalThatCannotBe(t *testing.T) {
	whole := make([]byte, journalLeast+8)
	for _, c := range []struct {
		name  string
		mem   []byte
		loops int
		want  string
	}{
		{"too small", whole[:journalLeast-1], 1, "65535 bytes, want at least 65536"},
		{"not aligned", whole[1:], 1, "aligned to 8"},
		{"too small for the loops", whole[:journalLeast], 200, "want at least 102400"},
	} {
		if _, _, err := openJournal(c.mem, c.loops); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
