package blocking

import (
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// Where an account's list is kept: one item, which is absent when it is empty.
const collection = "blocking"

var key = []byte("list") // never written

// prepare loads the list.
func (x *blocking) prepare(a *xep.Home, done func(error)) {
	op := &storage.Op{Kind: storage.Get, Collection: collection, Key: key}
	a.Ask(op, func(res *storage.Result) {
		switch {
		case xep.IsNotFound(res.Err):
			a.SetState(x.slot, nil)
		case res.Err != nil:
			done(res.Err)
			return
		default:
			l, err := decodeList(res.Items[0].Value)
			if err != nil {
				done(err)
				return
			}
			x.of(a).list = l
		}
		if a.Sessions() > 0 { // it was tried before, in vain: see opened
			x.list(a).mark(a)
		}
		done(nil)
	})
}

// mark lets what the account's sessions send and get pass through the home, or
// no longer.
func (l list) mark(a *xep.Home) {
	if len(l) > 0 {
		a.Mark(a.JID(), xep.MarkFilter, 0)
	} else {
		a.Mark(a.JID(), 0, xep.MarkFilter)
	}
}

// blocks tells whether the account has blocked another address.
func (x *blocking) blocks(a *xep.Home, other jid.JID) bool {
	l := x.list(a)
	return len(l) > 0 && other.Bare() != a.JID() && other != a.JID().DomainJID() && l.matches(other)
}

// change replaces the list by what f makes of it, durably, and then calls
// done. Changes are made one after the other.
func (x *blocking) change(a *xep.Home, f func(list) list, done func(before list, err error)) {
	acc := x.of(a)
	if acc.changing {
		acc.changes = append(acc.changes, func() { x.change(a, f, done) })
		return
	}
	before := acc.list
	after := f(before)
	if len(after) > x.MaxItems && len(after) > len(before) || len(after.encode()) > maxBytes {
		done(before, storage.ErrTooLarge)
		return
	}
	op := &storage.Op{Kind: storage.Apply, Durable: true}
	if len(after) > 0 {
		op.Batch.Put(collection, key, after.encode())
	} else {
		op.Batch.Delete(collection, key)
	}
	acc.changing = true
	a.Ask(op, func(res *storage.Result) {
		acc.changing = false
		if res.Err == nil {
			acc.list = after
			after.mark(a)
		}
		done(before, res.Err)
		acc.next()
	})
}

// next begins the changes that waited, up to the first that has to wait again.
func (acc *account) next() {
	for len(acc.changes) > 0 && !acc.changing {
		f := acc.changes[0]
		acc.changes = acc.changes[1:]
		f()
	}
}
