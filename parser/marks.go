package parser

import "math"

const (
	block  = 64        // bytes for which a bitmap has one word
	window = 6 * block // bytes that are classified at once, at most; most messages are shorter
	ahead  = 64        // at a token with less of the window ahead of it, the next window begins
)

// bitmap has one bit for each byte of a window, in their order. The word behind
// the last one may hold anything.
type bitmap [window/8 + 8]byte

// at returns the bits from index j on, of which the first 57 count.
func (m *bitmap) at(j uint) uint64 { return load64(m[:], int(j>>3)) >> (j & 7) }

// marks tells for each byte of a part of the input, the window, to which sets it
// belongs. Where a token ends is then one load, one shift and one count of zeros,
// while a loop over its bytes ends at another count each time, which
// no branch predictor foresees. Vector instructions find the sets of 64 bytes in
// some ten cycles; where there are none, this does not pay (in Go it took
// ten times that), and there is no window.
type marks struct {
	text  bitmap // what text needs a look at: '<', '&', ']', controls, white space among them, bytes beyond ASCII
	value bitmap // the same in an attribute value: '<', '&', quotes, controls, bytes beyond ASCII
	name  bitmap // no lower-case ASCII letter and no '-'

	base, end int // the window is b[base:end]
	renew     int // index from which a new window is needed
}

// reset forgets the window. If the processor can make another one, if it is
// wanted, and if it pays, there will be one at i, where the scan of b goes on.
func (m *marks) reset(b []byte, i int, wanted bool) {
	m.base, m.end, m.renew = i, i, math.MaxInt
	if canClassify && wanted && len(b)-i >= block {
		m.renew = i
	}
}

// covers reports whether the byte at i is in the window or will be in the next one. If
// not, there is nothing to look up: it saves the way to the plain functions.
func (m *marks) covers(i int) bool { return canClassify && (i < m.end || i >= m.renew) }

// index makes the window begin at b[i].
func (m *marks) index(b []byte, i int) {
	rest := b[i:min(len(b), i+window)]
	m.base, m.end, m.renew = i, i+len(rest), math.MaxInt
	if m.end < len(b) {
		m.renew = m.end - ahead
	}
	whole := len(rest) / block
	if whole > 0 {
		classify(m, 0, &rest[0], whole)
	}
	if at := whole * block; at < len(rest) {
		var last [block]byte
		copy(last[:], rest[at:])
		classify(m, whole, &last[0], 1)
	}
}
