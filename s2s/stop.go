package s2s

import "github.com/xylem-im/xylem/stanza"

// Unsent is how many stanzas wait that may still be sent before until, Unix
// nanoseconds: a stream is there or on its way for them, or will be tried.
func (r *Remote) Unsent(until int64) (n int) {
	for _, p := range r.pairs {
		if p.state != pairWanted || r.try != nil || max(r.nextTry, p.nextTry) < until {
			n += p.queue.len() + p.fresh.len()
		}
	}
	return n
}

// Stop tells that the engine stops: nobody is connected to any more. What waits
// is returned. What a stream has sent and the peer does not acknowledge before
// its end may have arrived: it is returned, too, unless its sender waits for a
// receipt, and sends it again.
func (r *Remote) Stop(do *Actions) (returned int) {
	r.stopped = true
	for _, p := range r.pairs {
		returned += p.queue.len() + p.fresh.len()
		p.queue.append(&p.fresh)
		r.giveBack(&p.queue, do)
	}
	return returned
}

// giveBack returns what is left when the engine stops.
func (r *Remote) giveBack(q *queue, do *Actions) {
	for _, w := range r.take(q) {
		do.add(Action{Kind: ActionBounce, Stanza: w.st, Receipt: w.Receipt, Error: r.stopping()})
	}
}

// giveBackUnknown is giveBack for what may have arrived.
func (r *Remote) giveBackUnknown(do *Actions) {
	for _, p := range r.pairs {
		for _, w := range r.take(&p.queue) {
			if w.Receipt == (Receipt{}) {
				do.add(Action{Kind: ActionBounce, Stanza: w.st, Error: r.stopping()})
			}
		}
	}
}

func (r *Remote) stopping() stanza.Error {
	return stanza.Error{Condition: stanza.RemoteServerTimeout, Text: "this server stops, and " + r.domain + " was not reached before"}
}
