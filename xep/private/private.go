// Package private keeps XML for an account's own clients (XEP-0049, version
// 1.2): one element for each namespace and name.
package private

import (
	"errors"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0049 §8.
const NS = "jabber:iq:private"

// Options of the extension. The zero value is usable.
type Options struct {
	// MaxBytes bounds what one account keeps; what would pass it is refused with
	// policy-violation. 1 to 524,288; default 131,072.
	MaxBytes int
	// MaxElements bounds their number likewise. 1 to 1,024; default 256.
	MaxElements int
}

// The largest values of Options. Within them one Result of the store holds
// all that an account keeps.
const (
	MostBytes    = storage.MaxValueBytes
	MostElements = storage.MaxItems
)

// collection holds each element under its namespace, a 0 byte and its name; the
// value is the version byte and the element as it was cleaned up.
const (
	collection = "private"
	version1   = 1
)

// extension is what the handlers share.
type extension struct {
	Options
	slot int // of *state
}

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 128 << 10
	}
	if o.MaxElements <= 0 {
		o.MaxElements = 256
	}
	o.MaxBytes, o.MaxElements = min(o.MaxBytes, MostBytes), min(o.MaxElements, MostElements)
	return func(r *xep.Registry) error {
		x := &extension{Options: o, slot: r.State()}
		r.Feature(xep.Account, NS)
		r.Feature(xep.Server, NS) // where clients look for it
		return r.IQ(xep.IQ{Target: xep.Account, Get: true, Set: true, Own: true, Namespace: NS, Name: "query", Handle: x.handle})
	}
}

func (x *extension) handle(a *xep.Home, req *xep.Request) {
	if req.View.Type == stanza.TypeGet {
		get(a, req)
		return
	}
	x.set(a, req)
}

// get answers with what is stored of the one element that is asked for, or
// with that element itself when nothing is (XEP-0049 §2.1).
func get(a *xep.Home, req *xep.Request) {
	query, _ := req.View.Payload()
	asked, n := parser.Element{}, 0
	for child := range query.Children() {
		asked = child
		n++
	}
	switch {
	case n == 0:
		req.Error(stanza.Error{Condition: stanza.BadRequest, Text: "nothing is asked for"})
		return
	case n > 1:
		req.Error(stanza.Error{Condition: stanza.NotAcceptable, Text: "more than one element is asked for"})
		return
	}
	key, e, ok := keyOf(asked)
	if !ok {
		req.Error(e)
		return
	}
	empty := stanza.AppendAttr(append([]byte{'<'}, asked.Local()...), "xmlns", string(asked.Namespace()))
	empty = append(empty, "/>"...)
	a.Ask(&storage.Op{Kind: storage.Get, Collection: collection, Key: key}, func(res *storage.Result) {
		switch {
		case res.Err == nil && isVersion1(res.Items[0].Value):
			req.Result(answer(res.Items[0].Value[1:]))
		case res.Err == nil:
			req.Error(stanza.Error{Condition: stanza.InternalServerError})
		case errors.Is(res.Err, storage.ErrNotFound):
			req.Result(answer(empty))
		default:
			req.Error(xep.StorageError(res.Err))
		}
	})
}

func isVersion1(value []byte) bool { return len(value) > 0 && value[0] == version1 }

func answer(element []byte) []byte {
	b := append([]byte("<query xmlns='"+NS+"'>"), element...)
	return append(b, "</query>"...)
}

// keyOf is where an element is kept. It must have a namespace of its own
// (XEP-0049 §2.2).
func keyOf(e parser.Element) (key []byte, fault stanza.Error, ok bool) {
	ns := e.Namespace()
	switch string(ns) {
	case "", NS, stanza.NSClient:
		return nil, stanza.Error{Condition: stanza.NotAcceptable, Text: "the element has no namespace of its own"}, false
	}
	if len(ns)+1+len(e.Local()) > storage.MaxKeyBytes {
		return nil, stanza.Error{Condition: stanza.PolicyViolation, Text: "the element's name is too long"}, false
	}
	key = append(append([]byte(nil), ns...), 0)
	return append(key, e.Local()...), fault, true
}
