package storage

import "fmt"

// Limits of one operation. They are part of the contract: every driver takes
// what is within them and refuses what is not, so that no extension works on one
// store and fails on the next.
const (
	// MaxOwnerBytes holds any bare JID (RFC 7622 §3.1: 1023 + 1 + 1023) with room.
	MaxOwnerBytes = 3 << 10
	// MaxCollectionBytes bounds the name of a collection.
	MaxCollectionBytes = 255
	// MaxKeyBytes bounds a key; it holds a full JID and an item id of the same length.
	MaxKeyBytes = 8 << 10
	// MaxValueBytes bounds a value. The largest stanza of a usual configuration is
	// 256 KiB.
	MaxValueBytes = 512 << 10
	// MaxBatchBytes bounds a batch: for each check and step stepBytes, its encoded key
	// (see AppendKey), its value and its End; for each key that a DeleteRange
	// removes stepBytes and the encoded key.
	MaxBatchBytes = 1 << 20
	// MaxSteps bounds the checks and steps of a batch, and the keys that its
	// DeleteRange steps remove.
	MaxSteps = 4 << 10
	// MaxItems bounds the items of one Result.
	MaxItems = 1 << 10
	// MaxResultBytes bounds the keys and values of one Result; the first item is
	// returned even if it alone is larger.
	MaxResultBytes = 1 << 20

	// stepBytes is what a check or step takes beside its bytes.
	stepBytes = 96
)

// Validate returns nil if op is complete and within the limits, and otherwise an
// error that wraps ErrInvalid or ErrTooLarge. Drivers and the pump call it, so
// others need not.
func (op *Op) Validate() error {
	switch {
	case len(op.Owner) > MaxOwnerBytes:
		return fmt.Errorf("%w: owner of %d bytes, at most %d", ErrTooLarge, len(op.Owner), MaxOwnerBytes)
	case op.Owner == "" && op.Kind != Owners:
		return fmt.Errorf("%w: %s without owner", ErrInvalid, op.Kind)
	}
	switch op.Kind {
	case Get, Scan:
		return validateKeys(op.Collection, op.Key, op.From, op.To)
	case Owners:
		if len(op.Key) > MaxOwnerBytes {
			return fmt.Errorf("%w: cursor of %d bytes, at most %d", ErrTooLarge, len(op.Key), MaxOwnerBytes)
		}
		return validateKeys(op.Collection)
	case Collections:
		if len(op.Key) > MaxCollectionBytes {
			return fmt.Errorf("%w: cursor of %d bytes, at most %d", ErrTooLarge, len(op.Key), MaxCollectionBytes)
		}
		return nil
	case Apply:
		return op.validateBatch()
	}
	return fmt.Errorf("%w: kind %d", ErrInvalid, op.Kind)
}

func (op *Op) validateBatch() error {
	b := &op.Batch
	if n := len(b.Checks) + len(b.Steps); n > MaxSteps {
		return fmt.Errorf("%w: %d checks and steps, at most %d", ErrTooLarge, n, MaxSteps)
	}
	if n := op.batchBytes(); n > MaxBatchBytes {
		return errBatchBytes(n)
	}
	for i := range b.Checks {
		c := &b.Checks[i]
		if c.Expect > ExpectPresent {
			return fmt.Errorf("%w: check %d expects %d", ErrInvalid, i, c.Expect)
		}
		if err := validateKeys(c.Collection, c.Key); err != nil {
			return err
		}
	}
	for i := range b.Steps {
		s := &b.Steps[i]
		if s.Kind < Put || s.Kind > DeleteRange {
			return fmt.Errorf("%w: step %d of kind %d", ErrInvalid, i, s.Kind)
		}
		if len(s.Value) > MaxValueBytes {
			return fmt.Errorf("%w: value of %d bytes, at most %d", ErrTooLarge, len(s.Value), MaxValueBytes)
		}
		if err := validateKeys(s.Collection, s.Key, s.End); err != nil {
			return err
		}
	}
	return nil
}

// batchBytes returns what MaxBatchBytes bounds, without what ranges will remove.
func (op *Op) batchBytes() int {
	b := &op.Batch
	n := (len(b.Checks) + len(b.Steps)) * (stepBytes + partSize(op.Owner))
	for i := range b.Checks {
		c := &b.Checks[i]
		n += partSize(c.Collection) + len(c.Key) + len(c.Value)
	}
	for i := range b.Steps {
		s := &b.Steps[i]
		n += partSize(s.Collection) + len(s.Key) + len(s.Value) + len(s.End)
	}
	return n
}

func errBatchBytes(n int) error {
	return fmt.Errorf("%w: batch of %d bytes, at most %d", ErrTooLarge, n, MaxBatchBytes)
}

// Removals lets a driver hold the bounds of what the DeleteRange steps of one
// batch remove. Each step counts what was stored before the batch.
type Removals struct{ keys, bytes int }

// NewRemovals returns the count for op, a valid Apply.
func NewRemovals(op *Op) Removals { return Removals{bytes: op.batchBytes()} }

// Add counts one key of so many encoded bytes. The error wraps ErrTooLarge.
func (r *Removals) Add(encoded int) error {
	r.keys++
	r.bytes += stepBytes + encoded
	switch {
	case r.keys > MaxSteps:
		return fmt.Errorf("%w: batch removes more than %d keys", ErrTooLarge, MaxSteps)
	case r.bytes > MaxBatchBytes:
		return errBatchBytes(r.bytes)
	}
	return nil
}

func validateKeys(collection string, keys ...[]byte) error {
	switch {
	case collection == "":
		return fmt.Errorf("%w: no collection", ErrInvalid)
	case len(collection) > MaxCollectionBytes:
		return fmt.Errorf("%w: collection name of %d bytes, at most %d", ErrTooLarge, len(collection), MaxCollectionBytes)
	}
	for _, k := range keys {
		if len(k) > MaxKeyBytes {
			return fmt.Errorf("%w: key of %d bytes, at most %d", ErrTooLarge, len(k), MaxKeyBytes)
		}
	}
	return nil
}
