package compress

// Numbers of RFC 1951 §3.2.5 to §3.2.7.
const (
	mostBits     = 15  // of a code
	literals     = 286 // literals, end of block, lengths
	fixedCodes   = 288
	distances    = 30
	lengthCodes  = 19 // of the code for code lengths
	endOfBlock   = 256
	firstLength  = 257
	windowBytes  = 32 << 10
	leastWindow  = 512
	repeatBefore = 16
	repeatZero3  = 17
	repeatZero11 = 18
)

// huffman is a canonical code, RFC 1951 §3.2.2: how many codes of each length
// there are, and the symbols in their order.
type huffman struct {
	counts  [mostBits + 1]uint16
	symbols [fixedCodes]uint16
}

// build makes the code of the given lengths; false when no code has them. An
// incomplete code is allowed where it has one symbol at most, as §3.2.7 says of
// distances.
func (h *huffman) build(lengths []uint8) bool {
	h.counts = [mostBits + 1]uint16{}
	for _, n := range lengths {
		h.counts[n]++
	}
	left := 1
	for n := 1; n <= mostBits; n++ {
		left = left<<1 - int(h.counts[n])
		if left < 0 {
			return false // more codes than there are
		}
	}
	if used := len(lengths) - int(h.counts[0]); left > 0 && used > 1 {
		return false
	}
	var next [mostBits + 1]uint16
	for n := 1; n < mostBits; n++ {
		next[n+1] = next[n] + h.counts[n]
	}
	for symbol, n := range lengths {
		if n > 0 {
			h.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	h.counts[0] = 0
	return true
}

// Outcomes of decode beside the number of bits.
const (
	needMore = 0
	invalid  = -1
)

// decode reads a symbol from the lowest have bits of b. It returns how many bits
// that took, needMore or invalid.
func (h *huffman) decode(b uint64, have int) (symbol, taken int) {
	code, first, index := 0, 0, 0
	for n := 1; n <= mostBits; n++ {
		if n > have {
			return 0, needMore
		}
		code |= int(b & 1)
		b >>= 1
		count := int(h.counts[n])
		if code-count < first {
			return int(h.symbols[index+code-first]), n
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, invalid
}

// length is the base and the number of extra bits of a length code, RFC 1951
// §3.2.5; symbol counts from firstLength.
func length(symbol int) (base, extra int, ok bool) {
	switch {
	case symbol < 8:
		return 3 + symbol, 0, true
	case symbol < 28:
		extra = symbol/4 - 1
		return 3 + (4+symbol%4)<<extra, extra, true
	case symbol == 28:
		return 258, 0, true
	}
	return 0, 0, false
}

// distance is the same of a distance code.
func distance(symbol int) (base, extra int, ok bool) {
	switch {
	case symbol < 4:
		return 1 + symbol, 0, true
	case symbol < distances:
		extra = symbol/2 - 1
		return 1 + (2+symbol%2)<<extra, extra, true
	}
	return 0, 0, false
}
