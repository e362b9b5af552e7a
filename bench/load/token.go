package load

import (
	"bytes"
	"strconv"
)

// A token marks a stanza, as "run.flow.number.due" in its id or its text.
type token struct {
	flow   int    // index of the sending account
	number uint64 // 0, 1, 2, … in the flow
	due    int64  // when it was to be sent, ns since the epoch
}

func (t token) append(dst []byte, run string) []byte {
	dst = append(dst, run...)
	dst = strconv.AppendInt(append(dst, '.'), int64(t.flow), 10)
	dst = strconv.AppendUint(append(dst, '.'), t.number, 10)
	return strconv.AppendInt(append(dst, '.'), t.due, 10)
}

// parseToken reads a token of this run. stray tells that it is one of another.
func parseToken(b []byte, run string) (t token, ok, stray bool) {
	head, rest, found := bytes.Cut(b, dot)
	if !found {
		return t, false, false
	}
	var n [3]uint64
	for i := range n {
		var field []byte
		if field, rest, _ = bytes.Cut(rest, dot); len(field) == 0 || len(field) > 19 {
			return t, false, false
		}
		for _, c := range field {
			if c < '0' || c > '9' {
				return t, false, false
			}
			n[i] = n[i]*10 + uint64(c-'0')
		}
	}
	return token{flow: int(n[0]), number: n[1], due: int64(n[2])}, string(head) == run, string(head) != run
}

var dot = []byte{'.'}

// flow checks the numbers of one sender's stanzas at one receiver. The zero
// value expects number 0.
type flow struct {
	next       uint64              // the lowest that is neither received nor known to be missing
	missing    map[uint64]struct{} // below next
	duplicated int64
	reordered  int64
}

// take notes that number n arrived and reports whether it is new.
func (f *flow) take(n uint64) bool {
	if n == f.next {
		f.next++
		return true
	}
	if n > f.next {
		if f.missing == nil {
			f.missing = map[uint64]struct{}{}
		}
		// A jump beyond any window is a token that nobody sent; its gap is
		// counted but not listed, so that it cannot take all memory.
		for ; f.next < n && len(f.missing) < 1<<20; f.next++ {
			f.missing[f.next] = struct{}{}
		}
		f.next = n + 1
		return true
	}
	if _, late := f.missing[n]; late {
		delete(f.missing, n)
		f.reordered++
		return true
	}
	f.duplicated++
	return false
}

// lost is how many of the first sent numbers did not arrive.
func (f *flow) lost(sent uint64) int64 {
	lost := int64(len(f.missing))
	if sent > f.next {
		lost += int64(sent - f.next)
	}
	return lost
}
