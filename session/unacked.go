package session

// Delivery says what else is known of a stanza that is given to Deliver.
type Delivery uint8

// The deliveries. Alone is the usual one.
const (
	// Alone: no other session got the stanza, and nobody keeps it.
	Alone Delivery = iota
	// Copied: other sessions of the account got it as well.
	Copied
	// Kept: who gave it keeps it until it was acknowledged.
	Kept
	// KeptLast: the same, and the client is to be asked for that now.
	KeptLast
)

// Unacked is a stanza that the client has not acknowledged.
type Unacked struct {
	Stanza   []byte // as it was sent; lent by the session
	At       int64  // when it was given to the session, Unix nanoseconds
	Delivery Delivery
}
