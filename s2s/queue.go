package s2s

// queue is what waits for a stream to one remote domain from one of ours, in
// the order in which it is to leave. The zero value is ready.
type queue struct {
	items []waiting
	bytes int
}

// waiting is a stanza, rendered for a stream of jabber:client.
type waiting struct {
	st []byte
	at int64 // since when it waits, Unix nanoseconds
	Receipt
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) push(w waiting) {
	q.items = append(q.items, w)
	q.bytes += len(w.st)
}

// take empties the queue.
func (q *queue) take() []waiting {
	items := q.items
	*q = queue{}
	return items
}

// takeOlder takes those that wait since before limit: all of the front, since
// the order is that of their arrival but for a few that came back.
func (q *queue) takeOlder(limit int64) []waiting {
	n := 0
	for n < len(q.items) && q.items[n].at < limit {
		q.bytes -= len(q.items[n].st)
		n++
	}
	old := q.items[:n:n]
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
	}
	return old
}

// append moves all of other behind q.
func (q *queue) append(other *queue) {
	q.items = append(q.items, other.items...)
	q.bytes += other.bytes
	*other = queue{}
}
