package routing

import (
	"slices"
	"unsafe"

	"github.com/xylem-im/xylem/jid"
)

// account is the sessions of one localpart. It is immutable: changes make
// another one, which owns all its bytes.
//
// Most accounts have one session. Such an account is one object, with the entry
// and the bytes of both names inside, and 64 bytes if the names are short: a
// lookup among a million waits for the memory of the slot and of this, and of
// nothing else. One with two sessions is one object, too, of 176 bytes: where
// its entries are does not have to be read, so all of it is fetched at once. With
// more sessions, or long names, a lookup waits for their list besides.
//
// Longer names take the same form with more room behind; so nobody may copy an
// account or take its size.
type account struct {
	one      Entry    // the only session, unless list is set
	list     *[]Entry // the sessions if there are several; nil in an accountPair
	localLen uint16   // and isPair
	names    [22]byte // localpart and, of the only session, resource; on beyond the array
}

// The sizes of an account fill size classes of the allocator: 64, 80, 96, 128,
// 384 bytes, and one for the longest names.
type (
	accountM struct {
		account
		more [16]byte
	}
	accountL struct {
		account
		more [32]byte
	}
	accountXL struct {
		account
		more [64]byte
	}
	accountXXL struct {
		account
		more [320]byte
	}
	accountMax struct {
		account
		more [2 * jid.MaxPart]byte
	}
)

// accountPair is an account of two sessions. The localpart is in account.names.
type accountPair struct {
	account
	entries   [2]Entry
	resources [48]byte
}

// isPair in account.localLen: the account is that of an accountPair.
const isPair = 1 << 15

// newAccount makes an account of one or more sessions, and copies all names.
// They are prepared parts, so none is longer than [jid.MaxPart].
func newAccount(local string, entries []Entry) *account {
	if len(entries) == 2 && len(local) <= len(account{}.names) &&
		len(entries[0].Resource)+len(entries[1].Resource) <= len(accountPair{}.resources) {
		return newPair(local, entries)
	}
	inside := len(local)
	if len(entries) == 1 {
		inside += len(entries[0].Resource)
	}
	a := allocate(inside)
	names := unsafe.Slice(&a.names[0], inside)
	a.localLen = uint16(copy(names, local))
	if len(entries) == 1 {
		a.one = entries[0]
		a.one.Resource = place(names[len(local):], a.one.Resource)
		return a
	}
	a.list = newList(entries)
	return a
}

func newPair(local string, entries []Entry) *account {
	p := new(accountPair)
	p.localLen = uint16(copy(p.names[:], local)) | isPair
	names := p.resources[:]
	for i := range p.entries {
		p.entries[i] = entries[i]
		p.entries[i].Resource = place(names, entries[i].Resource)
		names = names[len(entries[i].Resource):]
	}
	return &p.account
}

// allocate makes an account with room for so many bytes of names.
func allocate(names int) *account {
	switch more := names - len(account{}.names); {
	case more <= 0:
		return new(account)
	case more <= len(accountM{}.more):
		return &new(accountM).account
	case more <= len(accountL{}.more):
		return &new(accountL).account
	case more <= len(accountXL{}.more):
		return &new(accountXL).account
	case more <= len(accountXXL{}.more):
		return &new(accountXXL).account
	case more <= len(accountMax{}.more):
		return &new(accountMax).account
	}
	panic("routing: names longer than prepared ones")
}

// newList copies entries and their names.
func newList(entries []Entry) *[]Entry {
	total := 0
	for i := range entries {
		total += len(entries[i].Resource)
	}
	list, names := slices.Clone(entries), make([]byte, total)
	for i := range list {
		e := &list[i]
		e.Resource = place(names, e.Resource)
		names = names[len(e.Resource):]
	}
	return &list
}

// place copies s to dst and is the string of what is there. It is written here
// and never again, so the string is safe; and it keeps the object alive.
func place(dst []byte, s string) string {
	n := copy(dst, s)
	return unsafe.String(unsafe.SliceData(dst), n)
}

// local is the localpart.
func (a *account) local() string { return unsafe.String(&a.names[0], int(a.localLen&^isPair)) }

// entries are the sessions, at least one.
func (a *account) entries() []Entry {
	switch {
	case a.localLen&isPair != 0:
		return (*accountPair)(unsafe.Pointer(a)).entries[:] // made as one by newPair
	case a.list != nil:
		return *a.list
	}
	return unsafe.Slice(&a.one, 1)
}

// find is the index of a resource, -1 if it is not there.
func (a *account) find(resource string) int {
	if a == nil {
		return -1
	}
	return find(a.entries(), resource)
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

// usual is how many entries change without a buffer on the heap.
const usual = 4

// with has one entry more.
func (a *account) with(e Entry) *account {
	var buf [usual]Entry
	return newAccount(a.local(), append(append(buf[:0], a.entries()...), e))
}

// replace has another entry of the same resource at i.
func (a *account) replace(i int, e Entry) *account {
	var buf [usual]Entry
	entries := append(buf[:0], a.entries()...)
	e.Resource = entries[i].Resource
	entries[i] = e
	return newAccount(a.local(), entries)
}

// without has no entry at i; it is nil when that was the last.
func (a *account) without(i int) *account {
	entries := a.entries()
	if len(entries) == 1 {
		return nil
	}
	var buf [usual]Entry
	return newAccount(a.local(), append(append(buf[:0], entries[:i]...), entries[i+1:]...))
}
