package offline

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// Feature is what service discovery says, XEP-0160 §4.
const Feature = "msgoffline"

// Options of the extension. The zero value is usable.
type Options struct {
	// MaxMessages bounds what is kept for one account. Default 1,000.
	MaxMessages int
	// MaxBytes bounds the bytes of these messages. Default 8,388,608.
	MaxBytes int
}

func (o Options) withDefaults() Options {
	if o.MaxMessages <= 0 {
		o.MaxMessages = 1000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 8 << 20
	}
	return o
}

// New returns the function that registers the extension.
func New(o Options) func(*xep.Registry) error {
	return func(r *xep.Registry) error {
		note, err := r.Note()
		if err != nil {
			return err
		}
		x := &offline{Options: o.withDefaults(), slot: r.State(), note: note}
		r.Feature(xep.Server, Feature)
		r.Session(xep.Session{Opened: x.opened, Available: x.available, Closed: x.closed})
		r.Deleted(x.deleted)
		return errors.Join(r.Hold(x.hold), r.Offline(x.handle),
			r.Keeper(xep.Keeper{Stores: func(v *stanza.View) bool { return storable(v) == stored }, Keep: x.keep, Taken: x.taken, Release: x.release, Pass: x.pass,
				Places: x.places, Restore: x.restore}))
	}
}

// offline is the extension. It never changes once registered.
type offline struct {
	Options
	slot, note int // in every Home
}

// queue is the account's state, made when it is first needed.
func (x *offline) queue(a *xep.Home) *queue {
	if q, ok := a.State(x.slot).(*queue); ok {
		return q
	}
	q := &queue{limits: &x.Options, a: a}
	if a.Note(x.note) == noteEmpty {
		q = x.rested(a)
	}
	a.SetState(x.slot, q)
	return q
}

// handle takes a message that no session may have now; c is the error for
// what is not kept.
func (x *offline) handle(a *xep.Home, req *xep.Request, c stanza.Condition) {
	q := x.queue(a)
	what := storable(req.View)
	switch {
	case what == dropped:
		req.Done()
	case what == refused || q.gone:
		req.Error(stanza.Error{Condition: c})
	case !a.ForeignAccounts():
		q.enqueue(newEntry(a, req, c)) // the store is asked whether the account exists, see write
	default:
		e := newEntry(a, req, c)
		a.Exists(func(exists bool, err error) {
			switch {
			case err != nil:
				req.Error(xep.StorageError(err))
			case !exists:
				req.Error(stanza.Error{Condition: c})
			default:
				q.enqueue(e)
			}
		})
	}
}

// enqueue puts a message behind those that are stored.
func (q *queue) enqueue(e *entry) {
	q.load(func(err error) {
		if err != nil {
			e.req.Error(xep.StorageError(err))
			return
		}
		if q.a.Recalls() && q.a.Recalled(e.xml()) != 0 { // it was stored before its sender was told
			e.req.Done()
			return
		}
		q.append(e)
	})
}

// hold keeps a message behind those that are being delivered to one of its
// targets.
func (x *offline) hold(a *xep.Home, req *xep.Request, targets []xep.Resource) bool {
	q := x.queue(a)
	return q.delivers(targets) && storable(req.View) == stored
}

// opened holds what comes for the new session if messages wait for it.
func (x *offline) opened(a *xep.Home, s xep.SessionRef, done func()) {
	q := x.queue(a)
	q.gone = false
	q.load(func(err error) {
		switch {
		case err != nil: // not known: nothing may overtake
			q.held = true
			a.Mark(a.JID(), xep.MarkHeld, 0)
		case q.held || q.older():
			q.held = true
			a.Mark(s.JID, xep.MarkHeld, 0)
		default: // it was held for what the session before it has left, which is on its way now
			a.Visit(a.JID(), func(a *xep.Home) {
				if q := x.queue(a); !q.held {
					a.Mark(s.JID, 0, xep.MarkHeld)
				}
			})
		}
		x.rest(a)
		done()
	})
}

// available delivers to a session that may have messages now.
func (x *offline) available(a *xep.Home, s xep.SessionRef, _, now xep.Resource) {
	q := x.queue(a)
	if !isReady(now) {
		q.unready(s)
		x.rest(a)
		return
	}
	q.readyNow(s)
	q.load(func(error) {
		q.run()
		x.rest(a)
	})
}

func (x *offline) closed(a *xep.Home, s xep.SessionRef) {
	x.queue(a).unready(s)
	x.rest(a)
}

// deleted keeps what is still on its way to an account that is being deleted
// from being left behind for the next one of that name.
func (x *offline) deleted(a *xep.Home) {
	q := x.queue(a)
	q.gone, q.known, q.ready = true, false, nil
}
