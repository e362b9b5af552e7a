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
	case !q.older():
		q.mark()
		return
	case q.flushing || len(q.ready) == 0 || q.left == 0:
		return
	}
	q.flushing, q.lower = true, false
	q.read(q.from)
}

// read asks for the messages from a number on.
func (q *queue) read(from uint64) {
	op := &storage.Op{Kind: storage.Scan, Collection: collection, From: key(from), Limit: q.pageLimit()}
	q.a.Ask(op, q.deliver)
}

// pageLimit is how many messages to read at once: as many as a page can hold
// if they are of the usual size.
func (q *queue) pageLimit() int {
	average := q.bytes / uint64(max(q.stored, 1))
	return int(min(max(pageBytes/max(average, 1), 1), pageMessages))
}

// deliver gives what was read to the first session that is ready.
func (q *queue) deliver(res *storage.Result) {
	q.flushing = false
	if res.Err != nil || len(q.ready) == 0 {
		return // they stay; the next session or message tries again
	}
	p, ok := q.pick(res.Items)
	switch {
	case !ok:
		return
	case len(p.stanzas) == 0 && res.More: // sessions have all of them, or nobody is to get them
		q.take(&p)
		q.flushing = true
		q.read(p.last + 1)
		return
	}
	if !res.More && p.last+1 == q.next && !q.lower {
		q.left = len(p.places) // now that is known
	}
	q.take(&p)
	if len(p.stanzas) == 0 {
		q.run()
		return
	}
	q.flushing, q.page = true, p.places
	to := q.ready[0]
	q.a.Busy++
	taken := 0
	q.a.DeliverTo(to, p.stanzas, func(n int, ended bool) {
		q.remove(q.page[:n-taken])
		q.page, taken = q.page[n-taken:], n
		switch {
		case ended: // the rest waits again
			q.unready(to)
			q.giveBack(q.page)
		case len(q.page) > 0:
			return
		}
		q.a.Busy--
		q.flushing, q.page = false, nil
		q.run()
	})
}

// place is where a message stands in the queue.
type place struct{ number, size uint64 }

// page is what is delivered at once.
type page struct {
	stanzas [][]byte
	places  []place // of these
	blocked []place // of messages that nobody is to get any more, or that a client has
	last    uint64  // number of the last one looked at
}

// pick takes as many messages as one page may hold, but for those of senders
// that the account has blocked since, and for those that a session has already.
// not ok when there is something that this version cannot read.
func (q *queue) pick(items []storage.Item) (p page, ok bool) {
	size := 0
	p.last = q.next - 1
	for _, item := range items {
		number, err := numberOf(item.Key)
		if err != nil {
			return p, false
		}
		r, err := parseRecord(item.Value)
		if err != nil {
			return p, false
		}
		if q.given.has(number) || slices.Contains(q.undone, number) {
			p.last = number
			continue
		}
		if size += len(r.xml); len(p.stanzas) > 0 && size > pageBytes {
			break
		}
		p.last = number
		at := place{number, uint64(len(r.xml))}
		from, err := r.sender()
		if err == nil && q.a.Registry().Blocked(q.a, from) || q.a.Recalls() && q.a.Recalled(r.xml)&xep.RecalledTaken != 0 {
			p.blocked = append(p.blocked, at)
			continue
		}
		p.stanzas = append(p.stanzas, r.xml)
		p.places = append(p.places, at)
	}
	return p, true
}

// take notes that the messages of a page do not wait any more.
func (q *queue) take(p *page) {
	q.left = max(q.left-len(p.places)-len(p.blocked), 0)
	if !q.lower { // else some may stand before this page
		q.from = p.last + 1
	}
	q.remove(p.blocked)
}

// giveBack lets messages wait that a session has not taken.
func (q *queue) giveBack(places []place) {
	for _, p := range places {
		q.left++
		q.from, q.lower = min(q.from, p.number), true
	}
}

// maxRemoved is how many messages one batch removes.
const maxRemoved = 1024

// remove deletes messages that were taken. What a failure leaves is tried again
// with the next ones, or comes again after the account was forgotten.
func (q *queue) remove(places []place) {
	if len(places) == 0 {
		return
	}
	numbers := q.undone
	q.undone = nil
	for _, p := range places {
		q.stored = max(q.stored-1, 0)
		q.bytes -= min(q.bytes, p.size)
		numbers = append(numbers, p.number)
	}
	for part := range slices.Chunk(numbers, maxRemoved) {
		op := &storage.Op{Kind: storage.Apply, Durable: true}
		for _, n := range part {
			op.Batch.Delete(collection, key(n))
		}
		q.a.Ask(op, func(res *storage.Result) {
			if res.Err != nil && !q.gone {
				q.undone = append(q.undone, part...)
			}
		})
	}
}
