package compress

// The codes of blocks of type 1, RFC 1951 §3.2.6. Never written.
var fixedLiteral, fixedDistance = fixed()

func fixed() (literal, far huffman) {
	var lengths [fixedCodes]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	literal.build(lengths[:])
	for i := range 32 { // two of them stand for nothing, see distance
		lengths[i] = 5
	}
	far.build(lengths[:32])
	return literal, far
}

// codes reads the next part of a block's own codes, RFC 1951 §3.2.7.
func (z *Inflater) codes() (more bool, err error) {
	b := z.block
	switch z.state {
	case stateSizes:
		if z.have < 14 {
			return false, nil
		}
		b.literals, b.dist, b.ordered = int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
		if b.literals > literals || b.dist > distances {
			return false, ErrFormat
		}
		z.state = stateOrder
	case stateOrder:
		if b.count < b.ordered {
			if z.have < 3 {
				return false, nil
			}
			b.order[order[b.count]] = uint8(z.take(3))
			b.count++
			return true, nil
		}
		if !b.distance.build(b.order[:]) { // it serves for the code of lengths first
			return false, ErrFormat
		}
		b.count, z.state = 0, stateLengths
	default:
		return z.codeLength()
	}
	return true, nil
}

// order is that of the code lengths of the code for code lengths.
var order = [lengthCodes]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} // never written

// codeLength reads one length, or a run of equal ones, and makes the codes
// when all are there.
func (z *Inflater) codeLength() (more bool, err error) {
	b := z.block
	all := b.literals + b.dist
	if b.count == all {
		if b.lengths[endOfBlock] == 0 || !b.literal.build(b.lengths[:b.literals]) || !b.distance.build(b.lengths[b.literals:all]) {
			return false, ErrFormat
		}
		z.state = stateSymbol
		return true, nil
	}
	s, n := b.distance.decode(z.bits, z.have)
	switch {
	case n == needMore:
		return false, nil
	case n == invalid:
		return false, ErrFormat
	case s < repeatBefore:
		z.take(n)
		b.lengths[b.count] = uint8(s)
		b.count++
		return true, nil
	}
	value, least, extra := uint8(0), 3, 3
	switch s {
	case repeatBefore:
		if b.count == 0 {
			return false, ErrFormat
		}
		value, extra = b.lengths[b.count-1], 2
	case repeatZero11:
		least, extra = 11, 7
	}
	if z.have < n+extra {
		return false, nil
	}
	z.take(n)
	times := least + int(z.take(extra))
	if b.count+times > all {
		return false, ErrFormat
	}
	for range times {
		b.lengths[b.count] = value
		b.count++
	}
	return true, nil
}
