package parser

import (
	"math/rand/v2"
	"testing"
)

// Each byte of a window, whatever its place, its neighbours and the length of the window,
// is in the sets that it belongs to.
func TestClassify(t *testing.T) {
	m := new(marks)
	if !canClassify { // then there is nothing to look up, whatever comes
		if m.reset(make([]byte, window), 0, true); m.covers(0) {
			t.Error("a window without AVX2")
		}
		return
	}
	sets := []struct {
		name string
		bits func(*marks) *bitmap
		want func(c byte) bool
	}{
		{"text", func(m *marks) *bitmap { return &m.text }, func(c byte) bool { return stopsText(c) || c >= 0x80 }},
		{"value", func(m *marks) *bitmap { return &m.value }, func(c byte) bool { return stopsValue(c, '"') || c == '\'' || c >= 0x80 }},
		{"name", func(m *marks) *bitmap { return &m.name }, func(c byte) bool { return c != '-' && (c < 'a' || c > 'z') }},
	}
	check := func(b []byte, from int) {
		m.index(b, from)
		if want := min(len(b), from+window); m.base != from || m.end != want {
			t.Fatalf("window from %d to %d, want %d to %d", m.base, m.end, from, want)
		}
		for _, set := range sets {
			for i := from; i < m.end; i++ {
				if got, want := set.bits(m).at(uint(i-from))&1 != 0, set.want(b[i]); got != want {
					t.Fatalf("byte %q at %d of %d bytes is in the set %s: %t, want %t", b[i], i, len(b), set.name, got, want)
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 2*window)
	for c := range 256 { // alone among plain bytes, at each place of a block
		for at := range 2 * block {
			for i := range b[:2*block] {
				b[i] = 'a'
			}
			b[at] = byte(c)
			check(b[:2*block], 0)
		}
	}
	for size := range len(b) + 1 {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		check(b[:size:size], 0)
		check(b[:size:size], random.IntN(size+1))
	}
}

// The bits of a look are those of 57 bytes at least, wherever it begins.
func TestBitmapAt(t *testing.T) {
	for bit := range uint(window) {
		var m bitmap
		m[bit/8] = 1 << (bit % 8)
		for j := uint(0); j <= bit; j++ {
			got := m.at(j)
			if want := uint64(1) << (bit - j); bit-j < 57 && got != want {
				t.Fatalf("bit %d from %d: %#x, want %#x", bit, j, got, want)
			}
		}
	}
}
