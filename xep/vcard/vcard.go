// Package vcard keeps one vCard for each account (XEP-0054, version 1.3.0),
// which everybody may get, and stamps the hash of its photo on the presence of
// clients that say nothing of it themselves (XEP-0153, version 1.1.1). When the
// photo changes their presence is broadcast anew.
package vcard

import (
	"errors"
	"fmt"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// The namespaces of XEP-0054 §9 and XEP-0153 §8.
const (
	NS       = "vcard-temp"
	NSUpdate = "vcard-temp:x:update"
)

// Options of the extension. The zero value is usable.
type Options struct {
	// MaxBytes bounds a vCard with its photo; a larger one is refused with
	// policy-violation. 1 to 524,000; default 262,144.
	MaxBytes int
}

// MostBytes is the largest Options.MaxBytes: what fits into one stored value.
const MostBytes = 524_000

// In the collection there are the vCard, behind a version byte, and beside it
// the hash of its photo: 20 bytes of SHA-1, or nothing when it has none.
const (
	collection = "vcard"
	keyCard    = "card"
	keyHash    = "hash"
	version1   = 1
)

type extension struct {
	Options
	slot int // of photo
	note int // place of noteNone
}

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 256 << 10
	}
	o.MaxBytes = min(o.MaxBytes, MostBytes)
	return func(r *xep.Registry) error {
		note, err := r.Note()
		if err != nil {
			return err
		}
		x := &extension{Options: o, slot: r.State(), note: note}
		r.Feature(xep.Account, NS)
		r.Feature(xep.Server, NS) // where clients look for it
		r.Session(xep.Session{Opened: x.opened})
		r.StampPresence(x.stamp)
		r.Deleted(func(a *xep.Home) {
			a.SetState(x.slot, nil)
			a.SetNote(x.note, 0)
		})
		return r.IQ(xep.IQ{Target: xep.Account, Get: true, Set: true, Namespace: NS, Name: "vCard", Handle: x.handle})
	}
}

func (x *extension) handle(a *xep.Home, req *xep.Request) {
	switch {
	case req.View.Type == stanza.TypeGet:
		get(a, req)
	case !req.Own:
		req.Error(stanza.Error{Condition: stanza.Forbidden}) // XEP-0054 §3.2
	default:
		x.set(a, req)
	}
}

// get answers for the account itself and for others, to whom no vCard and no
// account look the same (XEP-0054 §3.3).
func get(a *xep.Home, req *xep.Request) {
	a.Ask(&storage.Op{Kind: storage.Get, Collection: collection, Key: []byte(keyCard)}, func(res *storage.Result) {
		switch {
		case errors.Is(res.Err, storage.ErrNotFound):
			if req.Own {
				req.Error(stanza.Error{Condition: stanza.ItemNotFound})
				return
			}
			req.Error(stanza.Error{Condition: stanza.ServiceUnavailable})
		case res.Err != nil:
			req.Error(xep.StorageError(res.Err))
		case len(res.Items[0].Value) == 0 || res.Items[0].Value[0] != version1:
			req.Error(stanza.Error{Condition: stanza.InternalServerError})
		default:
			req.Result(res.Items[0].Value[1:])
		}
	})
}

// set replaces the vCard (XEP-0054 §3.2).
func (x *extension) set(a *xep.Home, req *xep.Request) {
	card, _ := req.View.Payload()
	value, ok := xep.AppendElement([]byte{version1}, card, x.MaxBytes)
	if !ok {
		req.Error(stanza.Error{Condition: stanza.PolicyViolation,
			Text: fmt.Sprintf("a vCard has %d bytes at most", x.MaxBytes)})
		return
	}
	p, ok := photoOf(card)
	if !ok {
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "the photo is not base64"})
		return
	}
	op := &storage.Op{Kind: storage.Apply, Durable: true}
	op.Batch.Put(collection, []byte(keyCard), value)
	op.Batch.Put(collection, []byte(keyHash), p.bytes())
	a.Ask(op, func(res *storage.Result) {
		if res.Err != nil {
			req.Error(xep.StorageError(res.Err))
			return
		}
		before, _ := a.State(x.slot).(*photo)
		a.SetState(x.slot, p)
		a.SetNote(x.note, 0)
		req.Result(nil)
		if before == nil || *before != *p {
			a.Registry().Restamp(a)
		}
	})
}
