package roster

import (
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// account is what the home keeps of an account while it is in use. Loop only.
type account struct {
	*extension
	home *xep.Home

	book    book
	version version
	loaded  bool // book and version are those of the store

	sessions []*live // open now

	working bool      // somebody is inside, see enter
	passing bool      // leave is letting in those who wait
	waiting *[]func() // for their turn; nil: nobody
}

// of is the account that is at home here.
func (x *extension) of(a *xep.Home) *account {
	if c, ok := a.State(x.slot).(*account); ok {
		return c
	}
	c := &account{extension: x, home: a}
	a.SetState(x.slot, c)
	return c
}

// enter calls f, now or later, when nobody else reads or changes what is
// stored of the account; f or what it starts must call leave once. fail is
// called instead when too many wait.
func (c *account) enter(f func(), fail func(stanza.Error)) {
	switch {
	case !c.working:
		c.working = true
		f()
	case c.waiting == nil:
		c.waiting = &[]func(){f}
	case len(*c.waiting) >= c.limits.Waiting:
		fail(stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many changes wait for the store"})
	default:
		*c.waiting = append(*c.waiting, f)
	}
}

// leave lets the next one in.
func (c *account) leave() {
	c.working = false
	if c.passing {
		return
	}
	c.passing = true
	for !c.working && c.waiting != nil {
		list := *c.waiting
		f := list[0]
		list[0] = nil
		if *c.waiting = list[1:]; len(list) == 1 {
			c.waiting = nil
		}
		c.working = true
		f()
	}
	c.passing = false
}

// enterLoaded is enter with the roster in memory. When that fails nobody is
// inside.
func (c *account) enterLoaded(f func(), fail func(stanza.Error)) {
	c.enter(func() {
		if c.loaded {
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
