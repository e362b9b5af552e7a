package xep

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
)

// Host is what one event loop offers to extensions. Its methods are to be
// called on that loop only and never block.
type Host interface {
	// Now is the time of this turn, Unix nanoseconds.
	Now() int64
	// Registry is the frozen registry.
	Registry() *Registry
	// Store submits an operation; done is called on this loop with the result.
	Store(op *storage.Op, done func(*storage.Result))
	// Serves tells whether accounts of a domain are kept here; those of components
	// are not.
	Serves(domain string) bool
	// Services are the domains of the components that are connected now and belong
	// to a domain served here, sorted.
	Services(domain string) []string
	// Resources appends the bound resources of an account to dst.
	Resources(bare jid.JID, dst []Resource) []Resource
	// SetPresence notes a session's availability and priority in the table; false
	// when another session has the resource by now.
	SetPresence(s SessionRef, available bool, priority int8) bool
	// Mark sets and clears marks. With an empty resource in bare: of all resources
	// that the account has now; those that come later take over MarkAccount marks.
	Mark(j jid.JID, set, clear Mark)
	// Route sends a rendered stanza, with from and to, by the delivery rules. It
	// copies st.
	Route(st []byte)
	// Deliver gives a rendered stanza to one session, whatever the rules say; it
	// is lost if the session ends before. If written is not nil it is called later
	// on this loop: true when the client has acknowledged the stanza (XEP-0198) or, without
	// stream management, when it has gone out to the client's connection and nothing of
	// it waits here; false when the session had ended. It copies st.
	Deliver(full jid.JID, st []byte, written func(bool))
	// DeliverTo is Deliver of several stanzas, in order, to this session and to none
	// that has its address after it. taken, which may be nil, is called later on this
	// loop, perhaps more than once: the client has taken the first n of them, as
	// Deliver says; when that is not all, ended tells that the session has and takes no more. The
	// stanzas are kept until then, and may not be changed.
	DeliverTo(s SessionRef, stanzas [][]byte, taken func(n int, ended bool))
	// Multicast delivers one presence to many bare addresses: st without a to
	// attribute, which each recipient's copy gets at offset toAt. Rendered once and
	// handed over by reference. It copies st.
	Multicast(st []byte, toAt int, to []jid.JID)
	// Visit calls f at the home of a local account, which may be another loop; at
	// the earliest after the current handler has returned.
	Visit(bare jid.JID, f func(*Home))
	// Disconnect ends a session with a stream error.
	Disconnect(full jid.JID, e stanza.StreamError)
	// Exists tells by done, called on this loop, whether there is such an account:
	// in the store, or as the Authenticator of an embedding program says.
	Exists(bare jid.JID, done func(exists bool, err error))
	// ForeignAccounts tells whether accounts are kept by an embedding program's
	// Authenticator, and not in the store.
	ForeignAccounts() bool
	// SetPassword changes the password of an account, and ends its tokens (XEP-0484)
	// and its sessions but for by, which asked for it; done is called later on this
	// loop. Errors: ErrForeignAccounts, ErrPassword, those of storage.
	SetPassword(bare jid.JID, password string, by SessionRef, done func(error))
	// DeleteAccount removes an account and all that it owns, but ends no session;
	// done is called later on this loop. Errors: ErrForeignAccounts, those of storage.
	DeleteAccount(bare jid.JID, done func(error))
	// Recalls tells whether something is known of the time before this process: its
	// journal says so for a while when the one before it did not stop in order.
	Recalls() bool
	// Recalled tells what is known of a rendered message from then, by its stable ids
	// (XEP-0359).
	Recalled(st []byte) Recalled
	// NoteStored notes that a message is stored: while Recalls, one with the same
	// stable id that is sent again is dropped.
	NoteStored(st []byte)
	// NewID makes an unguessable id of 22 characters.
	NewID() string
	// LentID is NewID without an allocation: valid until the next call of either on this
	// loop. Who keeps it clones it.
	LentID() string
}

// Recalled is what is known of a message; 0: nothing.
type Recalled uint8

// What may be known.
const (
	RecalledTaken  Recalled = 1 << iota // a client of the account has it
	RecalledStored                      // it is stored for the account, or was
)

// Resource is what the table says of a bound resource.
type Resource struct {
	Name      string // the resourcepart
	Available bool
	Priority  int8
	Marks     Mark
}

// Mark is a flag that a resource carries in the routing table, where every
// loop can read it without asking the account's home.
type Mark uint16

// The marks. The numbers are those of routing.Flags.
const (
	// MarkInterested: the resource asked for the roster, RFC 6121 §2.2.
	MarkInterested Mark = 1 << iota
	// MarkCarbons: the resource gets carbons, XEP-0280.
	MarkCarbons
	// MarkAccountCarbons: some resource of the account gets carbons.
	MarkAccountCarbons
	// MarkFilter: stanzas to and from the account pass through its filters.
	MarkFilter
	// MarkArchive: messages to and from the account are archived.
	MarkArchive
	// MarkHeld: older messages wait for the account; chat and normal messages
	// that would be delivered to the resource pass through Registry.Hold.
	MarkHeld
	// MarkDetached: nobody is connected; the session waits to be resumed (XEP-0198),
	// and what comes for it is queued.
	MarkDetached
	// MarkManaged: the session has stream management on, so that it tells what it
	// has got.
	MarkManaged
)

// MarkSeveral: the account has several sessions, connected or detached. The routing
// table itself sets and clears it.
const MarkSeveral Mark = 1 << 15

// MarkAccount is the marks that hold for all resources of an account.
const MarkAccount = MarkAccountCarbons | MarkFilter | MarkArchive | MarkHeld
