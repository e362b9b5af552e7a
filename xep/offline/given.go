package offline

import (
	"cmp"
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
		_, found := slices.BinarySearchFunc(list, number, func(h held, n uint64) int { return cmp.Compare(h.number, n) })
		if found {
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

// cut takes the messages up to index n out.
func (g given) cut(session uint64, n int) {
	if rest := g[session][n:]; len(rest) > 0 {
		g[session] = rest
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
		q.entering = slices.DeleteFunc(q.entering, func(o *entry) bool { return o == e })
		switch {
		case err != nil:
			e.fail(xep.StorageError(err))
		case e.taken:
			e.req.Done()
		default:
			q.append(e)
		}
	})
}

// taken removes what a session has acknowledged, up to a serial.
func (x *offline) taken(a *xep.Home, s xep.SessionRef, upTo uint64) {
	q := x.queue(a)
	list := q.given[s.ID]
	n := 0
	var places []place
	for n < len(list) && list[n].serial <= upTo {
		places = append(places, list[n].place)
		n++
	}
	if n > 0 {
		q.given.cut(s.ID, n)
		q.remove(places)
	}
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
	i, found := slices.BinarySearchFunc(list, serial, func(h held, n uint64) int { return cmp.Compare(h.serial, n) })
	if found {
		at := list[i].place
		if q.given[s.ID] = slices.Delete(list, i, i+1); len(list) == 1 {
			delete(q.given, s.ID)
		}
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
