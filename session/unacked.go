package session

// Delivery says what else is known of a stanza that is given to Deliver.
type Delivery uint8

// The deliveries: Alone is the usual one; the others can be joined.
const (
	// Copied: other sessions of the account got the stanza as well.
	Copied Delivery = 1 << iota
	// Kept: who gave it keeps it until it was acknowledged.
	Kept
	// Awaited: somebody waits for the acknowledgement, so the client is asked at once.
	Awaited

	// Alone: no other session got the stanza, and nobody keeps it.
	Alone Delivery = 0
	// KeptLast is the last of what somebody waits for.
	KeptLast = Kept | Awaited
)

// Unacked is a stanza that the client has not acknowledged.
type Unacked struct {
	Stanza   []byte // as it was sent; valid until the session gives out another one or one is acknowledged
	At       int64  // when it was given to the session, Unix nanoseconds
	Delivery Delivery
}
