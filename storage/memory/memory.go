// Package memory is the storage driver that keeps everything in memory: for
// tests and for appliances without a disk. Nothing survives the process.
package memory

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/xylem-im/xylem/storage"
)

// Options bound a driver. The zero value is usable.
type Options struct {
	// MaxBytes bounds what is kept: keys, values and entryBytes for each item. A batch
	// that puts data beyond it is storage.ErrFull. Default 64 MiB.
	MaxBytes int
}

// entryBytes is what an item takes beside its key and value: an entry, half of
// its chunk's unused room, and the allocator's rounding.
const entryBytes = 80

// Driver is a storage.Driver. Create it with New.
type Driver struct {
	mu       sync.RWMutex
	items    table
	bytes    int
	maxBytes int
	closed   bool
}

var _ storage.Driver = (*Driver)(nil)

// New returns an empty store.
func New(opts Options) *Driver {
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 64 << 20
	}
	return &Driver{maxBytes: opts.MaxBytes}
}

// Bytes returns what is kept, as Options.MaxBytes counts it.
func (d *Driver) Bytes() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.bytes
}

// Sync does nothing: there is nothing to keep.
func (d *Driver) Sync() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return storage.ErrClosed
	}
	return nil
}

// Close forgets everything.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.items, d.bytes, d.closed = table{}, 0, true
	return nil
}

// Read implements storage.Driver.
func (d *Driver) Read(op *storage.Op) storage.Result {
	if err := op.Validate(); err != nil {
		return storage.Result{Token: op.Token, Err: err}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return storage.Result{Token: op.Token, Err: storage.ErrClosed}
	}
	switch op.Kind {
	case storage.Get:
		return d.get(op)
	case storage.Scan:
		return d.scan(op)
	case storage.Owners:
		return storage.ListOwners(op, d.items.seek)
	case storage.Collections:
		return storage.ListCollections(op, d.items.seek)
	}
	return storage.Result{Token: op.Token, Err: fmt.Errorf("%w: read of kind %s", storage.ErrInvalid, op.Kind)}
}

func (d *Driver) get(op *storage.Op) storage.Result {
	value, ok := d.items.get(string(storage.AppendKey(nil, op.Owner, op.Collection, op.Key)))
	if !ok {
		return storage.Result{Token: op.Token, Err: storage.ErrNotFound}
	}
	item := storage.Item{Key: bytes.Clone(op.Key), Value: bytes.Clone(value)}
	return storage.Result{Token: op.Token, Items: []storage.Item{item}}
}

func (d *Driver) scan(op *storage.Op) storage.Result {
	list := storage.NewLister(op)
	lower, upper := storage.ScanBounds(op.Owner, op.Collection, op.From, op.To)
	prefix := len(storage.AppendCollectionPrefix(nil, op.Owner, op.Collection))
	for e := range d.items.between(string(lower), string(upper), op.Reverse) {
		if !list.Fits(len(e.key) - prefix + len(e.value)) {
			break
		}
		list.Add(storage.Item{Key: []byte(e.key[prefix:]), Value: bytes.Clone(e.value)})
	}
	return list.Result()
}

// Apply implements storage.Driver.
func (d *Driver) Apply(ops []*storage.Op, errs []error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, op := range ops {
		errs[i] = d.apply(op)
	}
}

// apply decides first and changes afterwards, so that a refused op leaves no trace.
func (d *Driver) apply(op *storage.Op) error {
	if d.closed {
		return storage.ErrClosed
	}
	if err := op.Validate(); err != nil {
		return err
	}
	if op.Kind != storage.Apply {
		return fmt.Errorf("%w: apply of kind %s", storage.ErrInvalid, op.Kind)
	}
	if err := d.check(op); err != nil {
		return err
	}
	for i := range op.Batch.Steps {
		d.step(op.Owner, &op.Batch.Steps[i])
	}
	return nil
}

// check returns why op cannot be applied, or nil.
func (d *Driver) check(op *storage.Op) error {
	for i := range op.Batch.Checks {
		c := &op.Batch.Checks[i]
		value, ok := d.items.get(string(storage.AppendKey(nil, op.Owner, c.Collection, c.Key)))
		if !c.Holds(value, ok) {
			return storage.ErrConflict
		}
	}
	grow, removals := 0, storage.NewRemovals(op)
	for i := range op.Batch.Steps {
		s := &op.Batch.Steps[i]
		switch s.Kind {
		case storage.Put:
			grow += entryBytes + len(op.Owner) + len(s.Collection) + len(s.Key) + len(s.Value)
		case storage.DeleteRange:
			for e := range d.between(op.Owner, s) {
				if err := removals.Add(len(e.key)); err != nil {
					return err
				}
			}
		}
	}
	if grow > 0 && d.bytes+grow > d.maxBytes {
		return storage.ErrFull
	}
	return nil
}

func (d *Driver) step(owner string, s *storage.Step) {
	switch s.Kind {
	case storage.Put:
		key := string(storage.AppendKey(nil, owner, s.Collection, s.Key))
		old, had := d.items.put(key, bytes.Clone(s.Value))
		if had {
			d.bytes -= cost(key, old)
		}
		d.bytes += cost(key, s.Value)
	case storage.Delete:
		d.delete(string(storage.AppendKey(nil, owner, s.Collection, s.Key)))
	case storage.DeleteRange:
		var keys []string
		for e := range d.between(owner, s) {
			keys = append(keys, e.key)
		}
		for _, key := range keys {
			d.delete(key)
		}
	}
}

func (d *Driver) delete(key string) {
	if old, had := d.items.delete(key); had {
		d.bytes -= cost(key, old)
	}
}

// between iterates over what a DeleteRange step removes.
func (d *Driver) between(owner string, s *storage.Step) func(func(entry) bool) {
	lower, upper := storage.ScanBounds(owner, s.Collection, s.Key, s.End)
	return d.items.between(string(lower), string(upper), false)
}

func cost(key string, value []byte) int { return entryBytes + len(key) + len(value) }
