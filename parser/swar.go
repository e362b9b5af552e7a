package parser

import "math/bits"

// Eight bytes at a time: one load, then a mask whose lowest set bit marks the
// first byte of interest. Runs between two '<' are short (46 bytes on average
// in the corpus), which is why this beats bytes.IndexByte. It is what is
// left to do where nothing is plain (plain.go).
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// textMask marks bytes at which a text run needs a look: '<', '&', ']' and
// everything below the space. Bytes above the lowest mark may be marked wrongly
// (the subtractions borrow), those below it never. A byte beyond ASCII is never
// the lowest mark: its own high bit takes the mark away.
func textMask(x uint64) uint64 {
	return ((x - ones*' ') | ((x ^ ones*'<') - ones) | ((x ^ ones*'&') - ones) | ((x ^ ones*']') - ones)) &^ x & highs
}

// valueMask is textMask for an attribute value: '<', '&', the quote and
// everything below the space. Either quote differs from '&' in a single bit, so
// one comparison finds both; quoteBit is that bit in all eight bytes.
func valueMask(x, quoteBit uint64) uint64 {
	both := (x | quoteBit) ^ (ones*'&' | quoteBit)
	return ((x - ones*' ') | ((x ^ ones*'<') - ones) | (both - ones)) &^ x & highs
}

// quoteBits returns valueMask's second argument.
func quoteBits(quote byte) uint64 { return uint64(quote^'&') * ones }

// nameMask marks bytes that are no lower-case ASCII letters. Bytes above the
// lowest mark may be marked wrongly or not at all (the additions carry).
func nameMask(x uint64) uint64 {
	return (^(x + ones*(0x80-'a')) | (x + ones*(0x80-'z'-1)) | x) & highs
}

// same reports whether the n bytes of b at x and at y are equal.
func same(b []byte, x, y, n uint32) bool {
	if n <= 8 && int(max(x, y)) <= len(b)-8 {
		return (load64(b, int(x))^load64(b, int(y)))<<(64-8*n) == 0
	}
	return string(b[x:x+n]) == string(b[y:y+n])
}

// firstMark returns the index of the byte that the lowest bit of a mask is in.
func firstMark(mask uint64) int { return bits.TrailingZeros64(mask) >> 3 }
