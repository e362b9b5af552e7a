package parser

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time: one load, then a mask whose lowest set bit marks the
// first byte of interest. Runs between two '<' are short (46 bytes on average
// in the corpus), which is why this beats vector instructions and
// bytes.IndexByte here.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load64 reads b[i:i+8], which must exist, with b[i] in the low bits.
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// textMask marks bytes at which a text run needs a look: '<', '&', ']' and
// everything below the space. Bytes above the lowest mark may be marked wrongly
// (the subtractions borrow), those below it never.
func textMask(x uint64) uint64 {
	lt, amp, sq := x^(ones*'<'), x^(ones*'&'), x^(ones*']')
	return ((x-ones*' ')&^x | (lt-ones)&^lt | (amp-ones)&^amp | (sq-ones)&^sq) & highs
}

// valueMask is textMask for an attribute value: '<', '&', the quote (given in
// all eight bytes) and everything below the space.
func valueMask(x, quotes uint64) uint64 {
	lt, amp, qu := x^(ones*'<'), x^(ones*'&'), x^quotes
	return ((x-ones*' ')&^x | (lt-ones)&^lt | (amp-ones)&^amp | (qu-ones)&^qu) & highs
}

// nameMask marks bytes that are no lower-case ASCII letters. Bytes above the
// lowest mark may be marked wrongly or not at all (the additions carry).
func nameMask(x uint64) uint64 {
	return (^(x + ones*(0x80-'a')) | (x + ones*(0x80-'z'-1)) | x) & highs
}

// firstMark returns the index of the byte that the lowest bit of a mask is in.
func firstMark(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }
