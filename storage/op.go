package storage

import "time"

// Token says who asked. The store does not look into it, apart from Loop, by
// which the pump groups results. Slot and Generation name a session in a loop's
// table (a result whose generation has gone is dropped by the loop); Serial
// numbers the questions of one session.
type Token struct {
	Loop       uint32
	Slot       uint32
	Generation uint32
	Serial     uint32
}

// OpKind is what an Op asks for. The zero value is invalid.
type OpKind uint8

// Kinds of operation.
const (
	// Get reads the one item (Owner, Collection, Key); ErrNotFound if it is absent.
	Get OpKind = iota + 1
	// Scan reads the items of (Owner, Collection) whose keys are in [From, To), in
	// order, or in falling order if Reverse is set. An empty From or To leaves that
	// side open. No match is an empty result, not an error.
	Scan
	// Owners lists, in order, the owners that begin with the bytes of Owner (which
	// may be empty), come after the owner in Key (if any), and have at least one
	// item in Collection. Each is the Key of an Item without Value. It runs beside
	// the changes of all owners and is ordered with none of them.
	Owners
	// Collections lists, in order, the names of Owner's collections that hold at
	// least one item and come after the name in Key (if any), each as the Key of an
	// Item without Value.
	Collections
	// Apply changes the collections of Owner as Batch says: all of it, or nothing.
	Apply
)

// String returns the kind's name in lower case.
func (k OpKind) String() string {
	switch k {
	case Get:
		return "get"
	case Scan:
		return "scan"
	case Owners:
		return "owners"
	case Collections:
		return "collections"
	case Apply:
		return "apply"
	}
	return "invalid"
}

// Op is one question to the store. Whoever submits an Op gives away its slices:
// they must not be changed until the Result has arrived, and what was borrowed
// from a receive buffer must have been copied before.
type Op struct {
	Token Token
	Kind  OpKind

	// Owner is a bare JID or a domain, as prepared by package jid: 1 to
	// MaxOwnerBytes bytes (0 is allowed for Owners, where it is a prefix).
	Owner string
	// Collection is 1 to MaxCollectionBytes bytes. Not used by Collections and Apply.
	Collection string

	// Key is the key for Get, and the exclusive cursor for Owners and Collections.
	Key []byte
	// From and To bound a Scan: From inclusive, To exclusive; empty means open.
	From, To []byte
	// Limit bounds the items that Scan, Owners and Collections return. Values below 1
	// and above MaxItems mean MaxItems.
	Limit int
	// Reverse lets Scan begin at the upper end.
	Reverse bool

	// Batch is what Apply does.
	Batch Batch
	// Durable makes the result of an Apply wait until it survives a power cut. The
	// result of an Apply that is not Durable says that all later reads see it, and
	// that it survives the end of the process if the driver keeps anything at all. It
	// may be answered with the durable ones of its group. A durable Apply does not
	// make earlier ones durable: what must be found together belongs into one batch.
	Durable bool
	// Patience lets an Apply wait so long for others, whose commit it shares: for what
	// is written often and awaited by nobody, or by nobody in a hurry. Nothing of its
	// owner waits for it. Drivers do not look at it.
	Patience time.Duration
}

// Size returns the bytes that op keeps in memory, roughly: what queues are
// bounded by.
func (op *Op) Size() int {
	const self = 256 // the struct itself and what a queue adds to it
	return self + len(op.Owner) + len(op.Collection) + len(op.Key) + len(op.From) + len(op.To) + op.Batch.Size()
}

// effectiveLimit returns the number of items that a Scan, Owners or Collections
// may return: 1 to MaxItems.
func (op *Op) effectiveLimit() int {
	if op.Limit < 1 || op.Limit > MaxItems {
		return MaxItems
	}
	return op.Limit
}

// Result answers one Op. It belongs to the receiver: no part of it is borrowed.
type Result struct {
	Token Token
	// Err is nil or wraps one of the errors of this package or of the driver.
	Err error
	// Items holds what was read. It may be non-empty only if Err is nil.
	Items []Item
	// More says that the list was cut off by Limit, MaxItems or MaxResultBytes
	// and that at least one more item follows. To go on: From = After(last key) for
	// a forward Scan, To = last key for a reverse one, Key = last key for Owners and
	// Collections.
	More bool
}

// Item is a stored key and its value.
type Item struct {
	Key, Value []byte
}

// After returns the smallest key that is greater than key, in new memory.
func After(key []byte) []byte {
	return append(append(make([]byte, 0, len(key)+1), key...), 0)
}
