package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

const (
	// restoreWindow is how many accounts are read at a time.
	restoreWindow = 256
	// restoreTime bounds what the start waits for sessions; those that are not
	// read by then are dropped, but for their messages, which are stored.
	restoreTime = 2 * time.Minute
	// savedAge is how old a saved session may be.
	savedAge = int64(24 * time.Hour)
)

// errRecord: what is stored was not written by this version.
var errRecord = errors.New("engine: session of an unknown form")

// restoreSessions brings the sessions back that an engine before this one has
// saved, before clients can connect. A record that was read is removed before
// its session can be resumed: it must not come twice.
func (e *Engine) restoreSessions(ctx context.Context) error {
	if e.pump == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, restoreTime)
	defer cancel()
	began := time.Now()
	var after []byte
	free := make(chan struct{}, restoreWindow)
	accounts := 0
	for more := true; more; {
		res := e.pump.Do(ctx, &storage.Op{Kind: storage.Owners, Collection: collectionSession, Key: after})
		if res.Err != nil {
			return res.Err
		}
		for _, item := range res.Items {
			after = item.Key
			bare, ok := bareOf(item.Key)
			if !ok {
				continue
			}
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				e.log.Error("not all sessions were read in time", "accounts", accounts)
				return nil
			}
			accounts++
			e.sendLoop(e.homeLoop(bare.String()), &restoring{bare: bare, done: func() { <-free }})
		}
		more = res.More
	}
	for range restoreWindow { // all have ended
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			e.log.Error("not all sessions were read in time", "accounts", accounts)
			return nil
		}
	}
	if accounts > 0 {
		e.log.Info("sessions restored", "sessions", e.detached.Load(), "accounts", accounts, "time", time.Since(began))
	}
	return nil
}

// restoring reads the sessions of one account, at its home.
type restoring struct {
	bare    jid.JID
	done    func()
	items   []storage.Item
	waiting int       // sessions whose extensions are not done
	company regrouped // the sessions that there are
}

func (r *restoring) apply(l *loop, _ *conn) {
	a := l.home(r.bare)
	a.Prepared(func(error) { r.read(l, a, nil) })
}

// read reads all that is stored, and removes it.
func (r *restoring) read(l *loop, a *xep.Home, from []byte) {
	a.Ask(&storage.Op{Kind: storage.Scan, Collection: collectionSession, From: from}, func(res *storage.Result) {
		if res.Err != nil {
			r.fail(l, res.Err)
			return
		}
		r.items = append(r.items, res.Items...)
		if res.More {
			r.read(l, a, storage.After(res.Items[len(res.Items)-1].Key))
			return
		}
		op := &storage.Op{Kind: storage.Apply, Durable: true}
		op.Batch.DeleteRange(collectionSession, nil, nil)
		a.Ask(op, func(res *storage.Result) {
			if res.Err != nil {
				r.fail(l, res.Err)
				return
			}
			r.restore(l, a)
		})
	})
}

func (r *restoring) fail(l *loop, err error) {
	l.engine.log.Error("sessions of an account not restored", "account", r.bare.String(), "error", err)
	r.done()
}

// restore makes the sessions out of what was read: records, each followed by
// its parts.
func (r *restoring) restore(l *loop, a *xep.Home) {
	r.waiting = 1
	for len(r.items) > 0 {
		head := r.items[0]
		r.items = r.items[1:]
		n := 0
		for n < len(r.items) && bytes.HasPrefix(r.items[n].Key, append(bytes.Clone(head.Key), '/')) {
			n++
		}
		if !bytes.ContainsRune(head.Key, '/') { // else a part without its record: the save was cut off
			if err := l.restoreSession(a, head, r.items[:n], r); err != nil {
				l.engine.log.Error("session not restored", "account", r.bare.String(), "error", err)
			}
		}
		r.items = r.items[n:]
	}
	r.company.rename()
	r.ended()
}

func (r *restoring) ended() {
	if r.waiting--; r.waiting == 0 {
		r.done()
	}
}

