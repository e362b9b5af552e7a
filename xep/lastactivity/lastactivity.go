// Package lastactivity tells how long the server has run and when an account
// was last online (XEP-0012, version 2.0), the latter only to those who may
// see its presence. The status text of the last presence is not kept.
//
// Requests to full addresses pass to the clients, which answer or not, if they
// come from those who may see the resource's presence.
package lastactivity

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// NS is the namespace of XEP-0012 §8.
const NS = "jabber:iq:last"

// Options of the extension.
type Options struct {
	// Started is when the server began to run, Unix nanoseconds. 0: requests to
	// the server are not answered.
	Started int64
}

// Where the end of an account's last session is kept: Unix seconds, 8 bytes
// big-endian.
const (
	collection = "lastactivity"
	key        = "logout"
)

// patience is how long it may take until that is kept.
const patience = time.Second

// New is the extension's Register function.
func New(o Options) func(*xep.Registry) error {
	return func(r *xep.Registry) error {
		x := &extension{slot: r.State()}
		if o.Started != 0 {
			r.Feature(xep.Server, NS)
			err := r.IQ(xep.IQ{Target: xep.Server, Get: true, Namespace: NS, Name: "query",
				Handle: func(a *xep.Home, req *xep.Request) { tell(req, a.Now()/1e9-o.Started/1e9) }})
			if err != nil {
				return err
			}
		}
		r.Feature(xep.Account, NS)
		r.Guard(xep.Guard{Namespace: NS, Name: "query", Condition: stanza.Forbidden}) // XEP-0012 §4
		r.Session(xep.Session{Opened: x.opened, Closed: x.closed})
		r.Deleted(func(a *xep.Home) { a.SetState(x.slot, gone{}) })
		return r.IQ(xep.IQ{Target: xep.Account, Get: true, Namespace: NS, Name: "query", Handle: last})
	}
}

// extension is what the hooks share.
type extension struct {
	slot int // holds gone, or nothing
}

// gone marks an account that was deleted: its last sessions leave nothing
// behind for the next account of that name.
type gone struct{}

func (x *extension) opened(a *xep.Home, _ xep.SessionRef, done func()) {
	a.SetState(x.slot, nil)
	done()
}

// closed notes when the last session of an account ends. Nobody was promised
// that, so it need not be durable, it shares the commit of something else, and what
// the store cannot take is lost.
func (x *extension) closed(a *xep.Home, _ xep.SessionRef) {
	if a.Sessions() > 0 || a.State(x.slot) != nil {
		return
	}
	op := &storage.Op{Kind: storage.Apply, Patience: patience}
	op.Batch.Put(collection, []byte(key), binary.BigEndian.AppendUint64(nil, uint64(a.Now()/1e9)))
	a.Ask(op, func(*storage.Result) {})
}

// last answers for an account.
func last(a *xep.Home, req *xep.Request) {
	a.Registry().MaySee(a, req.From, func(ok bool) {
		switch {
		case !ok:
			req.Error(stanza.Error{Condition: stanza.Forbidden}) // XEP-0012 §3, the same for no account
		case a.Sessions() > 0:
			tell(req, 0)
		default:
			stored(a, req)
		}
	})
}

// stored answers for an account that is offline.
func stored(a *xep.Home, req *xep.Request) {
	op := &storage.Op{Kind: storage.Get, Collection: collection, Key: []byte(key)}
	a.Ask(op, func(res *storage.Result) {
		switch {
		case errors.Is(res.Err, storage.ErrNotFound):
			req.Error(stanza.Error{Condition: stanza.ItemNotFound, Text: "the account was never online"})
		case res.Err != nil:
			req.Error(xep.StorageError(res.Err))
		case len(res.Items[0].Value) != 8:
			req.Error(stanza.Error{Condition: stanza.InternalServerError})
		default:
			tell(req, a.Now()/1e9-int64(binary.BigEndian.Uint64(res.Items[0].Value)))
		}
	})
}

// tell answers with seconds; a clock that was set back makes none negative.
func tell(req *xep.Request, seconds int64) {
	req.Result([]byte("<query xmlns='" + NS + "' seconds='" + strconv.FormatInt(max(seconds, 0), 10) + "'/>"))
}
