package xep

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// Target is whom an IQ is addressed to, or who has a feature.
type Target uint8

const (
	// Server is the domain itself.
	Server Target = iota
	// Account is the bare address of an account that is served here, or no
	// address at all, which is the sender's own account (RFC 6120 §10.3.3).
	Account
)

// IQ is a handler for one kind of request.
type IQ struct {
	Target          Target
	Get, Set        bool   // the types it handles; the other gets not-allowed
	Namespace, Name string // of the one child
	// Own limits a handler for accounts to requests that the account's own
	// sessions sent; others get service-unavailable (RFC 6121 §8.5.1, §2.1.5).
	Own bool
	// Handle answers the request, at once or later, exactly once. a is the account
	// addressed; for Server the account of the sender.
	Handle func(a *Home, req *Request)
}

// Identity is an identity of service discovery, XEP-0030 §3.1.
type Identity struct {
	Target               Target
	Category, Type, Name string
	Lang                 string // xml:lang of the name; empty: not said
}

// Session hooks follow the sessions of an account, at its home.
type Session struct {
	// Opened is called when a resource was bound, before anything that the
	// session sends is handled; done must be called once, now or later.
	Opened func(a *Home, s SessionRef, done func())
	// Available is called when a resource becomes available (initial presence,
	// RFC 6121 §4.2), changes its priority, or becomes unavailable. before tells
	// what it was. The handler of presence calls it, see SessionAvailable.
	Available func(a *Home, s SessionRef, before, now Resource)
	// Closed is called when a session has ended, however it did. Where another
	// session took over its resource, Opened of that may come first. It is called
	// also where Opened of an extension before this one was not done yet.
	Closed func(a *Home, s SessionRef)

	// Name names what Save keeps; needed with it.
	Name string
	// Save is called when the server stops and the session is kept to be resumed
	// after the restart: what the extension must know of it then, at most MaxSaved
	// bytes; nothing: no call of Restore. Closed is not called.
	Save func(a *Home, s SessionRef) []byte
	// Restore is called after the start, behind Opened, with what Save has kept; done
	// must be called once. What it cannot read it leaves.
	Restore func(a *Home, s SessionRef, saved []byte, done func())
}

// MaxSaved bounds what one extension may keep of a session, in bytes.
const MaxSaved = 64 << 10

// SessionRef names one session. Two sessions may have the same address, one
// after the other, but never the same ID.
type SessionRef struct {
	JID jid.JID // full
	ID  uint64  // never 0 for a local session
}

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

// Registry collects what the extensions add. It is filled by their Register
// functions and then frozen; until then it is not safe for concurrent use,
// afterwards it is only read.
type Registry struct {
	iqs        map[iqKey]*IQ
	features   [2][]string
	identities []Identity
	streams    [][]byte
	inline     []Inline
	sessions   []Session
	messages   []Message
	presence   func(*Home, *Request)
	offline    func(*Home, *Request, stanza.Condition)
	filters    []func(*Home, *Request) (stanza.Error, bool)
	stamps     []func(*Home, *stanza.View, []byte) []byte
	restamp    func(*Home)
	deleted    []func(*Home)
	prepares   []func(*Home, func(error))
	blocks     []func(*Home, jid.JID) bool
	hold       func(*Home, *Request, []Resource) bool
	keeper     *Keeper
	ids        func(Host, jid.View, *stanza.View) string
	access     PresenceAccess
	guards     []Guard
	watchers   func(*Home, func([]jid.JID))
	forms      []Form
	nodes      [2][]string
	late       []func(*Registry)
	limits     map[string]int
	slots      int
	notes      int
	frozen     bool
}

type iqKey struct {
	target          Target
	namespace, name string
}

// NewRegistry makes an empty one.
func NewRegistry() *Registry {
	return &Registry{iqs: make(map[iqKey]*IQ), limits: make(map[string]int)}
}

// ErrFrozen says that something was registered after traffic had begun.
var ErrFrozen = errors.New("xep: the registry is frozen")

// ErrTaken says that two extensions claim the same thing.
var ErrTaken = errors.New("xep: registered twice")

// IQ adds a handler. ErrTaken when the namespace and name have one for that
// target already.
func (r *Registry) IQ(h IQ) error {
	if r.frozen {
		return ErrFrozen
	}
	key := iqKey{h.Target, h.Namespace, h.Name}
	if _, taken := r.iqs[key]; taken {
		return fmt.Errorf("%w: <%s xmlns='%s'/>", ErrTaken, h.Name, h.Namespace)
	}
	r.iqs[key] = &h
	return nil
}

// Feature announces namespaces in service discovery of a target.
func (r *Registry) Feature(t Target, namespaces ...string) {
	for _, ns := range namespaces {
		if !slices.Contains(r.features[t], ns) {
			r.features[t] = append(r.features[t], ns)
		}
	}
}

// Identity announces an identity in service discovery.
func (r *Registry) Identity(i Identity) { r.identities = append(r.identities, i) }

// StreamFeature adds an element to the stream features that an authenticated
// client sees before it binds a resource.
func (r *Registry) StreamFeature(element string) { r.streams = append(r.streams, []byte(element)) }

