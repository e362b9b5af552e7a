package routing

import (
	"iter"
	"slices"
	"sync/atomic"
)

// Domain is the table of the sessions of one domain. All methods are safe for
// concurrent use. [Domain.Lookup] and [Domain.LookupFull] take no lock; what
// changes an account takes that of its shard for about a microsecond, and for
// up to 0.1 ms when the shard moves. Strings given to the methods may be
// borrowed: those that are kept are copied.
//
// Binding and unbinding copies the account's entries, so the engine bounds how
// many resources an account may bind. A name in an Entry is memory of the table:
// it stays as it is, but holds some 20 KB besides; who keeps it for long clones it.
type Domain struct {
	name     string
	accounts accounts
	bound    atomic.Int64
	removed  atomic.Bool
}

// newDomain makes a domain whose changes are counted.
func newDomain(name string, changes *atomic.Uint64) *Domain {
	return &Domain{name: name, accounts: accounts{seed: newSeed(), changes: changes}}
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
// session of the account has, those of taken if another session had the
// resource, and FlagSeveral if it is not the account's only one; then the others have
// that, too.
func (d *Domain) BindWith(local, resource string, mb Mailbox, inherit, taken Flags) (replaced Mailbox, flags Flags) {
	c := d.accounts.change(local)
	defer c.release()
	var buf [usual]Entry
	entries := c.old.append(buf[:0])
	for i := range entries {
		flags |= entries[i].Flags & inherit
	}
	e := Entry{Resource: resource, Mailbox: mb, Marks: Marks{Flags: flags}}
	if i, _ := c.old.find(resource); i >= 0 {
		e.Flags |= taken
		replaced = entries[i].Mailbox
		entries[i] = e
	} else {
		entries = append(entries, e)
		d.bound.Add(1)
	}
	tellSeveral(entries)
	c.put(entries)
	return replaced, e.Flags | entries[0].Flags&FlagSeveral
}

// tellSeveral sets or clears FlagSeveral.
func tellSeveral(entries []Entry) {
	for i := range entries {
		if entries[i].Flags &^= FlagSeveral; len(entries) > 1 {
			entries[i].Flags |= FlagSeveral
		}
	}
}

// Unbind takes a session out, if the resource is still bound to mb: a session
// that was replaced must not take out its successor. It tells whether it did.
func (d *Domain) Unbind(local, resource string, mb Mailbox) bool {
	c := d.accounts.change(local)
	defer c.release()
	i := c.find(resource, mb)
	if i < 0 {
		return false
	}
	d.bound.Add(-1)
	if c.old.count() == 1 {
		c.remove()
		return true
	}
	var buf [usual]Entry
	entries := slices.Delete(c.old.append(buf[:0]), i, i+1)
	tellSeveral(entries)
	c.put(entries)
	return true
}

// SetPresence notes what the session's presence says: whether it is available
// and with what priority, which is 0 for one that is not. It tells whether the
// resource is still bound to mb.
func (d *Domain) SetPresence(local, resource string, mb Mailbox, available bool, priority int8) bool {
	if !available {
		priority = 0
	}
	return d.setMarks(local, resource, mb, func(m *Marks) { m.Available, m.Priority = available, priority })
}

// SetFlags clears and then sets flags of a session, but for FlagSeveral. It tells whether the
// resource is still bound to mb.
func (d *Domain) SetFlags(local, resource string, mb Mailbox, set, clear Flags) bool {
	return d.setMarks(local, resource, mb, func(m *Marks) { m.Flags = m.Flags&^(clear&^FlagSeveral) | set&^FlagSeveral })
}

// setMarks changes a session in place. It tells whether the resource is still bound
// to mb.
func (d *Domain) setMarks(local, resource string, mb Mailbox, change func(*Marks)) bool {
	c := d.accounts.change(local)
	defer c.release()
	i := c.find(resource, mb)
	if i < 0 {
		return false
	}
	m := c.old.entry(i, "").Marks
	change(&m)
	c.old.setMarks(i, m)
	return true
}

// Lookup appends the sessions of an account to dst, in the order in which they
// were bound. They may be stale at once. It allocates only when dst must grow.
func (d *Domain) Lookup(local string, dst []Entry) []Entry {
	return d.accounts.load(local).append(dst)
}

// LookupFull is the session of a full address. It allocates nothing.
//
// It says once more what accounts.load and record.find say, for short names, in one
// piece without calls and loops: within the cache that takes 24 to 29 instead of 48 ns.
// No branch depends on which slot or which session of the account it is. What is not
// found at the first look goes the usual way.
func (d *Domain) LookupFull(local, resource string) (Entry, bool) {
	dir := d.accounts.dir.Load()
	if dir == nil || !isShort(local) || !isShort(resource) {
		return d.lookupFull(local, resource)
	}
	first, last := ends(address(local), len(local))
	h := d.accounts.seed.ofEnds(first, last, len(local))
	c := dir.chunks[dir.place(h)].Load()
	g := c.group(h & dir.mask)
	found := g.find(tagOf(h))
	if found == 0 {
		return d.lookupFull(local, resource)
	}
	r := c.record(g.offsets[found.first()].Load())
	header, names := *r.header, r.names()
	if header.local() != len(local) || !hasEnds(r.at(names), len(local), first, last) {
		return d.lookupFull(local, resource)
	}
	first, last = ends(address(resource), len(resource))
	set := header.find(tagOfEnd(last))
	if set == 0 {
		return d.lookupFull(local, resource)
	}
	i, lengths := set.first(), r.lengths()
	at := names + uintptr(len(local)) + lengths.before(i)
	if lengths.at(i) != len(resource) || !hasEnds(r.at(at), len(resource), first, last) {
		return d.lookupFull(local, resource)
	}
	return r.entry(i, r.text(at, len(resource))), true
}

// lookupFull is LookupFull for names of all lengths.
func (d *Domain) lookupFull(local, resource string) (Entry, bool) {
	r := d.accounts.load(local)
	if i, name := r.find(resource); i >= 0 {
		return r.entry(i, name), true
	}
	return Entry{}, false
}

// All walks the accounts that have sessions. Sessions that were bound before
// the walk began and stay are met exactly once; others may be met. The entries
// are valid until the next account.
func (d *Domain) All() iter.Seq2[string, []Entry] {
	return func(yield func(string, []Entry) bool) {
		var entries []Entry
		for r := range d.accounts.all() {
			entries = r.append(entries[:0])
			if !yield(r.localpart(), entries) {
				return
			}
		}
	}
}

// usual is how many entries change without a buffer on the heap.
const usual = 4
