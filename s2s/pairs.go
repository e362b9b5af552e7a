package s2s

import "strings"

// pairs is a set of pairs in the order in which they were added. Most have one,
// so a few are looked through. The zero value is empty.
type pairs struct {
	list  []Pair
	index map[Pair]uint32 // of list; nil while that is short
}

// fewPairs are found faster without a map.
const fewPairs = 8

func (s *pairs) len() int { return len(s.list) }

// find returns the index of p, -1 if it is not there. p may be borrowed.
func (s *pairs) find(p Pair) int {
	if s.index != nil {
		if i, ok := s.index[p]; ok {
			return int(i)
		}
		return -1
	}
	for i := range s.list {
		if s.list[i] == p {
			return i
		}
	}
	return -1
}

func (s *pairs) has(p Pair) bool { return s.find(p) >= 0 }

// add adds a copy of p; false if it was there.
func (s *pairs) add(p Pair) bool {
	if s.has(p) {
		return false
	}
	p = p.clone()
	s.list = append(s.list, p)
	switch {
	case s.index != nil:
		s.index[p] = uint32(len(s.list) - 1)
	case len(s.list) > fewPairs:
		s.index = make(map[Pair]uint32)
		for i, p := range s.list {
			s.index[p] = uint32(i)
		}
	}
	return true
}

// remotes tells whether there is a pair with this remote domain.
func (s *pairs) remotes(domain string) bool {
	for i := range s.list {
		if s.list[i].Remote == domain {
			return true
		}
	}
	return false
}

// clone is a copy that borrows nothing.
func (p Pair) clone() Pair {
	return Pair{Local: strings.Clone(p.Local), Remote: strings.Clone(p.Remote)}
}
