package session

import "math"

// With stream management there is an <a/> for each message or few, and many clients send
// an <r/> behind each, too. As nearly all clients write them, they are read here; all
// else is the scanner's: other spellings, and what is not there as a whole yet.

// plainManaged takes such an element at the beginning of in, and returns its size; 0:
// there is none.
func (s *Session) plainManaged(in []byte, out *Out) (n int) {
	if s.managed == nil || s.state != stateBound {
		return 0
	}
	if h, n := plainAck(in); n > 0 && s.stream.Skip(n) {
		s.handledBy(h, out)
		return n
	}
	if n := plainRequest(in); n > 0 && s.stream.Skip(n) {
		s.askedFor(out)
		return n
	}
	return 0
}

// plainRequest is the size of an <r/> with xmlns in either quotes.
func plainRequest(in []byte) (n int) {
	const start = "<r xmlns="
	if len(in) < len(start) || string(in[:len(start)]) != start {
		return 0
	}
	at, ok := quoted(in, len(start), NSManage)
	if !ok {
		return 0
	}
	return closed(in, at)
}

// plainAck is the h and the size of an <a/> with xmlns and then h, in either quotes.
func plainAck(in []byte) (h uint32, n int) {
	const start, middle = "<a xmlns=", " h="
	if len(in) < len(start) || string(in[:len(start)]) != start {
		return 0, 0
	}
	at, ok := quoted(in, len(start), NSManage)
	if !ok || len(in)-at < len(middle)+1 || string(in[at:at+len(middle)]) != middle {
		return 0, 0
	}
	at += len(middle)
	quote := in[at]
	if quote != '\'' && quote != '"' {
		return 0, 0
	}
	at++
	number, digits := uint64(0), at
	for ; at < len(in) && at-digits < 10 && in[at]-'0' <= 9; at++ {
		number = 10*number + uint64(in[at]-'0')
	}
	if at == digits || number > math.MaxUint32 || at == len(in) || in[at] != quote {
		return 0, 0
	}
	return uint32(number), closed(in, at+1)
}

// closed is the index behind the end of an empty element's tag; 0: it does not end at at.
func closed(in []byte, at int) (end int) {
	if at < len(in) && in[at] == ' ' {
		at++
	}
	if len(in)-at < 2 || in[at] != '/' || in[at+1] != '>' {
		return 0
	}
	return at + 2
}

// quoted tells whether value stands in quotes at an index of in, and where it ends.
func quoted(in []byte, at int, value string) (end int, ok bool) {
	end = at + 1 + len(value) + 1
	if len(in) < end || in[at] != '\'' && in[at] != '"' || in[end-1] != in[at] {
		return 0, false
	}
	return end, string(in[at+1:end-1]) == value
}
