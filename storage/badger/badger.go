// Package badger is the storage driver that keeps the data on disk, in a Badger
// LSM tree. It is the only importer of Badger.
//
// # Durability
//
// A group of batches is one Badger transaction, written to the log of the
// current memtable, which is then synced once if a batch of the group is
// durable. Badger rotates memtables only between transactions and only this
// driver writes, so the log that is synced is the one that holds the group. What
// is not durable is in the page cache when Apply returns: it survives the end of
// the process, but perhaps not a power cut.
//
// A failed write or sync is final (storage.ErrBroken), for reads too: after one,
// neither what the kernel holds nor what Badger's structures hold can be relied
// upon. Opening the store again recovers what the log has.
package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/xylem-im/xylem/storage"
)

// Driver is a storage.Driver. Create it with Open.
type Driver struct {
	opts Options
	db   *badgerdb.DB

	// use is held for reading by everything that touches db, and for writing by Close.
	use    sync.RWMutex
	closed bool // guarded by use

	commits sync.Mutex // one group at a time
	keys    []byte     // guarded by commits: arena for the keys of a transaction
	space   space      // guarded by commits
	broken  atomic.Pointer[error]
}

var _ storage.Driver = (*Driver)(nil)

// Open opens the store in opts.Dir, or makes one. The error wraps
// storage.ErrLocked if another process has it open, and storage.ErrFormat if a
// newer version or another program has written it.
func Open(opts Options) (*Driver, error) {
	if opts.Dir == "" {
		return nil, fmt.Errorf("%w: no folder given", storage.ErrInvalid)
	}
	opts = opts.withDefaults()
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("storage/badger: %w", err)
	}
	db, err := openBadger(opts)
	if err != nil {
		return nil, err
	}
	d := &Driver{opts: opts, db: db}
	if err := d.checkFormat(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

// openBadger opens the database, and again if the end of an earlier process left
// a log that was created but not yet sized: Badger then fails with "Create a new
// file", but has repaired that file. There is one such file for each such end
// that no successful open followed; hence a few attempts.
func openBadger(opts Options) (db *badgerdb.DB, err error) {
	const attempts = 4
	for range attempts {
		db, err = badgerdb.Open(opts.badgerOptions())
		if err == nil || !strings.Contains(err.Error(), "Create a new file") {
			break
		}
		opts.Logger.Warn("storage: repaired an empty log, opening again", "dir", opts.Dir)
	}
	// Badger's errors are text: it wraps none.
	switch {
	case err == nil:
		return db, nil
	case strings.Contains(err.Error(), "Cannot acquire directory lock"):
		return nil, fmt.Errorf("%w: another xylem uses the data folder %s%s", storage.ErrLocked, opts.Dir, holder(opts.Dir))
	}
	return nil, fmt.Errorf("storage/badger: opening %s: %w", opts.Dir, err)
}

// holder names the process that Badger noted in its lock file, if it did.
func holder(dir string) string {
	pid, err := os.ReadFile(filepath.Join(dir, "LOCK"))
	if err != nil || len(pid) > 16 {
		return ""
	}
	return " (process " + strings.TrimSpace(string(pid)) + ")"
}

// acquire begins a use of the database, which the caller ends with d.use.RUnlock
// if the error is nil.
func (d *Driver) acquire() error {
	d.use.RLock()
	err := d.failure()
	if d.closed {
		err = storage.ErrClosed
	}
	if err != nil {
		d.use.RUnlock()
	}
	return err
}

// failure returns what broke the store, or nil.
func (d *Driver) failure() error {
	if err := d.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// breakDown makes the store refuse everything from now on, and returns the error to report.
func (d *Driver) breakDown(cause error) error {
	err := fmt.Errorf("%w: %w", storage.ErrBroken, cause)
	if d.broken.CompareAndSwap(nil, &err) {
		d.opts.Logger.Error("storage: broken, must be opened again", "dir", d.opts.Dir, "cause", cause)
	}
	return d.failure()
}

// Sync implements storage.Driver. It also reaches logs that were rotated away
// but not yet turned into (synced) tables, which Badger's Sync does not.
func (d *Driver) Sync() error {
	if err := d.acquire(); err != nil {
		return err
	}
	defer d.use.RUnlock()
	d.commits.Lock()
	defer d.commits.Unlock()
	if err := d.db.Sync(); err != nil {
		return d.breakDown(err)
	}
	logs, err := filepath.Glob(filepath.Join(d.opts.Dir, "*.mem"))
	if err != nil {
		return fmt.Errorf("storage/badger: %w", err)
	}
	for _, path := range append(logs, d.opts.Dir) {
		if err := syncFile(path); err != nil {
			return d.breakDown(err)
		}
	}
	return nil
}

// syncFile syncs a file or folder. One that has gone was flushed to a table.
func syncFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Maintain compacts the tree, which gives the space of deleted data back. It
// takes up to seconds for each 100 MB and slows commits down: call it at idle
// times, such as once a night. The value log needs no collection; nothing is in it.
func (d *Driver) Maintain() error {
	if err := d.acquire(); err != nil {
		return err
	}
	defer d.use.RUnlock()
	if err := d.db.Flatten(1); err != nil {
		return fmt.Errorf("storage/badger: compacting: %w", err)
	}
	return nil
}

// Close implements storage.Driver. It waits for reads and commits that are at work.
func (d *Driver) Close() error {
	d.use.Lock()
	defer d.use.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("storage/badger: closing: %w", err)
	}
	return d.failure()
}
