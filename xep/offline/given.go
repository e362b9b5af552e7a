package offline

import (
	"slices"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// given is the stored messages that sessions have got and not acknowledged, by
// session (xep.SessionRef.ID), oldest first. They stay stored, and wait again if
// the session ends.
type given map[uint64][]held

// held is one of them.
type held struct {
	place
	serial uint64 // by which the session knows it
}

// has tells whether a session has the message of that number.
func (g given) has(number uint64) bool {
	for _, list := range g {
		if slices.ContainsFunc(list, func(h held) bool { return h.number == number }) {
			return true
		}
	}
	return false
}

// count is how many there are.
func (g given) count() (n int) {
	for _, list := range g {
		n += len(list)
	}
	return n
}

// add notes that a session has a message, behind those that it had.
func (g *given) add(session uint64, h held) {
	if *g == nil {
		*g = make(given)
	}
	(*g)[session] = append((*g)[session], h)
}

// cut takes out the messages that a session has acknowledged, up to a serial.
func (g given) cut(session, upTo uint64) (places []place) {
	list := slices.DeleteFunc(g[session], func(h held) bool {
		if h.serial <= upTo {
			places = append(places, h.place)
		}
		return h.serial <= upTo
	})
	g.set(session, list)
	return places
}

func (g given) set(session uint64, list []held) {
	if len(list) > 0 {
		g[session] = list
	} else {
		delete(g, session)
	}
}

// The functions of this file that follow are those of xep.Keeper.

// keep stores a message that a session has and may never acknowledge.
func (x *offline) keep(a *xep.Home, s xep.SessionRef, k xep.Kept) {
	q := x.queue(a)
	if q.gone || storable(k.Req.View) != stored {
		k.Req.Done()
		return
	}
	e := newEntry(a, k.Req, stanza.ServiceUnavailable)
	e.kept, e.holder = &k, s.ID
	q.entering = append(q.entering, e)
	q.load(func(err error) {
		q.entered(e)
		switch {
		case err != nil:
			e.fail(xep.StorageError(err))
		case e.taken:
			e.req.Done()
		default:
			q.append(e)
		}
		q.settledKept()
	})
}

// entered is the end of the wait for the queue to be loaded; who has waited the
// longest comes first.
func (q *queue) entered(e *entry) {
	if i := slices.Index(q.entering, e); i > 0 {
		q.entering = slices.Delete(q.entering, i, i+1)
		return
	}
	q.entering[0] = nil
	if q.entering = q.entering[1:]; len(q.entering) == 0 {
		q.entering = nil
	}
}

// taken removes what a session has acknowledged, up to a serial.
func (x *offline) taken(a *xep.Home, s xep.SessionRef, upTo uint64) {
	q := x.queue(a)
	q.remove(q.given.cut(s.ID, upTo))
	q.each(func(e *entry) {
		if e.holder == s.ID && e.kept.Serial <= upTo {
			e.taken = true
		}
	})
}

// each calls f for the messages that are on their way into the store.
func (q *queue) each(f func(*entry)) {
	for _, e := range q.writing {
		f(e)
	}
	for _, e := range q.waiting {
		f(e)
	}
	for _, e := range q.entering {
		f(e)
	}
}

// release is the end of a session for one message that it had: it waits for
// another, or is dropped. It tells whether the message is stored, or about to be.
func (x *offline) release(a *xep.Home, s xep.SessionRef, serial uint64, drop bool) (found bool) {
	q := x.queue(a)
	list := q.given[s.ID]
	i := slices.IndexFunc(list, func(h held) bool { return h.serial == serial })
	if found = i >= 0; found {
		at := list[i].place
		q.given.set(s.ID, slices.Delete(list, i, i+1))
		if drop {
			q.remove([]place{at})
		} else {
			q.giveBack([]place{at})
		}
	}
	q.each(func(e *entry) {
		if e.holder != s.ID || e.kept.Serial != serial || e.taken {
			return
		}
		found = true
		if e.taken = drop; !drop {
			e.holder = 0
			if !slices.Contains(q.entering, e) {
				q.pendingOlder++
			}
		}
	})
	q.mark()
	q.run()
	return found
}

// pass lets another session have what one had that has ended.
func (x *offline) pass(a *xep.Home, s xep.SessionRef, serial uint64, heir xep.SessionRef, heirSerial uint64, failed func(stanza.Error)) (found bool) {
	q := x.queue(a)
	list := q.given[s.ID]
	if i := slices.IndexFunc(list, func(h held) bool { return h.serial == serial }); i >= 0 {
		at := list[i].place
		q.given.set(s.ID, slices.Delete(list, i, i+1))
		q.given.add(heir.ID, held{at, heirSerial})
		return true
	}
	q.each(func(e *entry) {
		if e.holder == s.ID && e.kept.Serial == serial && !e.taken {
			e.holder, e.kept.Serial, e.kept.Failed = heir.ID, heirSerial, failed
			found = true
		}
	})
	return found
}

// places is xep.Keeper.Places.
func (x *offline) places(a *xep.Home, s xep.SessionRef, page []uint64, done func([]xep.Place)) {
	q := x.queue(a)
	a.Busy++
	q.settling = append(q.settling, func() {
		a.Busy--
		var list []xep.Place
		for _, h := range q.given[s.ID] {
			list = append(list, xep.Place{Serial: h.serial, Number: h.number, Size: h.size})
		}
		if len(q.ready) > 0 && q.ready[0].ID == s.ID {
			for i := range min(len(page), len(q.page)) {
				list = append(list, xep.Place{Serial: page[i], Number: q.page[i].number, Size: q.page[i].size})
			}
		}
		done(list)
	})
	q.settledKept()
}

// settledKept calls those who wait for that.
func (q *queue) settledKept() {
	busy := func(e *entry) bool { return e.holder != 0 }
	if len(q.settling) == 0 || slices.ContainsFunc(q.writing, busy) || slices.ContainsFunc(q.waiting, busy) || slices.ContainsFunc(q.entering, busy) {
		return
	}
	settling := q.settling
	q.settling = nil
	for _, f := range settling {
		f()
	}
}

// restore is xep.Keeper.Restore.
func (x *offline) restore(a *xep.Home, s xep.SessionRef, places []xep.Place, done func(error)) {
	q := x.queue(a)
	q.load(func(err error) {
		if err == nil {
			for _, p := range places {
				q.given.add(s.ID, held{place{p.Number, p.Size}, p.Serial})
			}
			q.left = max(q.left-len(places), 0)
			q.mark()
		}
		done(err)
	})
}
