package xep

import (
	"fmt"
	"time"

	"github.com/xylem-im/xylem/stanza"
)

// Keeper is who stores messages that sessions have got, but not acknowledged
// (XEP-0198): so they survive the end of the process. They stay with their
// session as long as that lives. All functions are called at the account's home.
type Keeper struct {
	// Stores tells whether v is of a kind that is stored. Called on any loop.
	Stores func(v *stanza.View) bool
	// Keep stores a message behind all that are stored. What is not of a kind that
	// is stored is done at once.
	Keep func(a *Home, s SessionRef, k Kept)
	// Taken tells that the session has acknowledged the messages up to a serial.
	Taken func(a *Home, s SessionRef, upTo uint64)
	// Release tells that the session has ended without acknowledging a message:
	// when it is stored, or on its way there, it waits for another session from
	// now on, or is removed when drop is set; else the result is false.
	Release func(a *Home, s SessionRef, serial uint64, drop bool) (stored bool)
	// Pass lets the heir have, by its own serial, a message that a session had which
	// has ended without acknowledging it: when that is stored, or on its way there;
	// else the result is false. failed is Kept.Failed from now on.
	Pass func(a *Home, s SessionRef, serial uint64, heir SessionRef, heirSerial uint64, failed func(stanza.Error)) (stored bool)
	// Places tells where the messages of a session are stored, for Restore after a
	// restart; done is called when all that Keep was given is stored or has failed.
	// page is the serials of the messages that DeliverTo gave to the session and
	// that it has not acknowledged.
	Places func(a *Home, s SessionRef, page []uint64, done func([]Place))
	// Restore lets a session have messages that it had before a restart; done is
	// called when nobody else can get them any more.
	Restore func(a *Home, s SessionRef, places []Place, done func(error))
}

// Place is where a message of a session is stored. Number and Size are the
// keeper's own.
type Place struct{ Serial, Number, Size uint64 }

// Kept is a message to be stored for a session that has it. Keep ends Req with
// Done when it is durable, or calls Failed when it cannot be stored; or Req.Error,
// when the session has ended meanwhile.
type Kept struct {
	Req    *Request
	Serial uint64 // by which the session knows it; they grow
	Failed func(stanza.Error)
	// Patience is how long the commit may wait for those of other accounts.
	Patience time.Duration
}

// Keeper sets the one that keeps messages. ErrTaken when there is one.
func (r *Registry) Keeper(k Keeper) error {
	if r.keeper != nil {
		return fmt.Errorf("%w: keeper of messages", ErrTaken)
	}
	r.keeper = &k
	return nil
}

// Keeps is the keeper of messages; nil when there is none.
func (r *Registry) Keeps() *Keeper { return r.keeper }
