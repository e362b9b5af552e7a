package routing

// Ahead is a look-up that will come, for a program that knows of several before the
// first: what each reads of memory is then waited for at once, and not by one after
// the other. It says nothing of what the look-up will find. Its methods read what the
// look-up will, and take no lock; call each for all of them before the next one. They
// return something of what they have read, to be used somewhere so that it is read.
type Ahead struct {
	chunk *chunk
	group *group
	tag   uint64
}

// Ahead is the look-up of an account. It reads nothing that is not in the cache.
// local may be borrowed; the result holds on to memory of the table, see [Domain].
func (d *Domain) Ahead(local string) (a Ahead) {
	dir := d.accounts.dir.Load()
	if dir == nil {
		return a
	}
	h := d.accounts.hash(local)
	a.chunk, a.tag = dir.chunks[dir.place(h)].Load(), tagOf(h)
	a.group = a.chunk.group(h & dir.mask)
	return a
}

// Slot reads the line with the account's slot.
func (a *Ahead) Slot() (read byte) {
	if a.group == nil {
		return 0
	}
	return byte(a.group.tags[0].Load())
}

// Record reads the account's record, if it is where it is looked for first.
func (a *Ahead) Record() (read byte) {
	r := a.record()
	if r.none() {
		return 0
	}
	return *(*byte)(r.at(r.names() + uintptr(r.local()) - 1)) // its names may be in the next line
}

// record is the first in the group whose tag is right. It is nearly always the account's, and
// never memory that is no record: the first slot that is found surely has the tag,
// and a slot with the tag of an account has had a record.
func (a *Ahead) record() record {
	if a.group == nil {
		return record{}
	}
	found := a.group.find(a.tag)
	if found == 0 {
		return record{}
	}
	return a.chunk.record(a.group.offsets[found.first()].Load())
}
