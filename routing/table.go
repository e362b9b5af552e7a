package routing

import (
	"sort"
	"strings"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"
)

// Table is the set of domains that this server serves. Domains come and go at
// run time; an empty one costs 150 bytes and no thread, one with a session 400.
// All methods are safe for concurrent use, and [Table.Domain] takes no lock.
type Table struct {
	domains *xsync.Map[string, *Domain]
	first   atomic.Pointer[Domain] // one of them: most servers have one, which is found without a hash
	_       [64]byte               // each change writes to what follows
	changes atomic.Uint64
}

// NewTable makes a table without domains.
func NewTable() *Table { return &Table{domains: xsync.NewMap[string, *Domain]()} }

// AddDomain begins to serve the domain of a prepared name. The second result
// is false when it was served already; the Domain is then that one.
func (t *Table) AddDomain(name string) (*Domain, bool) {
	name = strings.Clone(name)
	d, loaded := t.domains.LoadOrStore(name, newDomain(name, &t.changes))
	if first := t.first.Load(); first == nil || first.Removed() {
		t.first.CompareAndSwap(first, d)
	}
	t.changes.Add(1)
	return d, !loaded
}

// Changes counts what was changed in the table and its domains. As long as it is what
// it was before a look-up, that look-up would say the same again.
func (t *Table) Changes() uint64 { return t.changes.Load() }

// RemoveDomain ends serving a domain; the second result is false when it was
// not served. Its sessions stay bound in the returned Domain, where the caller
// finds them with [Domain.All] to close them; see [Domain.Removed] for those
// that bind meanwhile.
func (t *Table) RemoveDomain(name string) (*Domain, bool) {
	d, ok := t.domains.LoadAndDelete(name)
	if ok {
		d.removed.Store(true)
		t.changes.Add(1)
	}
	return d, ok
}

// Domain is the domain of a prepared name, nil when it is not served. The
// name may be borrowed bytes.
func (t *Table) Domain(name string) *Domain {
	if d := t.first.Load(); d != nil && d.name == name && !d.Removed() {
		return d
	}
	d, _ := t.domains.Load(name)
	return d
}

// Domains are the names of the domains served, sorted.
func (t *Table) Domains() []string {
	names := make([]string, 0, t.domains.Size())
	for name := range t.domains.All() {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Len is the number of domains served.
func (t *Table) Len() int { return t.domains.Size() }
