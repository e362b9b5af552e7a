package offline

import "github.com/xylem-im/xylem/xep"

// empty stands for the queue of an account for which nothing has been stored
// since its home asked the store, and found nothing: a tenth of a queue, for
// nearly all accounts.
type empty struct{ ready xep.SessionRef } // the session that may have messages; zero: none

// rest replaces such a queue. It must have nothing under way that knows it.
func (x *offline) rest(a *xep.Home) {
	q, _ := a.State(x.slot).(*queue)
	if q == nil || !q.pristine() || len(q.ready) > 1 {
		return
	}
	e := &empty{}
	if len(q.ready) == 1 {
		e.ready = q.ready[0]
	}
	a.SetState(x.slot, e)
}

// pristine tells whether the queue is as it was read from an empty store.
func (q *queue) pristine() bool {
	return q.loaded && q.next == 1 && q.stored == 0 && q.left == 0 && q.total == 0 && q.pending() == 0 &&
		len(q.loading) == 0 && !q.learning && len(q.entering) == 0 && len(q.settling) == 0 &&
		len(q.given) == 0 && len(q.undone) == 0 &&
		!q.flushing && !q.held && !q.gone
}

// queue is what e stands for.
func (e *empty) queue(x *offline, a *xep.Home) *queue {
	q := &queue{limits: &x.Options, a: a, loaded: true, next: 1, from: 1}
	if e.ready.ID != 0 {
		q.ready = []xep.SessionRef{e.ready}
	}
	return q
}
