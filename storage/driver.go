package storage

// Driver keeps the data. Its methods block; they are called by the pump's
// goroutines and by command-line tools, never by an event loop. All methods are
// safe for concurrent use.
//
// Every driver passes storagetest.Run.
type Driver interface {
	// Read answers a Get, Scan, Owners or Collections. It sees every batch whose
	// Apply has returned, and never a part of a batch. Other kinds are ErrInvalid.
	Read(op *Op) Result

	// Apply makes the batches of ops, in order, as one group commit, and sets
	// errs[i] to what became of ops[i]; len(errs) is len(ops). Each op is atomic on
	// its own, and its checks see the ops before it. An op that fails (ErrConflict,
	// ErrTooLarge, ErrFull) leaves the others alone. If any op of the group is
	// durable, what was applied survives a power cut when Apply returns, with one
	// fsync for the group where it fits into one transaction of the store. A failure
	// of the store itself is reported for every op that may not have been kept.
	Apply(ops []*Op, errs []error)

	// Sync makes all that was applied before survive a power cut.
	Sync() error

	// Close syncs and releases the store. Operations after it are ErrClosed. A second
	// Close does nothing.
	Close() error
}
