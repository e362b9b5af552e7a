package session

import "math"

// plainAck reads an <a/> at the beginning of in as nearly all clients write it: xmlns,
// then h, in either quotes. With Config.DurableAck there is one for each message or two,
// and to read it so takes a tenth of what the scanner takes. n is its size, and 0 for
// all else, which the scanner reads: other spellings, what is no <a/>, or is not there as
// a whole yet.
func (s *Session) plainAck(in []byte) (h uint32, n int) {
	const start, middle = "<a xmlns=", " h="
	if s.managed == nil || s.state != stateBound || len(in) < len(start) || string(in[:len(start)]) != start {
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
	if at++; at < len(in) && in[at] == ' ' {
		at++
	}
	if len(in)-at < 2 || in[at] != '/' || in[at+1] != '>' || !s.stream.Skip(at+2) {
		return 0, 0
	}
	return uint32(number), at + 2
}

// quoted tells whether value stands in quotes at an index of in, and where it ends.
func quoted(in []byte, at int, value string) (end int, ok bool) {
	end = at + 1 + len(value) + 1
	if len(in) < end || in[at] != '\'' && in[at] != '"' || in[end-1] != in[at] {
		return 0, false
	}
	return end, string(in[at+1:end-1]) == value
}
