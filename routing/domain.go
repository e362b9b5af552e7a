package routing

import (
	"hash/maphash"
	"iter"
	"sync/atomic"
)

// Domain is the table of the sessions of one domain. All methods are safe for
// concurrent use. [Domain.Lookup] and [Domain.LookupFull] take no lock; what
// changes an account takes that of its shard for about a microsecond, and for
// up to 0.1 ms when the shard grows. Strings given to the methods may be
// borrowed: those that are kept are copied.
//
// Every change copies the account's entries, so the engine bounds how many
// resources an account may bind.
type Domain struct {
	name     string
	accounts accounts
	bound    atomic.Int64
	removed  atomic.Bool
}

func newDomain(name string) *Domain {
	return &Domain{name: name, accounts: accounts{seed: maphash.MakeSeed()}}
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
	replaced, _ = d.BindWith(local, resource, mb, 0, 0)
	return replaced
}

// BindWith is Bind with flags from the first moment: those of inherit that some
// session of the account has, and those of taken if another session had the
// resource.
func (d *Domain) BindWith(local, resource string, mb Mailbox, inherit, taken Flags) (replaced Mailbox, flags Flags) {
	d.accounts.update(local, func(old *account) *account {
		replaced, flags = 0, 0
		e := Entry{Resource: resource, Mailbox: mb}
		if old == nil {
			return newAccount(local, []Entry{e})
		}
		for _, o := range old.entries() {
			flags |= o.Flags & inherit
		}
		i := old.find(resource)
		if i >= 0 {
			flags |= taken
		}
		if e.Flags = flags; i < 0 {
			return old.with(e)
		}
		replaced = old.entries()[i].Mailbox
		return old.replace(i, e)
	})
	if replaced == 0 {
		d.bound.Add(1)
	}
	return replaced, flags
}

// Unbind takes a session out, if the resource is still bound to mb: a session
// that was replaced must not take out its successor. It tells whether it did.
func (d *Domain) Unbind(local, resource string, mb Mailbox) (done bool) {
	d.accounts.update(local, func(old *account) *account {
		i := old.find(resource)
		if done = i >= 0 && old.entries()[i].Mailbox == mb; done {
			return old.without(i)
		}
		return old
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
	return d.change(local, resource, mb, func(e *Entry) { e.Available, e.Priority = available, priority })
}

// SetFlags clears and then sets flags of a session. It tells whether the
// resource is still bound to mb.
func (d *Domain) SetFlags(local, resource string, mb Mailbox, set, clear Flags) bool {
	return d.change(local, resource, mb, func(e *Entry) { e.Flags = e.Flags&^clear | set })
}

// Lookup is a snapshot of the sessions of an account, in the order in which
// they were bound; nil when there are none. It is valid for ever, may be stale
// at once, and must not be changed. It allocates nothing.
func (d *Domain) Lookup(local string) []Entry {
	if acc := d.accounts.load(local); acc != nil {
		return acc.entries()
	}
	return nil
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
		for acc := range d.accounts.all() {
			if !yield(acc.local(), acc.entries()) {
				return
			}
		}
	}
}

// change applies f to one entry, if it is bound to mb.
func (d *Domain) change(local, resource string, mb Mailbox, f func(*Entry)) (found bool) {
	d.accounts.update(local, func(old *account) *account {
		i := old.find(resource)
		if found = i >= 0 && old.entries()[i].Mailbox == mb; !found {
			return old
		}
		changed := old.entries()[i]
		if f(&changed); changed == old.entries()[i] {
			return old
		}
		return old.replace(i, changed)
	})
	return found
}
