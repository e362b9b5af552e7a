package badger

import (
	"bytes"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/xylem-im/xylem/storage"
)

// Apply implements storage.Driver. The group is one transaction, or as few as
// Badger's bounds allow, split between ops and never inside one; each
// transaction with a durable op is synced before the next one begins.
func (d *Driver) Apply(ops []*storage.Op, errs []error) {
	if err := d.acquire(); err != nil {
		fail(errs, err)
		return
	}
	defer d.use.RUnlock()
	d.commits.Lock()
	defer d.commits.Unlock()
	defer d.resetKeys()
	g := group{driver: d, ops: ops, errs: errs, room: d.room()}
	defer g.discard()
	for i, op := range ops {
		errs[i] = g.add(i, op)
	}
	g.commit()
}

func fail(errs []error, err error) {
	for i := range errs {
		errs[i] = err
	}
}

// group is the transaction that is being filled, and what of the call it holds.
type group struct {
	driver *Driver
	ops    []*storage.Op
	errs   []error
	room   room

	txn     *badgerdb.Txn // nil when nothing is open
	pending pending       // what txn changes
	members []int         // indices of the ops in txn
	durable bool          // one of them is
	count   int64         // of entries in txn
	bytes   int64         // of entries in txn, as entrySize has it
	staged  []entry       // the op at hand; reused
}

// entry is one change of a key. A removal is a change, too: it leaves a tombstone.
type entry struct {
	key, value []byte
	remove     bool
}

// entrySize is more than what Badger counts for an entry: 2 for the meta bytes
// and 10 for the version.
func entrySize(e *entry) int64 { return int64(len(e.key) + len(e.value) + 16) }

// add checks op and puts it into a transaction. The error is op's.
func (g *group) add(i int, op *storage.Op) error {
	if err := g.driver.failure(); err != nil {
		return err
	}
	if err := op.Validate(); err != nil {
		return err
	}
	if op.Kind != storage.Apply {
		return fmt.Errorf("%w: apply of kind %s", storage.ErrInvalid, op.Kind)
	}
	if !g.room.allows(&op.Batch) {
		return storage.ErrFull
	}
	if g.txn == nil {
		g.txn = g.driver.db.NewTransaction(true)
	}
	if err := g.check(op); err != nil {
		return err
	}
	if err := g.stage(op); err != nil {
		return err
	}
	return g.write(i, op)
}

// check makes op's preconditions, which see the ops before it.
func (g *group) check(op *storage.Op) error {
	for i := range op.Batch.Checks {
		c := &op.Batch.Checks[i]
		value, ok, err := lookUp(g.txn, g.driver.key(op.Owner, c.Collection, c.Key))
		if err != nil {
			return fmt.Errorf("storage/badger: checking: %w", err)
		}
		if !c.Holds(value, ok) {
			return storage.ErrConflict
		}
	}
	return nil
}

// stage turns op's steps into entries.
func (g *group) stage(op *storage.Op) error {
	g.staged = g.staged[:0]
	removals := storage.NewRemovals(op)
	for i := range op.Batch.Steps {
		s := &op.Batch.Steps[i]
		switch s.Kind {
		case storage.Put:
			g.staged = append(g.staged, entry{key: g.driver.key(op.Owner, s.Collection, s.Key), value: s.Value})
		case storage.Delete:
			g.staged = append(g.staged, entry{key: g.driver.key(op.Owner, s.Collection, s.Key), remove: true})
		case storage.DeleteRange:
			if err := g.stageRange(op.Owner, s, &removals); err != nil {
				return err
			}
		}
	}
	return nil
}

// stageRange stages the removal of the keys in s's range, those that op itself
// has put before included.
func (g *group) stageRange(owner string, s *storage.Step, removals *storage.Removals) error {
	lower, upper := bounds(owner, s.Collection, s.Key, s.End)
	for i := range g.staged {
		e := &g.staged[i]
		if bytes.Compare(e.key, lower) >= 0 && bytes.Compare(e.key, upper) < 0 {
			*e = entry{key: e.key, remove: true}
		}
	}
	keys, err := g.pending.keys(g.driver.db, owner, collectionPrefix(owner, s.Collection), lower, upper, removals)
	for _, key := range keys {
		g.staged = append(g.staged, entry{key: key, remove: true})
	}
	return err
}

// write puts the staged entries into the transaction, or into the next one if
// they do not fit.
func (g *group) write(i int, op *storage.Op) error {
	count, size := int64(len(g.staged)), int64(0)
	for i := range g.staged {
		size += entrySize(&g.staged[i])
	}
	if !g.fits(g.count+count, g.bytes+size) {
		g.commit()
		if err := g.driver.failure(); err != nil {
			return err
		}
		if !g.fits(count, size) {
			return fmt.Errorf("%w: batch of %d changes and %d bytes", storage.ErrTooLarge, count, size)
		}
		g.txn = g.driver.db.NewTransaction(true)
	}
	g.members = append(g.members, i)
	g.durable = g.durable || op.Durable
	g.count += count
	g.bytes += size
	g.driver.space.put += size
	for i := range g.staged {
		e := &g.staged[i]
		g.pending.note(op.Owner, e)
		var err error
		if e.remove {
			err = g.txn.Delete(e.key)
		} else {
			err = g.txn.Set(e.key, e.value)
		}
		if err != nil {
			// Not for a valid op that fits. The transaction holds a part of it and cannot
			// be kept.
			return g.abandon(err)
		}
	}
	return nil
}

// fits reports whether a transaction of so many entries and bytes is within
// Badger's bounds; its own closing entry is in the slack.
func (g *group) fits(count, size int64) bool {
	const slackCount, slackBytes = 8, 256
	return count+slackCount < g.driver.db.MaxBatchCount() && size+slackBytes < g.driver.db.MaxBatchSize()
}

// commit ends the open transaction, if any, and tells its members if that failed.
func (g *group) commit() {
	if g.txn == nil {
		return
	}
	err := g.txn.Commit()
	if err == nil && g.durable {
		err = g.driver.db.Sync()
	}
	if err != nil {
		err = g.driver.breakDown(err)
		for _, i := range g.members {
			g.errs[i] = err
		}
	}
	g.discard()
}

// abandon drops the open transaction, with all members failing.
func (g *group) abandon(cause error) error {
	err := fmt.Errorf("storage/badger: writing: %w", cause)
	for _, i := range g.members {
		g.errs[i] = err
	}
	g.discard()
	return err
}

// discard forgets the open transaction; after Commit that is a formality.
func (g *group) discard() {
	if g.txn != nil {
		g.txn.Discard()
	}
	g.pending.forget()
	g.txn, g.members, g.durable, g.count, g.bytes = nil, g.members[:0], false, 0, 0
}

// key returns a Badger key that is valid until the end of Apply.
func (d *Driver) key(owner, collection string, key []byte) []byte {
	begin := len(d.keys)
	d.keys = storage.AppendKey(append(d.keys, dataPrefix), owner, collection, key)
	return d.keys[begin:len(d.keys):len(d.keys)]
}

// resetKeys lets the next Apply reuse the arena, and drops one that has grown
// large. Staged entries outlive their first transaction, so it is not for less.
func (d *Driver) resetKeys() {
	if cap(d.keys) > 256<<10 {
		d.keys = nil
	}
	d.keys = d.keys[:0]
}
