package xep

import (
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// Message is a hook on the way of messages, called on the sender's loop, only
// where the marks say so. It may not change or keep the message.
type Message struct {
	When Mark // one of these marks must be set on the account concerned
	// Sent is called for a message that a session of a marked account sends.
	Sent func(h Host, m *MessageView)
	// Received is called for a message that is delivered to a marked account.
	Received func(h Host, m *MessageView)
}

// MessageView lends a message to a hook. valid until the hook returns.
type MessageView struct {
	View      *stanza.View
	From      jid.JID        // full address of the sender
	To        jid.View       // the addressee
	Forward   stanza.Forward // how it is stamped on its way, with the id that the hook's account knows it by
	Delivered []Resource     // the addressee's resources that get it
}

// Direction tells whose sessions get copies of a message.
type Direction uint8

const (
	// Sent is for those of the sender's account, but for the one that sent it.
	Sent Direction = iota
	// Received is for those of the addressee's account that do not get the message itself.
	Received
)

// Copier has messages copied to sessions of the accounts that they come from and go to.
// Where both are the same account, they are copied as Sent alone, to sessions that do
// not get them. Copies go to their session or nowhere. The engine may do for several
// messages in a row what depends on the accounts and their sessions alone.
type Copier struct {
	Account Mark // on all sessions of an account of which some get copies
	Session Mark // on those that do
	// Copied tells by the message itself, which is on its way from from, whether it is
	// copied, in the one direction and the other. It is called on any loop, and may not keep
	// or change the message.
	Copied func(v *stanza.View, from jid.JID) (sent, received bool)
	// Begin appends what stands before the message in its copy for a resource, in which
	// jabber:client is not the default namespace. Of v it depends on the type attribute as
	// it is written, and nothing else.
	Begin func(b []byte, v *stanza.View, d Direction, account jid.JID, resource string) []byte
	// End is what stands behind the message, by Direction.
	End [2]string
}

// SetCopier sets the one that there may be. ErrTaken when another extension has set one.
func (r *Registry) SetCopier(c Copier) error {
	if r.copier != nil {
		return fmt.Errorf("%w: copies of messages", ErrTaken)
	}
	r.copier = &c
	return nil
}

// Copier is what copies messages; nil: nothing does.
func (r *Registry) Copier() *Copier { return r.copier }

// Message adds a hook on the way of messages.
func (r *Registry) Message(m Message) { r.messages = append(r.messages, m) }

// Messages are the hooks on messages.
func (r *Registry) Messages() []Message { return r.messages }

// Offline sets the one handler of messages for an account none of whose
// sessions may have them. c is the error that the sender gets if the message is
// not stored.
func (r *Registry) Offline(handle func(a *Home, req *Request, c stanza.Condition)) error {
	if r.offline != nil {
		return fmt.Errorf("%w: offline messages", ErrTaken)
	}
	r.offline = handle
	return nil
}

// HandlesOffline tells whether an extension stores messages.
func (r *Registry) HandlesOffline() bool { return r.offline != nil }

// Hold sets a function that is asked about a message for a resource that
// carries MarkHeld and about to be delivered to targets: true hands it to the
// handler of offline messages instead, to keep it behind older ones. ErrTaken
// when another extension has set one.
func (r *Registry) Hold(f func(a *Home, req *Request, targets []Resource) bool) error {
	if r.hold != nil {
		return fmt.Errorf("%w: messages to be held", ErrTaken)
	}
	r.hold = f
	return nil
}

// StanzaIDs sets the one function that makes the ids by which an account knows
// its messages (XEP-0359): of those that wait in the offline store, and of all
// that are routed to or from accounts with MarkArchive. It is called on any loop,
// once for each message, and returns "" for one that gets none; what it is given
// is valid until it returns, and what it returns may be lent until it is called again
// on that loop. Without such a function no message gets an id.
// ErrTaken when there is one: an archive, which knows its messages by ids of
// its own, takes the place of what makes them otherwise.
func (r *Registry) StanzaIDs(f func(h Host, account jid.View, v *stanza.View) (id string)) error {
	if r.ids != nil {
		return fmt.Errorf("%w: stanza ids", ErrTaken)
	}
	r.ids = f
	return nil
}
