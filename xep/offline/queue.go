package offline

import (
	"errors"
	"slices"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// collection holds an account's messages by number.
const collection = "offline"

// What one batch of appended messages may hold; the first may be larger.
const (
	batchMessages = 256
	batchBytes    = 512 << 10
)

// queue is what is known of the messages that wait for an account.
type queue struct {
	limits *Options
	a      *xep.Home

	loaded   bool
	loading  []func(error)
	learning bool // those of loading are being called

	next   uint64 // number of the next message to be stored
	from   uint64 // none before this number waits for a session
	lower  bool   // some were given back since the last page was asked for
	left   int    // messages from there on that wait; after a restart perhaps fewer
	stored int    // messages that are stored; the same
	bytes  uint64 // their size
	total  uint64 // sizes of all that were ever stored, see record

	given  given    // stored messages that sessions have got
	undone []uint64 // numbers whose removal has failed and is tried again

	waiting      []*entry // for the batch under way
	writing      []*entry // in the batch under way
	entering     []*entry // that sessions have, until load has ended
	pendingBytes uint64   // of both
	pendingOlder int      // those of both that wait for a session

	ready    []xep.SessionRef // sessions that may have messages; the first one gets them
	flushing bool             // a page is being read or delivered
	page     []place          // what is being delivered
	held     bool             // the account's resources carry xep.MarkHeld
	settling []func()         // wait until nothing that sessions have is on its way into the store
	gone     bool             // the account is being deleted
	known    bool             // the store has said that the account exists, and it was not deleted since
}

// pending is the number of messages that are not stored yet.
func (q *queue) pending() int { return len(q.waiting) + len(q.writing) }

// older tells whether messages wait that what comes must not overtake: for a
// session, for the store, or for the session that is getting them to take them.
func (q *queue) older() bool { return q.left > 0 || q.pendingOlder > 0 || q.flushing }

// load reads the state from the store if that was not done, and calls f.
func (q *queue) load(f func(error)) {
	if q.loaded {
		f(nil)
		return
	}
	q.loading = append(q.loading, f)
	if len(q.loading) > 1 {
		return
	}
	q.end(false, 1, func(front *storage.Result) {
		if front.Err != nil || len(front.Items) == 0 {
			q.learn(front, front)
			return
		}
		last := 1
		if q.a.Recalls() {
			last = recalled
		}
		q.end(true, last, func(back *storage.Result) {
			q.recall(back.Items)
			q.learn(front, back)
		})
	})
}

// end reads the first messages or, the last one first, the last ones.
func (q *queue) end(last bool, count int, done func(*storage.Result)) {
	q.a.Ask(&storage.Op{Kind: storage.Scan, Collection: collection, Limit: count, Reverse: last}, done)
}

// recalled is how many of the last messages are looked at for those that their
// senders send again, because the process ended before they were told.
const recalled = 512

// recall notes them.
func (q *queue) recall(items []storage.Item) {
	if !q.a.Recalls() {
		return
	}
	for _, item := range items {
		if r, err := parseRecord(item.Value); err == nil {
			q.a.NoteStored(r.xml)
		}
	}
}

// learn takes the state from the first and the last message.
func (q *queue) learn(front, back *storage.Result) {
	err := errors.Join(front.Err, back.Err)
	if err == nil {
		err = q.span(front.Items, back.Items)
	}
	q.loaded = err == nil
	loading := q.loading
	q.loading = nil
	q.learning = true // those behind may put something into this very queue
	for _, f := range loading {
		f(err)
	}
	q.learning = false
}

func (q *queue) span(front, back []storage.Item) error {
	if len(front) == 0 || len(back) == 0 {
		q.next, q.from, q.left, q.stored, q.bytes, q.total = max(q.next, 1), 1, 0, 0, 0, 0
		return nil
	}
	first, err := parseRecord(front[0].Value)
	last, err2 := parseRecord(back[0].Value)
	from, err3 := numberOf(front[0].Key)
	to, err4 := numberOf(back[0].Key)
	if err = errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	// Some between may have been removed: there are so many at most.
	q.from, q.next = from, to+1
	q.stored = int(to + 1 - from)
	q.left = max(q.stored-q.given.count()-len(q.undone), 0)
	q.total = last.total
	q.bytes = last.total - (first.total - uint64(len(first.xml)))
	return nil
}

// append puts a message behind all others, if the quota allows.
func (q *queue) append(e *entry) {
	switch {
	case len(e.buf) > storage.MaxValueBytes:
		e.fail(stanza.Error{Condition: e.cond, Text: "the message is too large to be stored"})
		return
	case q.stored+q.pending() >= q.limits.MaxMessages, q.bytes+q.pendingBytes+e.size() > uint64(q.limits.MaxBytes):
		e.fail(stanza.Error{Condition: stanza.ServiceUnavailable, Text: "no more messages can be stored for this address"})
		return
	}
	q.waiting = append(q.waiting, e)
	q.enter(e)
	q.mark()
	q.write()
}

// enter and settle count what is on its way into the store.
func (q *queue) enter(e *entry) {
	q.pendingBytes += e.size()
	if e.holder == 0 {
		q.pendingOlder++
	}
}

func (q *queue) settle(e *entry) {
	q.pendingBytes -= e.size()
	if e.holder == 0 {
		q.pendingOlder--
	}
}

// write stores what waits, unless a batch is under way.
func (q *queue) write() {
	switch {
	case len(q.writing) > 0 || len(q.waiting) == 0:
		return
	case !q.loaded:
		q.load(func(err error) {
			if err != nil {
				q.refuse(err)
				return
			}
			q.write()
			q.run()
		})
		return
	}
	op := &storage.Op{Kind: storage.Apply, Durable: true}
	// The check is a look-up through all levels of the store: a fifth of what a
	// message costs.
	if !q.known && q.a.Sessions() == 0 && !q.a.ForeignAccounts() {
		op.Batch.CheckPresent(xep.CollectionAccount, []byte(xep.KeyCredentials))
	}
	n, size, total := 0, 0, q.total
	for n < len(q.waiting) && n < batchMessages {
		e := q.waiting[n]
		if size += len(e.xml()); n > 0 && size > batchBytes {
			break
		}
		total += e.size()
		op.Batch.Put(collection, key(q.next+uint64(n)), e.record(total))
		if p := e.patience(); n == 0 || p < op.Patience {
			op.Patience = p
		}
		n++
	}
	q.writing = slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.a.Ask(op, func(res *storage.Result) { q.written(res.Err, total) })
}

// written ends the requests of a batch.
func (q *queue) written(err error, total uint64) {
	batch := q.writing
	q.writing = nil
	switch {
	case err == nil:
		q.known = !q.gone
		q.added(batch, total)
	case !errors.Is(err, storage.ErrConflict):
		q.loaded = false // it may be there nevertheless
	}
	for _, e := range batch {
		q.settle(e)
		switch {
		case err == nil:
			e.req.Done()
		case errors.Is(err, storage.ErrConflict): // no such account
			e.fail(stanza.Error{Condition: e.cond})
		default:
			e.fail(xep.StorageError(err))
		}
	}
	q.write()
	q.mark()
	q.run()
	q.settledKept()
}

// added counts the messages of a batch that is stored.
func (q *queue) added(batch []*entry, total uint64) {
	for _, e := range batch {
		at := place{q.next, e.size()}
		q.next++
		q.stored++
		q.bytes += at.size
		switch {
		case e.taken:
			q.remove([]place{at})
		case e.holder != 0:
			q.given.add(e.holder, held{at, e.kept.Serial})
		default:
			q.left++
		}
	}
	q.total = total
}

// refuse ends the requests of all that waits.
func (q *queue) refuse(err error) {
	waiting := q.waiting
	q.waiting = nil
	for _, e := range waiting {
		q.settle(e)
		e.fail(xep.StorageError(err))
	}
	q.mark()
}

// mark holds back what comes for the account's sessions while messages wait.
func (q *queue) mark() {
	held := q.older()
	if held == q.held {
		return
	}
	q.held = held
	if held {
		q.a.Mark(q.a.JID(), xep.MarkHeld, 0)
	} else {
		q.a.Mark(q.a.JID(), 0, xep.MarkHeld)
	}
}