// restoreSession makes one session of its record and parts.
func (l *loop) restoreSession(a *xep.Home, head storage.Item, parts []storage.Item, r *restoring) error {
	e := l.engine
	rec, err := parseSession(head.Value)
	switch {
	case err != nil:
		return err
	case int(rec.parts) != len(parts):
		return errRecord
	case l.now-rec.at > savedAge:
		return errors.New("it is too old")
	case e.detached.Load() >= int64(e.limits.Detached):
		return errors.New("limits.detached is reached")
	}
	c := l.newConn(gone{})
	c.phase = phaseDetached
	c.more().lingerTo = l.now + rec.left
	if err := c.session.RestoreState(&e.sessions, l.now, rec.state); err != nil {
		return err
	}
	j := c.session.JID()
	d := e.table.Domain(j.Domain())
	if d == nil || j.Bare() != a.JID() {
		return errors.New("its domain is not served any more")
	}
	places, err := c.restoreStanzas(parts)
	if err != nil {
		c.session.Release(&l.out)
		return err
	}
	c.slot, c.generation = l.slots.add(c)
	c.entered = true
	marks := rec.marks&^(xep.MarkAccount|xep.MarkSeveral) | xep.MarkDetached | xep.MarkManaged
	_, inherited := d.BindWith(j.Local(), j.Resource(), c.mailbox(), routing.Flags(xep.MarkAccount), 0)
	d.SetFlags(j.Local(), j.Resource(), c.mailbox(), routing.Flags(marks), 0)
	c.marks = marks | xep.Mark(inherited)
	l.tellSeveral(j)
	for _, p := range places {
		c.receiptList().list = append(c.receiptList().list, awaited{number: p.Serial, kept: true})
	}
	c.journalRestored()
	l.stats.sessions.Add(1)
	e.detached.Add(1)
	e.restored.Store(string(head.Key), c.mailbox())
	l.wheel.arm(c, c.deadline())
	ref := c.sessionRef()
	r.waiting++
	r.company.add(c, rec.saved[savedCompany])
	if hook := e.cfg.Hooks.SessionOpened; hook != nil {
		hook(c.info())
	}
	l.known(a, ref)
	e.registry.SessionOpened(a, ref, func() {
		then := func(err error) {
			if err != nil {
				e.log.Error("messages of a session may come twice", "jid", j.String(), "error", err)
			}
			e.registry.RestoreSession(a, ref, rec.saved, r.ended)
		}
		if k := e.registry.Keeps(); k != nil {
			k.Restore(a, ref, places, then)
			return
		}
		then(nil)
	})
	return nil
}

// receiptList is the list of receipts, made now if there is none.
func (c *conn) receiptList() *receipts {
	if c.receipts == nil {
		c.receipts = c.loop.takeReceipts()
	}
	return c.receipts
}

// restoreStanzas gives a session what it had not acknowledged, and tells where
// that is stored, too.
func (c *conn) restoreStanzas(parts []storage.Item) (places []xep.Place, err error) {
	for _, part := range parts {
		r := fieldReader{b: part.Value}
		for len(r.b) > 0 {
			u := session.Unacked{At: int64(r.fixed()), Delivery: session.Delivery(r.one())}
			p := xep.Place{Number: r.uvarint(), Size: r.uvarint()}
			u.Stanza = r.field()
			if r.bad {
				return nil, errRecord
			}
			if p.Number != 0 {
				u.Delivery &^= session.Kept // it is ours now, and given back if need be
			}
			c.session.RestoreStanza(u, &c.loop.out)
			if p.Serial = c.session.Sent(); p.Number != 0 {
				places = append(places, p)
			}
		}
	}
	return places, nil
}

// savedSession is a record.
type savedSession struct {
	at, left int64
	marks    xep.Mark
	parts    uint64
	state    []byte
	saved    map[string][]byte
}

func parseSession(b []byte) (s savedSession, err error) {
	r := fieldReader{b: b}
	if r.one() != recordVersion {
		return s, errRecord
	}
	s = savedSession{at: int64(r.fixed()), left: r.varint(), marks: xep.Mark(r.uvarint()), parts: r.uvarint(),
		state: r.field(), saved: make(map[string][]byte)}
	for len(r.b) > 0 {
		name := string(r.field())
		s.saved[name] = r.field()
	}
	if r.bad {
		return s, errRecord
	}
	return s, nil
}

// fieldReader reads fields until one of them is missing.
type fieldReader struct {
	b   []byte
	bad bool
}

func (r *fieldReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.b, r.bad = nil, true
		return nil
	}
	field := r.b[:n]
	r.b = r.b[n:]
	return field
}

func (r *fieldReader) one() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *fieldReader) fixed() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *fieldReader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	r.skip(size)
	return n
}

func (r *fieldReader) varint() int64 {
	n, size := binary.Varint(r.b)
	r.skip(size)
	return n
}

// skip moves on behind a number of so many bytes; none is a fault.
func (r *fieldReader) skip(size int) {
	if size <= 0 {
		r.b, r.bad = nil, true
		return
	}
	r.b = r.b[size:]
}

func (r *fieldReader) field() []byte { return r.take(r.uvarint()) }
