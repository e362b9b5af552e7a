package parser

import "testing"

// Every byte at every place, between neighbours that provoke borrows and
// carries: the lowest mark is the first byte that is meant.
func TestMasks(t *testing.T) {
	isText := func(c byte) bool { return stopsText(c) }
	notLower := func(c byte) bool { return c < 'a' || c > 'z' }
	for _, m := range []struct {
		name string
		mask func(uint64) uint64
		want func(byte) bool
	}{
		{"text", textMask, isText},
		{"name", nameMask, notLower},
		{"single quotes", func(x uint64) uint64 { return valueMask(x, quoteBits('\'')) }, func(c byte) bool { return stopsValue(c, '\'') }},
		{"double quotes", func(x uint64) uint64 { return valueMask(x, quoteBits('"')) }, func(c byte) bool { return stopsValue(c, '"') }},
	} {
		for _, fill := range []byte{'a', 'z', 0x80, 0xFF, 0x00, '<', '&', 0x7F, ' '} {
			for at := range 8 {
				for c := range 256 {
					var b [8]byte
					for i := range b {
						b[i] = fill
					}
					b[at] = byte(c)
					want := 8
					for i := len(b) - 1; i >= 0; i-- {
						if m.want(b[i]) {
							want = i
						}
					}
					if got := firstMark(m.mask(load64(b[:], 0))); got != want {
						t.Fatalf("%s: % x: first mark %d, want %d", m.name, b, got, want)
					}
				}
			}
		}
	}
}
