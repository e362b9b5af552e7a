package engine

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/storage"
)

// readToken reads the record of a client; none is as good as one that fits nothing.
func (c *conn) readToken(op session.Op) {
	answer := c.answerHere()
	get := &storage.Op{Kind: storage.Get, Owner: op.Local + "@" + op.Domain, Collection: collectionTokens, Key: []byte(op.Client)}
	c.loop.ask(get, func(res *storage.Result) {
		switch {
		case errors.Is(res.Err, storage.ErrNotFound):
			answer(session.Result{})
		case res.Err != nil:
			answer(session.Result{Err: res.Err})
		default:
			answer(session.Result{Record: res.Items[0].Value})
		}
	})
}

// putToken changes the record of a client on the condition that neither it nor the
// password has changed meanwhile. For a client that had none, others make room.
func (c *conn) putToken(op session.Op) {
	l, answer := c.loop, c.answerHere()
	change := op.Token
	put := &storage.Op{Kind: storage.Apply, Owner: op.Local + "@" + op.Domain, Durable: change.Durable}
	key := []byte(op.Client)
	if change.Before == nil {
		put.Batch.CheckAbsent(collectionTokens, key)
	} else {
		put.Batch.CheckValue(collectionTokens, key, change.Before)
	}
	if op.Credentials != nil {
		put.Batch.CheckValue(collectionAccount, []byte(keyCredentials), op.Credentials.Append(nil))
	}
	if change.After == nil {
		put.Batch.Delete(collectionTokens, key)
	} else {
		put.Batch.Put(collectionTokens, key, change.After)
	}
	done := func(res *storage.Result) { answer(session.Result{Err: res.Err}) }
	if change.Before != nil {
		l.ask(put, done)
		return
	}
	scan := &storage.Op{Kind: storage.Scan, Owner: put.Owner, Collection: collectionTokens}
	l.ask(scan, func(res *storage.Result) {
		if res.Err != nil {
			done(res)
			return
		}
		for _, gone := range surplusTokens(res.Items, l.engine.limits.TokensPerUser-1, l.now/int64(time.Second)) {
			put.Batch.Delete(collectionTokens, gone)
		}
		l.ask(put, done)
	})
}

// surplusTokens are the keys of the records that must go so that at most are left:
// those that have expired, then those that were not used for the longest time.
func surplusTokens(items []storage.Item, most int, now int64) (gone [][]byte) {
	type client struct {
		key  []byte
		used int64
	}
	var live []client
	for _, item := range items {
		r, err := token.Parse(item.Value)
		if err != nil || r.Expired(now) {
			gone = append(gone, item.Key)
			continue
		}
		live = append(live, client{item.Key, r.Used})
	}
	slices.SortStableFunc(live, func(a, b client) int { return cmp.Compare(a.used, b.used) })
	for len(live) > most {
		gone = append(gone, live[0].key)
		live = live[1:]
	}
	return gone
}
