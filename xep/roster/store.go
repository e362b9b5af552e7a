package roster

import (
	"errors"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage"
)

// The collections, see the package comment.
const (
	collectionItems    = "roster"
	collectionRequests = "roster-request"
	collectionVersion  = "roster-version"
	collectionLog      = "roster-log"
)

var keyVersion = []byte("current") // never written

// load brings the roster into memory and passes every contact to each, if
// there is one. To be called inside.
func (c *account) load(each func(jid.JID, *item), done func(error)) {
	c.loadVersion(func(err error) {
		if err != nil {
			done(err)
			return
		}
		c.scan(each, done)
	})
}

// loadVersion reads the current version, if it is not known yet.
func (c *account) loadVersion(done func(error)) {
	if c.book.loaded() {
		done(nil)
		return
	}
	op := &storage.Op{Kind: storage.Get, Collection: collectionVersion, Key: keyVersion}
	c.home.Ask(op, func(res *storage.Result) {
		var v version
		err := res.Err
		switch {
		case err == nil:
			v, err = decodeVersion(res.Items[0].Value)
		case errors.Is(err, storage.ErrNotFound):
			err = nil
		}
		c.book.setVersion(v)
		done(err)
	})
}

// scan walks the stored contacts in pages: with each for whoever wants names
// and groups, and into memory if they are not there yet.
func (c *account) scan(each func(jid.JID, *item), done func(error)) {
	if c.book.loaded() && each == nil {
		done(nil)
		return
	}
	var read book
	var page func(from []byte)
	page = func(from []byte) {
		op := &storage.Op{Kind: storage.Scan, Collection: collectionItems, From: from}
		c.home.Ask(op, func(res *storage.Result) {
			err := res.Err
			if err == nil {
				err = c.take(res.Items, &read, each)
			}
			switch {
			case err != nil:
				done(err)
			case res.More:
				page(storage.After(res.Items[len(res.Items)-1].Key))
			default:
				if !c.book.loaded() {
					read.complete(c.book.version())
					c.book = read
				}
				done(nil)
			}
		})
	}
	page(nil)
}

// take reads one page.
func (c *account) take(items []storage.Item, into *book, each func(jid.JID, *item)) error {
	jids, err := addresses(items)
	if err != nil {
		return err
	}
	states := make([]State, len(items))
	for i := range items {
		if states[i], err = stateOf(items[i].Value); err != nil {
			return err
		}
		if each == nil {
			continue
		}
		it, err := decodeItem(items[i].Value)
		if err != nil {
			return err
		}
		each(jids[i], &it)
	}
	if !c.book.loaded() {
		into.add(jids, states)
	}
	return nil
}

// addresses are the keys of items, which share their bytes.
func addresses(items []storage.Item) ([]jid.JID, error) {
	n := 0
	for i := range items {
		n += len(items[i].Key)
	}
	text := make([]byte, 0, n)
	for i := range items {
		text = append(text, items[i].Key...)
	}
	all := string(text)
	jids := make([]jid.JID, len(items))
	for i := range items {
		n := len(items[i].Key)
		j, err := jid.Parse(all[:n])
		if err != nil {
			return nil, errFormat
		}
		jids[i], all = j, all[n:]
	}
	return jids, nil
}

// item reads a contact; the zero item when it is not stored. Inside only.
func (c *account) item(j jid.JID, done func(item, error)) {
	op := &storage.Op{Kind: storage.Get, Collection: collectionItems, Key: []byte(j.String())}
	c.home.Ask(op, func(res *storage.Result) {
		switch {
		case errors.Is(res.Err, storage.ErrNotFound):
			done(item{}, nil)
		case res.Err != nil:
			done(item{}, res.Err)
		default:
			done(decodeItem(res.Items[0].Value))
		}
	})
}

// change is what one stanza does to one contact.
type change struct {
	jid     jid.JID
	item    item   // as it shall be; with state None the contact is forgotten
	before  State  // what it was
	visible bool   // clients see a difference: it is a new version of the roster
	request []byte // a subscription request to keep
}

// commit makes a change durable, and then known. Inside only.
func (c *account) commit(ch *change, done func(error)) {
	op := &storage.Op{Kind: storage.Apply, Durable: true}
	b, key := &op.Batch, []byte(ch.jid.String())
	if ch.item.state == None {
		b.Delete(collectionItems, key)
	} else {
		b.Put(collectionItems, key, ch.item.encode())
	}
	switch {
	case ch.request != nil:
		b.Put(collectionRequests, key, ch.request)
	case ch.before&PendingIn != 0 && ch.item.state&PendingIn == 0:
		b.Delete(collectionRequests, key)
	}
	next := c.book.version()
	if ch.visible {
		next = c.log(b, key)
	}
	c.home.Ask(op, func(res *storage.Result) {
		if res.Err == nil {
			c.book.setVersion(next)
			c.book.set(ch.jid, ch.item.state)
		}
		done(res.Err)
	})
}

// log adds a new version to a batch and takes the oldest one away.
func (c *account) log(b *storage.Batch, key []byte) version {
	next := c.book.version()
	if next.epoch == "" {
		next.epoch = c.home.NewID()[:epochBytes]
	}
	next.number++
	b.Put(collectionVersion, keyVersion, next.encode())
	b.Put(collectionLog, logKey(next.number), key)
	if keep := uint64(c.limits.ChangeLog); next.number > keep {
		b.Delete(collectionLog, logKey(next.number-keep))
	}
	return next
}
