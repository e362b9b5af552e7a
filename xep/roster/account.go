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
	others  []*live  // sessions but the first, the oldest first
	waiting []func() // for their turn
	working bool     // somebody is inside, see enter
	passing bool     // leave is letting in those who wait
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
// called instead when too many wait.
func (c *account) enter(f func(), fail func(stanza.Error)) {
	i := c.in()
	switch {
	case !i.working:
		i.working = true
		f()
	case len(i.waiting) >= c.limits.Waiting:
		fail(stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many changes wait for the store"})
	default:
		i.waiting = append(i.waiting, f)
	}
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
		f := i.waiting[0]
		i.waiting[0] = nil
		i.waiting = i.waiting[1:]
		i.working = true
		f()
	}
	i.passing = false
	c.shrink()
}

// enterLoaded is enter with the roster in memory. When that fails nobody is
// inside.
func (c *account) enterLoaded(f func(), fail func(stanza.Error)) {
	c.enter(func() {
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
