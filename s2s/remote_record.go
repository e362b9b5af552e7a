package s2s

import "slices"

// Record is a copy of what is known.
func (r *Remote) Record(now int64) Record {
	worst := r.troubles()
	rec := Record{Domain: r.domain, State: r.state(now), Steps: slices.Clone(r.steps),
		ErrorAt: r.errorAt, Failures: worst.failures, Queued: r.waiting, QueuedBytes: r.waitingBytes}
	if r.lastErr != nil {
		rec.LastError, rec.Remedy = r.lastErr.Error(), Remedy(r.lastErr)
	}
	if worst.nextTry > now {
		rec.NextTry = worst.nextTry
	}
	for _, l := range r.links {
		s := l.StreamRecord
		s.Sends, s.Receives = slices.Clone(s.Sends), slices.Clone(s.Receives)
		rec.Streams = append(rec.Streams, s)
	}
	return rec
}

// Count adds how it stands with the domain to c.
func (r *Remote) Count(now int64, c *Counts) {
	c.Domains[r.state(now)]++
	for _, l := range r.links {
		if l.Outgoing {
			c.Outgoing++
		} else {
			c.Incoming++
		}
	}
	c.Queued += r.waiting
	c.QueuedBytes += r.waitingBytes
}

func (r *Remote) state(now int64) State {
	for _, p := range r.pairs {
		if p.state == pairReady {
			return Connected
		}
	}
	worst := r.troubles()
	switch {
	case r.try != nil:
		return Connecting
	case slices.ContainsFunc(r.links, func(l *link) bool { return len(l.Receives) > 0 }): // else ours for questions of dialback
		return Receiving
	case worst.refuses(now):
		return Refusing
	case now < worst.nextTry:
		return BackingOff
	}
	return Idle
}
