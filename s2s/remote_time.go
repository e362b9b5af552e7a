package s2s

import "github.com/xylem-im/xylem/stanza"

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never.
func (r *Remote) Deadline() int64 {
	due := int64(0)
	if len(r.asks) > 0 && r.try == nil && !r.stopped {
		due = max(r.nextQuestion(), 1)
	}
	if r.waiting == 0 {
		return due
	}
	for _, p := range r.pairs {
		if p.queue.len() > 0 {
			due = earlier(due, p.queue.items[0].at+r.cfg.QueueTime)
			if r.try == nil {
				due = earlier(due, max(r.nextTry, p.nextTry))
			}
		}
		if p.fresh.len() > 0 {
			due = earlier(due, p.fresh.items[0].at+r.cfg.QueueTime)
		}
	}
	return due
}

func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// Tick returns what has waited too long, and tries again.
func (r *Remote) Tick(now int64, do *Actions) {
	for _, p := range r.pairs {
		r.expire(p, &p.queue, now, do)
		r.expire(p, &p.fresh, now, do)
	}
	r.pursue(now, do)
	if !r.stopped {
		r.seek(now, do)
	}
}

func (r *Remote) expire(p *pair, q *queue, now int64, do *Actions) {
	old := q.takeOlder(now - r.cfg.QueueTime)
	if len(old) == 0 {
		return
	}
	e := stanza.Error{Condition: stanza.RemoteServerTimeout, Text: r.domain + " could not be reached in time"}
	switch {
	case p.failures > 0:
		e = r.bounceError(p.err)
	case r.failures > 0:
		e = r.bounceError(r.err)
	}
	for _, w := range old {
		r.waiting--
		r.waitingBytes -= len(w.st)
		do.add(Action{Kind: ActionBounce, Stanza: w.st, Receipt: w.Receipt, Error: e})
	}
}

// Idle tells whether nothing of the domain is in use since before limit, Unix
// nanoseconds: its record may be forgotten.
func (r *Remote) Idle(limit int64) bool {
	return r.waiting == 0 && len(r.links) == 0 && r.try == nil && len(r.asks) == 0 && r.used < limit && r.nextTry < limit
}
