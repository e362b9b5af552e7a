package compress

import "errors"

// Errors of Inflate. After one of them an Inflater is of no more use.
var (
	// ErrFormat: the input is no zlib stream, or one that has ended.
	ErrFormat = errors.New("compress: not a zlib stream")
	// ErrBomb: the input unpacks to more than a Bound allows.
	ErrBomb = errors.New("compress: too much comes of too little")
)

// Bound is what may come of a stream: Free bytes, and Ratio more for each byte
// that came in. Text that people write compresses to a third, XML to a tenth;
// nothing but a bomb to a hundredth (deflate's most is 1:1,032).
type Bound struct{ Free, Ratio int64 }

// Inflater decompresses one stream, piece by piece. The zero value is ready; it
// holds no memory until it has input. Not safe for concurrent use.
type Inflater struct {
	Bound Bound // zero: none

	in, out int64  // bytes so far
	bits    uint64 // read from the input and not used, lowest first
	have    int    // how many
	state   state
	final   bool // the last block

	window []byte // the last bytes that came out, a ring when it is full
	at     int    // where the next one goes

	length, dist int // stateMatch: what is left to copy, and from how far back; stateStored: length
	block        *block
}

// block is what is only needed inside a block with codes of its own.
type block struct {
	literal, distance huffman

	lengths        [literals + distances + 2]uint8
	literals, dist int // how many of each there are
	ordered, count int // code lengths read so far: of the code for lengths, and by it
	order          [lengthCodes]uint8
}

// state is where in the format the stream stands.
type state uint8

const (
	stateMethod state = iota // RFC 1950: CMF
	stateFlags               // FLG
	stateBlock               // RFC 1951 §3.2.3
	stateLen                 // a stored block's length
	stateStored
	stateSizes   // a block's numbers of codes
	stateOrder   // the code lengths of the code for code lengths
	stateLengths // the code lengths
	stateSymbol
	stateMatch
	stateEnd
)

// Inflate appends to dst what can be decoded of p, most bytes of it at a time
// at most (counted from the length that dst has). It returns dst and how many
// bytes of p it has taken: all, unless most was reached; then it is to be called
// again, also when p is used up, until it appends less.
func (z *Inflater) Inflate(dst, p []byte, most int) (out []byte, taken int, err error) {
	limit := len(dst) + most
	for {
		for z.have <= 56 && taken < len(p) {
			z.bits |= uint64(p[taken]) << z.have
			z.have += 8
			taken++
			z.in++
		}
		before := len(dst)
		var more bool
		if dst, more, err = z.step(dst, limit); err != nil {
			return dst, taken, err
		}
		if z.out += int64(len(dst) - before); z.Bound.Ratio > 0 && z.out > z.Bound.Free+z.Bound.Ratio*z.in {
			return dst, taken, ErrBomb
		}
		if len(dst) >= limit || !more && taken == len(p) {
			return dst, taken, nil
		}
	}
}

// step decodes the next item; more is false when the bits do not suffice. It
// takes nothing then.
func (z *Inflater) step(dst []byte, limit int) (out []byte, more bool, err error) {
	switch z.state {
	case stateMethod, stateFlags:
		return z.header(dst)
	case stateBlock:
		return z.begin(dst)
	case stateLen:
		return z.storedLength(dst)
	case stateStored:
		return z.stored(dst, limit)
	case stateSizes, stateOrder, stateLengths:
		more, err = z.codes()
		return dst, more, err
	case stateSymbol:
		return z.symbol(dst, limit)
	case stateMatch:
		return z.match(dst, limit), true, nil
	}
	if z.have > 0 { // the checksum, and what does not belong there
		return dst, false, ErrFormat
	}
	return dst, false, nil
}

// take uses n bits.
func (z *Inflater) take(n int) uint64 {
	b := z.bits & (1<<n - 1)
	z.bits >>= n
	z.have -= n
	return b
}

// header checks the two bytes of RFC 1950 §2.2.
func (z *Inflater) header(dst []byte) ([]byte, bool, error) {
	if z.have < 16 {
		return dst, false, nil
	}
	method, flags := z.take(8), z.take(8)
	if method&15 != 8 || method>>4 > 7 || (method<<8|flags)%31 != 0 || flags&32 != 0 {
		return dst, false, ErrFormat
	}
	z.state = stateBlock
	return dst, true, nil
}

