package routing

import (
	"slices"
	"strings"
	"unsafe"
)

// account is the sessions of one localpart. It is immutable: changes make
// another one.
type account struct {
	local   string
	entries []Entry // never empty
}

// Most accounts have one session. Such an account is one object, with the entry
// and the bytes of both names inside: a lookup among a million waits for the
// memory of the slot and of this, and of nothing else.
type (
	small struct {
		account
		entry [1]Entry
		names [24]byte
	}
	medium struct {
		account
		entry [1]Entry
		names [40]byte
	}
	large struct {
		account
		entry [1]Entry
		names [88]byte
	}
)

// newAccount makes an account of one session, and copies the names.
func newAccount(local string, e Entry) *account {
	switch n := len(local) + len(e.Resource); {
	case n <= len(small{}.names):
		s := new(small)
		return s.fill(&s.entry, s.names[:], local, e)
	case n <= len(medium{}.names):
		s := new(medium)
		return s.fill(&s.entry, s.names[:], local, e)
	case n <= len(large{}.names):
		s := new(large)
		return s.fill(&s.entry, s.names[:], local, e)
	default:
		s := &struct {
			account
			entry [1]Entry
		}{}
		return s.fill(&s.entry, make([]byte, n), local, e)
	}
}

// fill makes an account of a new object, whose names are written here and
// never again; so strings of them are safe, and keep the object alive.
func (a *account) fill(entry *[1]Entry, names []byte, local string, e Entry) *account {
	n := copy(names, local)
	n += copy(names[n:], e.Resource)
	s := unsafe.String(unsafe.SliceData(names), n)
	e.Resource = s[len(local):]
	entry[0] = e
	a.local, a.entries = s[:len(local)], entry[:]
	return a
}

// find is the index of a resource, -1 if it is not there.
func (a *account) find(resource string) int {
	if a != nil {
		return find(a.entries, resource)
	}
	return -1
}

// find looks at each entry: accounts have one to three.
func find(entries []Entry, resource string) int {
	for i := range entries {
		if entries[i].Resource == resource {
			return i
		}
	}
	return -1
}

// with has one entry more, whose name is copied.
func (a *account) with(e Entry) *account {
	e.Resource = strings.Clone(e.Resource)
	return &account{a.local, append(a.entries[:len(a.entries):len(a.entries)], e)}
}

// replace has another entry of the same resource at i.
func (a *account) replace(i int, e Entry) *account {
	e.Resource = a.entries[i].Resource
	if len(a.entries) == 1 {
		return newAccount(a.local, e)
	}
	entries := slices.Clone(a.entries)
	entries[i] = e
	return &account{a.local, entries}
}

// without has no entry at i; it is nil when that was the last.
func (a *account) without(i int) *account {
	switch len(a.entries) {
	case 1:
		return nil
	case 2:
		return newAccount(a.local, a.entries[1-i])
	}
	entries := make([]Entry, 0, len(a.entries)-1)
	return &account{a.local, append(append(entries, a.entries[:i]...), a.entries[i+1:]...)}
}
