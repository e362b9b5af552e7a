package blocking

import (
	"slices"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Namespaces, XEP-0191 §8.
const (
	NS       = "urn:xmpp:blocking"
	NSErrors = "urn:xmpp:blocking:errors"
)

// Options of the extension. The zero value is usable.
type Options struct {
	// MaxItems bounds an account's list; what passes it, or 262,144 bytes, is
	// refused with resource-constraint. Default 1,000.
	MaxItems int
}

// New returns the function that registers the extension.
func New(o Options) func(*xep.Registry) error {
	if o.MaxItems <= 0 {
		o.MaxItems = 1000
	}
	return func(r *xep.Registry) error {
		x := &blocking{Options: o, slot: r.State()}
		r.Feature(xep.Server, NS)
		r.Feature(xep.Account, NS)
		r.Prepare(x.prepare)
		r.Filter(x.filter)
		r.Block(x.blocks)
		r.Session(xep.Session{Opened: x.opened, Closed: x.closed, Name: "blocking", Save: x.save, Restore: x.restore})
		r.Deleted(func(a *xep.Home) { a.SetState(x.slot, nil) })
		for _, h := range []xep.IQ{
			{Get: true, Name: "blocklist", Handle: x.get},
			{Set: true, Name: "block", Handle: x.block},
			{Set: true, Name: "unblock", Handle: x.unblock},
		} {
			h.Target, h.Namespace, h.Own = xep.Account, NS, true
			if err := r.IQ(h); err != nil {
				return err
			}
		}
		return nil
	}
}

// blocking is the extension. It never changes once registered.
type blocking struct {
	Options
	slot int
}

// account is what is known of an account, while it has a Home.
type account struct {
	list       list
	interested []xep.SessionRef // asked for the list, and get its changes
	changing   bool             // a change is being stored
	changes    []func()         // those behind it; each is of another session, which waits
}

// list is the account's list, once it was loaded.
func (x *blocking) list(a *xep.Home) list {
	if acc, ok := a.State(x.slot).(*account); ok {
		return acc.list
	}
	return nil
}

// of is the account's state, which those that block nobody have no use for
// until they ask.
func (x *blocking) of(a *xep.Home) *account {
	acc, _ := a.State(x.slot).(*account)
	if acc == nil {
		acc = &account{}
		a.SetState(x.slot, acc)
	}
	return acc
}

// opened lets what the new session sends and gets pass through the home. When
// the list could not be read, that is where it is tried again.
func (x *blocking) opened(a *xep.Home, s xep.SessionRef, done func()) {
	if !a.IsPrepared() || len(x.list(a)) > 0 {
		a.Mark(s.JID, xep.MarkFilter, 0)
	}
	done()
}

func (x *blocking) closed(a *xep.Home, s xep.SessionRef) {
	if acc, ok := a.State(x.slot).(*account); ok {
		acc.forget(s)
	}
}

// filter is §3.3: what the two sides hear of a stanza that may not pass.
func (x *blocking) filter(a *xep.Home, req *xep.Request) (e stanza.Error, ok bool) {
	other := req.From
	if req.Own {
		other = req.To
	}
	switch {
	case other.IsZero() || !x.blocks(a, other):
		return e, true
	case req.Own:
		return stanza.Error{Condition: stanza.NotAcceptable, Type: stanza.Cancel,
			App: []byte("<blocked xmlns='" + NSErrors + "'/>")}, false
	case req.View.Kind == stanza.KindPresence:
		return e, false
	}
	return stanza.Error{Condition: stanza.ServiceUnavailable}, false
}

// save keeps whether a session gets the changes of the list.
func (x *blocking) save(a *xep.Home, s xep.SessionRef) []byte {
	if slices.ContainsFunc(x.of(a).interested, func(i xep.SessionRef) bool { return i.ID == s.ID }) {
		return []byte{1}
	}
	return nil
}

func (x *blocking) restore(a *xep.Home, s xep.SessionRef, _ []byte, done func()) {
	acc := x.of(a)
	acc.interested = append(acc.interested, s)
	done()
}
