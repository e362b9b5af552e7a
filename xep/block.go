package xep

import "github.com/xylem-im/xylem/jid"

// Prepare adds a function that loads what the extension must know of an
// account to judge stanzas to and from it. It is called when the account's
// Home is made; nothing else happens there until done was called, once, now or
// later. An error fails what waits for it, and the next stanza tries again.
func (r *Registry) Prepare(f func(a *Home, done func(error))) {
	r.prepares = append(r.prepares, f)
}

// Prepared calls f when the extensions have loaded what they need, at once if
// they have already, and in the order of the calls. The engine calls it before
// all that it does at a Home.
func (a *Home) Prepared(f func(error)) {
	if a.prepared {
		f(nil)
		return
	}
	m := a.extra()
	m.waiting = append(m.waiting, f)
	if m.loading {
		return
	}
	m.loading = true
	a.Registry().prepare(0, a, func(err error) {
		a.prepared = err == nil
		for i := 0; i < len(m.waiting); i++ {
			m.waiting[i](err)
		}
		m.waiting, m.loading = nil, false
		a.shrink()
	})
}

// IsPrepared tells whether Prepared would call at once.
func (a *Home) IsPrepared() bool { return a.prepared }

func (r *Registry) prepare(from int, a *Home, done func(error)) {
	if from == len(r.prepares) {
		done(nil)
		return
	}
	r.prepares[from](a, func(err error) {
		if err != nil {
			done(err)
			return
		}
		r.prepare(from+1, a, done)
	})
}

// Block adds a function that tells whether an account and another address
// may not hear of each other.
func (r *Registry) Block(f func(a *Home, other jid.JID) bool) { r.blocks = append(r.blocks, f) }

// Blocked tells whether nothing may pass between the account and another
// address. What goes the usual way is filtered by the engine; who sends or
// keeps stanzas in the account's name (presence for many, what was stored)
// asks for each address.
func (r *Registry) Blocked(a *Home, other jid.JID) bool {
	for _, f := range r.blocks {
		if f(a, other) {
			return true
		}
	}
	return false
}
