package blocking

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/xylem-im/xylem/jid"
)

// list is a block list: canonical addresses, sorted, each once. It is not
// changed once made.
type list []string

// has tells whether an entry of the list is s.
func (l list) has(s string) bool {
	_, ok := slices.BinarySearch(l, s)
	return ok
}

// matches is XEP-0191 §5.
func (l list) matches(j jid.JID) bool {
	if len(l) == 0 {
		return false
	}
	return l.has(j.String()) || l.has(j.Bare().String()) || l.has(j.Domain()) ||
		j.IsFull() && l.has(j.Domain()+"/"+j.Resource())
}

// with is the list and those of items that were not in it, sorted.
func (l list) with(items []string) (merged, added list) {
	for _, s := range items {
		if !l.has(s) {
			added = append(added, s)
		}
	}
	slices.Sort(added)
	added = slices.Compact(added)
	merged = slices.Concat(l, added)
	slices.Sort(merged)
	return merged, added
}

// without is the list without items, and those that were in it. Items are
// looked up in order: a request may name ten thousand, in any order.
func (l list) without(items []string) (rest, removed list) {
	sorted := list(slices.Sorted(slices.Values(items)))
	for _, s := range l {
		if sorted.has(s) {
			removed = append(removed, s)
		} else {
			rest = append(rest, s)
		}
	}
	return rest, removed
}

// listVersion is the first byte of a stored list. Behind it stands each
// address with its length.
const listVersion = 1

// maxBytes bounds a stored list; it is below storage.MaxValueBytes.
const maxBytes = 256 << 10

// errList: what is stored was not written by this version.
var errList = errors.New("blocking: list of an unknown form")

func (l list) encode() []byte {
	b := []byte{listVersion}
	for _, s := range l {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

func decodeList(b []byte) (l list, err error) {
	if len(b) == 0 || b[0] != listVersion {
		return nil, errList
	}
	for b = b[1:]; len(b) > 0; {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errList
		}
		b = b[n:]
		l = append(l, string(b[:size]))
		b = b[size:]
	}
	if !slices.IsSorted(l) {
		return nil, errList
	}
	return l, nil
}