// Inline is what a client may switch on while it binds a resource by Bind 2
// (XEP-0386 §4.2): nothing that comes for the session passes it by.
type Inline struct {
	Feature         string // as announced: a namespace or feature of service discovery
	Namespace, Name string // of the element that asks for it
	Own, Account    Mark   // the marks that switch it on, of the session and of its account
}

// maxInline is how many features sessions can tell apart.
const maxInline = 32

// Inline adds a feature that goes with the binding of a resource. ErrTaken when
// another has the element.
func (r *Registry) Inline(f Inline) error {
	if r.frozen {
		return ErrFrozen
	}
	for _, g := range r.inline {
		if g.Namespace == f.Namespace && g.Name == f.Name {
			return fmt.Errorf("%w: inline <%s xmlns='%s'/>", ErrTaken, f.Name, f.Namespace)
		}
	}
	if len(r.inline) == maxInline {
		return fmt.Errorf("xep: more than %d inline features", maxInline)
	}
	r.inline = append(r.inline, f)
	return nil
}

// Inlines are the features that go with the binding of a resource.
func (r *Registry) Inlines() []Inline { return r.inline }

// Session adds hooks on the life of sessions.
func (r *Registry) Session(s Session) { r.sessions = append(r.sessions, s) }

// Message adds a hook on the way of messages.
func (r *Registry) Message(m Message) { r.messages = append(r.messages, m) }

// Presence sets the one handler of presence: what a session of the account
// sends (broadcast, directed, subscription), and what comes to the account
// itself (subscription, probe, error) from others; Request.Own tells which.
func (r *Registry) Presence(handle func(*Home, *Request)) error {
	if r.presence != nil {
		return fmt.Errorf("%w: presence", ErrTaken)
	}
	r.presence = handle
	return nil
}

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
// is valid until it returns. Without such a function no message gets an id.
// ErrTaken when there is one: an archive, which knows its messages by ids of
// its own, takes the place of what makes them otherwise.
func (r *Registry) StanzaIDs(f func(h Host, account jid.View, v *stanza.View) (id string)) error {
	if r.ids != nil {
		return fmt.Errorf("%w: stanza ids", ErrTaken)
	}
	r.ids = f
	return nil
}

// Filter adds a check on stanzas to and from accounts that carry MarkFilter,
// called at the account's home before anything else: ok false refuses it with
// the error, or drops it when the error has no condition. Request.Own tells
// the account's own stanzas from those of others.
func (r *Registry) Filter(f func(a *Home, req *Request) (e stanza.Error, ok bool)) {
	r.filters = append(r.filters, f)
}

// StampPresence adds a function that appends elements to the presence that
// the account's sessions broadcast or direct.
func (r *Registry) StampPresence(f func(a *Home, v *stanza.View, dst []byte) []byte) {
	r.stamps = append(r.stamps, f)
}

// Restamps sets the one function that broadcasts the presence of an account's
// resources anew where what StampPresence adds has changed. The handler of
// presence sets it; others ask by Restamp. ErrTaken when there is one.
func (r *Registry) Restamps(f func(a *Home)) error {
	if r.restamp != nil {
		return fmt.Errorf("%w: stamps on presence", ErrTaken)
	}
	r.restamp = f
	return nil
}

// Deleted adds a function that is called when an account was deleted, before
// its home is forgotten. The store is emptied by the engine.
func (r *Registry) Deleted(f func(a *Home)) { r.deleted = append(r.deleted, f) }

// State reserves a place in every Home for an extension's own state.
func (r *Registry) State() (slot int) {
	slot = r.slots
	r.slots++
	return slot
}

// Note reserves a byte in every Home, for an extension that has a byte to keep of
// nearly all accounts, where a state would cost memory. ErrTaken when others have all.
func (r *Registry) Note() (place int, err error) {
	if r.notes == maxNotes {
		return 0, fmt.Errorf("%w: notes of a home", ErrTaken)
	}
	r.notes++
	return r.notes - 1, nil
}

// Freeze ends registration and sorts what discovery lists.
func (r *Registry) Freeze() {
	r.frozen = true
	for t := range r.features {
		slices.Sort(r.features[t])
	}
	for _, f := range r.late {
		f(r)
	}
}

// Features are the namespaces announced for a target, sorted.
func (r *Registry) Features(t Target) []string { return r.features[t] }

// Identities are those announced for a target.
func (r *Registry) Identities(t Target) (list []Identity) {
	for _, i := range r.identities {
		if i.Target == t {
			list = append(list, i)
		}
	}
	return list
}

// StreamFeatures are the elements announced before resource binding.
func (r *Registry) StreamFeatures() []byte { return slices.Concat(r.streams...) }

// Messages are the hooks on messages.
func (r *Registry) Messages() []Message { return r.messages }

// HandlesPresence tells whether an extension has taken presence over.
func (r *Registry) HandlesPresence() bool { return r.presence != nil }

// HandlesOffline tells whether an extension stores messages.
func (r *Registry) HandlesOffline() bool { return r.offline != nil }