// begin reads the header of a block.
func (z *Inflater) begin(dst []byte) ([]byte, bool, error) {
	z.block = nil
	if z.final {
		z.state = stateEnd
		return dst, true, nil
	}
	if z.have < 3 {
		return dst, false, nil
	}
	z.final = z.take(1) == 1
	switch z.take(2) {
	case 0:
		z.take(z.have % 8) // the rest of the byte
		z.state = stateLen
	case 1:
		z.state = stateSymbol
	case 2:
		z.block, z.state = &block{}, stateSizes
	default:
		return dst, false, ErrFormat
	}
	return dst, true, nil
}

// storedLength reads the length of a stored block, RFC 1951 §3.2.4.
func (z *Inflater) storedLength(dst []byte) ([]byte, bool, error) {
	if z.have < 32 {
		return dst, false, nil
	}
	n, complement := z.take(16), z.take(16)
	if n != complement^0xffff {
		return dst, false, ErrFormat
	}
	z.length, z.state = int(n), stateStored
	return dst, true, nil
}

func (z *Inflater) stored(dst []byte, limit int) ([]byte, bool, error) {
	for z.length > 0 && z.have >= 8 && len(dst) < limit {
		dst = z.put(dst, byte(z.take(8)))
		z.length--
	}
	if z.length > 0 {
		return dst, z.have >= 8, nil
	}
	z.state = stateBlock
	return dst, true, nil
}

// symbol decodes literals and the begin of matches while the bits suffice.
func (z *Inflater) symbol(dst []byte, limit int) ([]byte, bool, error) {
	literal, far := &fixedLiteral, &fixedDistance
	if z.block != nil {
		literal, far = &z.block.literal, &z.block.distance
	}
	for len(dst) < limit {
		s, n := literal.decode(z.bits, z.have)
		switch {
		case n == needMore:
			return dst, false, nil
		case n == invalid:
			return dst, false, ErrFormat
		case s < endOfBlock:
			z.take(n)
			dst = z.put(dst, byte(s))
			continue
		case s == endOfBlock:
			z.take(n)
			z.state = stateBlock
			return dst, true, nil
		}
		more, err := z.beginMatch(far, s-firstLength, n)
		return dst, more, err
	}
	return dst, true, nil
}

// beginMatch decodes a length and a distance, which take n bits and at most 33
// more: all of them or none.
func (z *Inflater) beginMatch(far *huffman, symbol, n int) (more bool, err error) {
	base, extra, ok := length(symbol)
	if !ok {
		return false, ErrFormat
	}
	b, have := z.bits>>n, z.have-n
	size := base + int(b&(1<<extra-1))
	b, have, n = b>>extra, have-extra, n+extra
	s, m := far.decode(b, have)
	switch {
	case have < 0 || m == needMore:
		return false, nil
	case m == invalid:
		return false, ErrFormat
	}
	base, extra, ok = distance(s)
	if !ok {
		return false, ErrFormat
	}
	b, have, n = b>>m, have-m, n+m
	if have < extra {
		return false, nil
	}
	back := base + int(b&(1<<extra-1))
	if back > len(z.window) {
		return false, ErrFormat
	}
	z.take(n + extra)
	z.length, z.dist, z.state = size, back, stateMatch
	return true, nil
}

// match repeats what came out before.
func (z *Inflater) match(dst []byte, limit int) []byte {
	for z.length > 0 && len(dst) < limit {
		i := z.at - z.dist
		if i < 0 {
			i += len(z.window)
		}
		dst = z.put(dst, z.window[i])
		z.length--
	}
	if z.length == 0 {
		z.state = stateSymbol
	}
	return dst
}

// put gives a byte out and remembers it. The window grows with what there is
// to remember.
func (z *Inflater) put(dst []byte, b byte) []byte {
	if n := len(z.window); n < windowBytes {
		if n == cap(z.window) {
			z.window = append(make([]byte, 0, min(max(2*n, leastWindow), windowBytes)), z.window...)
		}
		z.window = append(z.window, b)
		z.at = len(z.window) % windowBytes
	} else {
		z.window[z.at] = b
		z.at = (z.at + 1) % windowBytes
	}
	return append(dst, b)
}
