package offline

import (
	"slices"

	"github.com/xylem-im/xylem/xep"
)

// noteEmpty, in the place of a state, is the queue of an account for which nothing
// has been stored since its home asked the store, and found nothing: that of
// nearly all accounts.
const noteEmpty = 1

// rest replaces such a queue. It must have nothing under way that knows it.
func (x *offline) rest(a *xep.Home) {
	if q, _ := a.State(x.slot).(*queue); q != nil && q.pristine() {
		a.SetState(x.slot, nil)
		a.SetNote(x.note, noteEmpty)
	}
}

// rested is the queue that was replaced. Who may have messages is not kept: the
// table of sessions has it.
func (x *offline) rested(a *xep.Home) *queue {
	a.SetNote(x.note, 0)
	q := &queue{limits: &x.Options, a: a, loaded: true, next: 1, from: 1}
	list := a.Resources(a.JID(), nil)
	for s := range a.Known() {
		if slices.ContainsFunc(list, func(r xep.Resource) bool { return r.Name == s.JID.Resource() && isReady(r) }) {
			q.ready = append(q.ready, s)
		}
	}
	return q
}

// isReady tells whether a resource may have messages that waited for the account.
func isReady(r xep.Resource) bool { return r.Available && r.Priority >= 0 }

// pristine tells whether the queue is as it was read from an empty store.
func (q *queue) pristine() bool {
	return q.loaded && q.next == 1 && q.stored == 0 && q.left == 0 && q.total == 0 && q.pending() == 0 &&
		len(q.loading) == 0 && !q.learning && len(q.entering) == 0 && len(q.settling) == 0 &&
		len(q.given) == 0 && len(q.undone) == 0 &&
		!q.flushing && !q.held && !q.gone
}
