package routing

import (
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"
)

// sessions maps a localpart to the account's entries. A slice in it is never
// changed, only replaced.
type sessions = xsync.Map[string, []Entry]

// Domain is the table of the sessions of one domain. All methods are safe for
// concurrent use. [Domain.Lookup] and [Domain.LookupFull] take no lock;
// what changes an account takes that of its bucket for a moment. Strings given
// to its methods may be borrowed: those that are kept are copied.
//
// Every change copies the account's entries, so the engine bounds how many
// resources an account may bind.
type Domain struct {
	name     string
	accounts atomic.Pointer[sessions] // nil until the first Bind: an empty one takes 2.7 KB
	bound    atomic.Int64
	removed  atomic.Bool
}

// Name is the prepared name of the domain.
func (d *Domain) Name() string { return d.name }

// Removed tells whether [Table.RemoveDomain] took the domain away. A session
// that finds it true after its Bind must unbind and close: the walk over the
// domain's sessions may have been over before.
func (d *Domain) Removed() bool { return d.removed.Load() }

// Len is the number of sessions bound.
func (d *Domain) Len() int { return int(d.bound.Load()) }

// Bind enters a session, which is not available until its presence is set.
// When the resource was taken, the new session has it now and the earlier one
// is returned for the engine to close with <conflict/> (RFC 6120 §7.7.2.2);
// otherwise the result is 0.
func (d *Domain) Bind(local, resource string, mb Mailbox) (replaced Mailbox) {
	entry := Entry{Resource: strings.Clone(resource), Mailbox: mb}
	d.table().Compute(strings.Clone(local), func(old []Entry, _ bool) ([]Entry, xsync.ComputeOp) {
		replaced = 0
		i := find(old, resource)
		if i < 0 {
			return append(old[:len(old):len(old)], entry), xsync.UpdateOp
		}
		replaced = old[i].Mailbox
		entries := slices.Clone(old)
		entries[i] = entry
		return entries, xsync.UpdateOp
	})
	if replaced == 0 {
		d.bound.Add(1)
	}
	return replaced
}

// Unbind takes a session out, if the resource is still bound to mb: a session
// that was replaced must not take out its successor. It tells whether it did.
func (d *Domain) Unbind(local, resource string, mb Mailbox) (done bool) {
	table := d.accounts.Load()
	if table == nil {
		return false
	}
	// The key is copied because an update stores the one it is given.
	table.Compute(strings.Clone(local), func(old []Entry, _ bool) ([]Entry, xsync.ComputeOp) {
		i := find(old, resource)
		done = i >= 0 && old[i].Mailbox == mb
		switch {
		case !done:
			return old, xsync.CancelOp
		case len(old) == 1:
			return nil, xsync.DeleteOp
		}
		entries := make([]Entry, 0, len(old)-1)
		return append(append(entries, old[:i]...), old[i+1:]...), xsync.UpdateOp
	})
	if done {
		d.bound.Add(-1)
	}
	return done
}

// SetPresence notes what the session's presence says: whether it is available
// and with what priority, which is 0 for one that is not. It tells whether the
// resource is still bound to mb.
func (d *Domain) SetPresence(local, resource string, mb Mailbox, available bool, priority int8) bool {
	if !available {
		priority = 0
	}
	return d.change(local, resource, mb, func(e Entry) Entry {
		e.Available, e.Priority = available, priority
		return e
	})
}

// SetFlags clears and then sets flags of a session. It tells whether the
// resource is still bound to mb.
func (d *Domain) SetFlags(local, resource string, mb Mailbox, set, clear Flags) bool {
	return d.change(local, resource, mb, func(e Entry) Entry {
		e.Flags = e.Flags&^clear | set
		return e
	})
}

// Lookup is a snapshot of the sessions of an account, in the order in which
// they were bound; nil when there are none. It is valid for ever, may be stale
// at once, and must not be changed. It allocates nothing.
func (d *Domain) Lookup(local string) []Entry {
	table := d.accounts.Load()
	if table == nil {
		return nil
	}
	entries, _ := table.Load(local)
	return entries
}

// LookupFull is the session of a full address. It allocates nothing.
func (d *Domain) LookupFull(local, resource string) (Entry, bool) {
	entries := d.Lookup(local)
	if i := find(entries, resource); i >= 0 {
		return entries[i], true
	}
	return Entry{}, false
}

// All walks the accounts that have sessions. Sessions that were bound before
// the walk began and stay are met exactly once; others may be met.
func (d *Domain) All() iter.Seq2[string, []Entry] {
	return func(yield func(string, []Entry) bool) {
		if table := d.accounts.Load(); table != nil {
			table.Range(yield)
		}
	}
}

// change replaces one entry by what f makes of it, if it is bound to mb. f may
// be called more than once.
func (d *Domain) change(local, resource string, mb Mailbox, f func(Entry) Entry) (found bool) {
	table := d.accounts.Load()
	if table == nil {
		return false
	}
	table.Compute(strings.Clone(local), func(old []Entry, _ bool) ([]Entry, xsync.ComputeOp) {
		i := find(old, resource)
		found = i >= 0 && old[i].Mailbox == mb
		if !found {
			return old, xsync.CancelOp
		}
		changed := f(old[i])
		if changed == old[i] {
			return old, xsync.CancelOp
		}
		entries := slices.Clone(old)
		entries[i] = changed
		return entries, xsync.UpdateOp
	})
	return found
}

// table is the map of the accounts, made when first needed.
func (d *Domain) table() *sessions {
	if table := d.accounts.Load(); table != nil {
		return table
	}
	d.accounts.CompareAndSwap(nil, xsync.NewMap[string, []Entry]())
	return d.accounts.Load()
}

// find is the index of a resource, -1 if it is not there. Accounts have one to
// three of them, so there is nothing faster than looking at each.
func find(entries []Entry, resource string) int {
	for i := range entries {
		if entries[i].Resource == resource {
			return i
		}
	}
	return -1
}
