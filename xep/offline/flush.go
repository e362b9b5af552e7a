package offline

import (
	"slices"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// What one page of messages may hold; the first may be larger. pageBytes is
// far below what a connection may hold unsent (engine.Limits.OutboundBytes).
const (
	pageMessages = 128
	pageBytes    = 128 << 10
)

// readyNow notes that a session may have messages.
func (q *queue) readyNow(s xep.SessionRef) {
	if !q.isReady(s) {
		q.ready = append(q.ready, s)
	}
}

func (q *queue) unready(s xep.SessionRef) {
	q.ready = slices.DeleteFunc(q.ready, func(r xep.SessionRef) bool { return r.ID == s.ID })
}

func (q *queue) isReady(s xep.SessionRef) bool {
	return slices.ContainsFunc(q.ready, func(r xep.SessionRef) bool { return r.ID == s.ID })
}

// delivers tells whether older messages are on their way to one of targets, or
// will be as soon as they are stored.
func (q *queue) delivers(targets []xep.Resource) bool {
	if len(q.ready) == 0 || !q.flushing && q.pending() == 0 {
		return false
	}
	to := q.ready[0].JID.Resource()
	return slices.ContainsFunc(targets, func(r xep.Resource) bool { return r.Name == to })
}

// run delivers what is stored, if there is somebody to deliver it to. It is
// called whenever one of the two may have become true.
func (q *queue) run() {
	switch {
	case !q.loaded:
		return
	case q.size() == 0:
		q.mark()
		return
	case q.flushing || len(q.ready) == 0 || q.first == q.next:
		return
	}
	q.flushing = true
	op := &storage.Op{Kind: storage.Scan, Collection: collection, From: key(q.first), Limit: q.pageLimit()}
	q.a.Ask(op, q.page)
}

// pageLimit is how many messages to read at once: as many as a page can hold
// if they are of the usual size.
func (q *queue) pageLimit() int {
	average := (q.total - q.base) / (q.next - q.first)
	return int(min(max(pageBytes/max(average, 1), 1), pageMessages))
}

// page delivers what was read.
func (q *queue) page(res *storage.Result) {
	q.flushing = false
	if res.Err != nil || len(q.ready) == 0 {
		return // they stay; the next session or message tries again
	}
	stanzas, last, ok := q.pick(res.Items)
	if !ok {
		return
	}
	q.flushing = true
	if len(stanzas) == 0 {
		q.delivered(last)
		return
	}
	to := q.ready[0]
	q.a.Busy++
	q.a.DeliverTo(to, stanzas, func(ok bool) {
		q.a.Busy--
		if ok {
			q.delivered(last)
			return
		}
		q.flushing = false
		q.unready(to) // it has ended
		q.run()
	})
}

// place is where a message stands in the queue.
type place struct{ number, total uint64 }

// pick takes as many messages as one page may hold, but for those of senders
// that the account has blocked since. last is the last one looked at; not ok
// when there is something that this version cannot read.
func (q *queue) pick(items []storage.Item) (stanzas [][]byte, last place, ok bool) {
	size := 0
	for i, item := range items {
		number, err := numberOf(item.Key)
		if err != nil {
			return nil, last, false
		}
		r, err := parseRecord(item.Value)
		if err != nil {
			return nil, last, false
		}
		if size += len(r.xml); i > 0 && size > pageBytes {
			break
		}
		last = place{number, r.total}
		if from, err := r.sender(); err == nil && q.a.Registry().Blocked(q.a, from) {
			continue
		}
		stanzas = append(stanzas, r.xml)
	}
	return stanzas, last, len(items) > 0
}

// delivered removes what the session has got, and goes on with the rest: the
// next page is read behind the removal. What a failure leaves is removed with
// the next page, or comes again after the account was forgotten. The range begins
// where the last one ended: stores that keep traces of what was removed would
// walk over all of them.
func (q *queue) delivered(last place) {
	q.first, q.base = last.number+1, last.total
	op := &storage.Op{Kind: storage.Apply, Durable: true}
	end := q.first
	op.Batch.DeleteRange(collection, key(q.removed), key(end))
	q.a.Ask(op, func(res *storage.Result) {
		if res.Err == nil {
			q.removed = max(q.removed, end)
		}
	})
	q.flushing = false
	q.run()
}
