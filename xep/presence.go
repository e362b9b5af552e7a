package xep

import (
	"fmt"

	"github.com/xylem-im/xylem/stanza"
)

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

// HandlesPresence tells whether an extension has taken presence over.
func (r *Registry) HandlesPresence() bool { return r.presence != nil }

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
