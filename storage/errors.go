package storage

import "errors"

// Errors of a Result or of Submit. They may be wrapped: compare with errors.Is.
var (
	// ErrNotFound: the key of a Get is absent.
	ErrNotFound = errors.New("storage: not found")
	// ErrConflict: a Check of the batch did not hold; nothing was changed.
	ErrConflict = errors.New("storage: precondition failed")
	// ErrBusy: the pump's queue is at its bound. Nothing was queued; the caller
	// answers with a temporary error (resource-constraint, RFC 6120 §8.3.3.18) or
	// tries later.
	ErrBusy = errors.New("storage: too many operations are waiting")
	// ErrClosed: the store is closed or closing.
	ErrClosed = errors.New("storage: closed")
	// ErrFull: the disk, or the memory that was granted, is nearly full. Nothing was
	// changed. Batches that only remove data are accepted longer than others.
	ErrFull = errors.New("storage: full")
	// ErrTooLarge: the operation is beyond the limits of this package.
	ErrTooLarge = errors.New("storage: operation too large")
	// ErrInvalid: the operation is incomplete or contradicts itself: a bug of the caller.
	ErrInvalid = errors.New("storage: invalid operation")
	// ErrBroken: an earlier write or fsync failed, so what is on disk is not known.
	// The driver takes no more changes; the store must be opened again.
	ErrBroken = errors.New("storage: broken by an earlier failure")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("storage: in use by another process")
	// ErrFormat: the store was written by a newer version, or is none of ours.
	ErrFormat = errors.New("storage: unknown format")
)
