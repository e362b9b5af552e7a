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
	copier     *Copier
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

// Filter adds a check on stanzas to and from accounts that carry MarkFilter,
// called at the account's home before anything else: ok false refuses it with
// the error, or drops it when the error has no condition. Request.Own tells
// the account's own stanzas from those of others.
func (r *Registry) Filter(f func(a *Home, req *Request) (e stanza.Error, ok bool)) {
	r.filters = append(r.filters, f)
}

// Deleted adds a function that is called when an account is about to be deleted:
// what it asks the store for before it returns is still there. The engine empties
// the store when the account has no operation under way any more.
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
