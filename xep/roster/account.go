package roster

import (
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// account is a handle on what the home keeps of an account: it is made whenever
// it is needed. Loop only.
type account struct {
	*extension
	home *xep.Home
	*kept
}

// kept is what the home keeps of an account while it is in use. There are as many
// as accounts in use, so what few need is behind a pointer.
type kept struct {
	book  book
	first live    // the oldest session that is open; id 0: none
	inner *inside // nil: nobody is inside, and there are no more sessions
}

// inside is what an account has while it is worked on, or with several sessions.
type inside struct {
	others  []*live // sessions but the first, the oldest first
	waiting []turn  // for their turn
	own     claim   // what the account's own sessions have in waiting
	foreign claim   // what others have
	working bool    // somebody is inside, see enter
	passing bool    // leave is letting in those who wait
}

// turn is what somebody does when it is let in.
type turn struct {
	do func()
	claim
}

// claim is what waits, and for whom. Each side has its own bound, so that those who
// ask for an account's presence do not keep its own sessions from their roster.
type claim struct {
	own   bool
	turns int
	bytes int // of their stanzas
}

// claimOf is that of a request whose handler has not returned yet.
func claimOf(req *xep.Request) claim {
	return claim{own: req.Own && req.Session.ID != 0, turns: 1, bytes: len(req.View.Frame.Raw())}
}

// Claims of what is no request: of the server for the account, and for another one.
var (
	ofOwn     = claim{own: true, turns: 1} // never written
	ofForeign = claim{turns: 1}            // never written
)

// side is what waits on the side of w.
func (i *inside) side(w claim) *claim {
	if w.own {
		return &i.own
	}
	return &i.foreign
}

// of is the account that is at home here.
func (x *extension) of(a *xep.Home) *account {
	k, ok := a.State(x.slot).(*kept)
	if !ok {
		k = &kept{}
		a.SetState(x.slot, k)
	}
	return &account{x, a, k}
}

// in makes room for what is seldom needed.
func (k *kept) in() *inside {
	if k.inner == nil {
		k.inner = &inside{}
	}
	return k.inner
}

// shrink gives that back when it is not needed any more.
func (k *kept) shrink() {
	if i := k.inner; i != nil && !i.working && !i.passing && len(i.waiting) == 0 && len(i.others) == 0 {
		k.inner = nil
	}
}

// enter calls f, now or later, when nobody else reads or changes what is
// stored of the account; f or what it starts must call leave once. fail is
// called instead when too much waits on the side of w.
func (c *account) enter(w claim, f func(), fail func(stanza.Error)) {
	i := c.in()
	if !i.working {
		i.working = true
		f()
		return
	}
	side := i.side(w)
	if side.turns >= c.limits.Waiting || side.bytes+w.bytes > c.limits.WaitingBytes {
		fail(stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many changes wait for the store"})
		return
	}
	side.turns += w.turns
	side.bytes += w.bytes
	i.waiting = append(i.waiting, turn{f, w})
}

// leave lets the next one in.
func (c *account) leave() {
	i := c.inner // somebody was inside
	i.working = false
	if i.passing {
		return
	}
	i.passing = true
	for !i.working && len(i.waiting) > 0 {
		next := i.waiting[0]
		i.waiting[0] = turn{}
		i.waiting = i.waiting[1:]
		side := i.side(next.claim)
		side.turns -= next.turns
		side.bytes -= next.bytes
		i.working = true
		next.do()
	}
	i.passing = false
	c.shrink()
}

// enterLoaded is enter with the roster in memory. When that fails nobody is
// inside.
func (c *account) enterLoaded(w claim, f func(), fail func(stanza.Error)) {
	c.enter(w, func() {
		if c.book.loaded() {
			f()
			return
		}
		c.load(nil, func(err error) {
			if err != nil {
				c.leave()
				fail(xep.StorageError(err))
				return
			}
			f()
		})
	}, fail)
}
