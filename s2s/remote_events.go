package s2s

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xylem-im/xylem/stanza"
)

// Refused tells that Stream.Request of p was false: it needs a stream of its own.
func (r *Remote) Refused(now int64, ref Ref, local string, do *Actions) {
	if l := r.link(ref); l != nil {
		l.closed = true
	}
	if p := r.pairs[local]; p != nil && p.state == pairRequested && p.ref == ref {
		p.state = pairWanted
	}
	r.pursue(now, do)
}

// Verify takes a question of dialback for the remote domain, from a stream on
// which somebody wants to speak for it.
func (r *Remote) Verify(now int64, v Verify, from Ref, do *Actions) {
	r.used = now
	q := question{v, from}
	for _, l := range r.links {
		if l.Outgoing && l.Ref != from && len(l.asked) < r.cfg.Questions { // XEP-0288 §2.2: not on the stream of the key
			l.asked = append(l.asked, q)
			do.add(Action{Kind: ActionAsk, Ref: l.Ref, Verify: v})
			return
		}
	}
	switch {
	case len(r.asks) >= r.cfg.Questions:
		r.answer(q, Failed, errors.New("too many dialback questions wait for "+r.domain), do)
	default:
		r.asks = append(r.asks, q)
		r.seek(now, do)
	}
}

// seek begins an attempt for the questions that wait. There is a peer that says it
// is the remote domain, so that may be back: what failed before delays it no longer than
// the least pause.
func (r *Remote) seek(now int64, do *Actions) {
	if len(r.asks) > 0 && r.try == nil && now >= r.nextQuestion() {
		r.begin(now, r.asks[0].v.Pair.Local, true, do)
	}
}

// nextQuestion is when an attempt for questions may begin.
func (r *Remote) nextQuestion() int64 { return min(r.nextTry, r.failedAt+r.cfg.RetryLeast) }

func (r *Remote) answer(q question, result Verdict, err error, do *Actions) {
	do.add(Action{Kind: ActionAnswer, Ref: q.from, Verify: q.v, Result: result, Err: err})
}

// Joined tells of a stream of the peer's on which the remote domain was proved.
func (r *Remote) Joined(now int64, s StreamRecord) {
	r.used = now
	if r.link(s.Ref) == nil {
		s.Since = now
		r.links = append(r.links, &link{StreamRecord: s, closed: true})
	}
}

// Secured tells what TLS has shown on a stream.
func (r *Remote) Secured(ref Ref, security, verdict string) {
	if l := r.link(ref); l != nil {
		l.Security, l.Verdict = security, verdict
	}
}

// Event takes an event of a stream that concerns the remote domain.
func (r *Remote) Event(now int64, ref Ref, ev *Event, do *Actions) {
	r.used = now
	switch ev.Kind {
	case EventReady:
		r.ready(now, ref, ev, do)
	case EventAuthorized:
		if l := r.link(ref); l != nil {
			l.Receives = append(l.Receives, Proved{ev.Pair.Local, ev.Method.String()})
		}
		r.came(now, ev.Pair.Local, do)
	case EventRefused:
		r.refused(now, ref, ev, do)
	case EventVerified:
		r.verified(ref, ev, do)
	case EventStep:
		if r.try != nil && r.try.ref == ref {
			r.step(now, ev.Text)
		}
	}
}

// came tells that the remote domain has come to us: it is up, so the next attempt
// to reach it is not put off any longer.
func (r *Remote) came(now int64, local string, do *Actions) {
	r.nextTry = min(r.nextTry, now)
	if p := r.pairs[local]; p != nil {
		p.nextTry = min(p.nextTry, now)
	}
	r.pursue(now, do)
}

// ready begins to use a stream for a pair.
func (r *Remote) ready(now int64, ref Ref, ev *Event, do *Actions) {
	l := r.link(ref)
	if l == nil {
		return
	}
	l.Sends = append(l.Sends, Proved{ev.Pair.Local, ev.Method.String()})
	if r.try != nil && r.try.ref == ref {
		r.step(now, fmt.Sprintf("%s may speak to %s, proved by %s", ev.Pair.Local, r.domain, ev.Method))
		r.succeeded()
	}
	p := r.pair(ev.Pair.Local)
	p.trouble = trouble{}
	if p.state == pairReady || p.state == pairSettling {
		return // what is on its way on the other stream must not be overtaken
	}
	r.carry(p, ref, do)
	r.pursue(now, do)
}

// carry sends what waits for a pair on a stream, and all that follows.
func (r *Remote) carry(p *pair, ref Ref, do *Actions) {
	p.state, p.ref, p.alone = pairReady, ref, false
	for _, w := range r.take(&p.queue) {
		do.add(Action{Kind: ActionDeliver, Ref: ref, Pair: r.of(p.local), Stanza: w.st, Receipt: w.Receipt})
	}
}

// take empties a queue and the counts of it.
func (r *Remote) take(q *queue) []waiting {
	r.waiting -= q.len()
	r.waitingBytes -= q.bytes
	return q.take()
}

// refused goes on with the next target when the peer does not take the pair that
// a stream was made for, or we do not trust the peer with it. A pair that was
// added to a stream gets one of its own: a certificate may prove it there.
func (r *Remote) refused(now int64, ref Ref, ev *Event, do *Actions) {
	if r.try != nil && r.try.ref == ref {
		r.step(now, ev.Err.Error())
		r.try.err = ev.Err
		do.add(Action{Kind: ActionEnd, Ref: ref, Err: ev.Err}) // Closed goes on with the next target
		return
	}
	p := r.pairs[ev.Pair.Local]
	if p == nil || p.ref != ref || p.state != pairRequested {
		return
	}
	p.state, p.alone = pairWanted, true
	r.failedWith(now, ev.Err)
	r.pursue(now, do)
}

// verified passes an answer on to the stream that wants to know.
func (r *Remote) verified(ref Ref, ev *Event, do *Actions) {
	l := r.link(ref)
	if l == nil {
		return
	}
	l.asked = slices.DeleteFunc(l.asked, func(q question) bool {
		if q.v.ID != ev.Verify.ID || q.v.Pair != ev.Verify.Pair {
			return false
		}
		r.answer(q, ev.Result, ev.Err, do)
		return true
	})
}

// Return takes a stanza that a stream was given and the peer has not
// acknowledged, oldest first, before Closed of that stream. It keeps st.
func (r *Remote) Return(now int64, local string, st []byte, rc Receipt) {
	p := r.pair(local)
	p.queue.push(waiting{st, now, rc})
	r.waiting++
	r.waitingBytes += len(st)
}

// Closed tells that a stream has ended, and why; nil: properly.
func (r *Remote) Closed(now int64, ref Ref, reason error, do *Actions) {
	if i := slices.IndexFunc(r.links, func(l *link) bool { return l.Ref == ref }); i >= 0 {
		l := r.links[i]
		r.links = slices.Delete(r.links, i, i+1)
		if len(l.Sends)+len(l.Receives) > 0 {
			r.lost = now
		}
		if err := reason; len(l.asked) > 0 {
			if err == nil {
				err = errors.New(r.domain + " closed the stream without an answer")
			}
			for _, q := range l.asked {
				r.answer(q, Failed, err, do)
			}
		}
	}
	for _, p := range r.pairs {
		switch {
		case p.ref != ref:
		case p.state == pairReady:
			p.state = pairSettling
			do.add(Action{Kind: ActionSettle, Ref: ref, Pair: r.of(p.local)})
		case p.state == pairRequested:
			p.state = pairWanted
		}
	}
	if r.try != nil && r.try.ref == ref {
		if reason == nil {
			reason = fmt.Errorf("%s closed the stream before anything was proved", r.domain)
		}
		r.miss(now, reason, do)
		return
	}
	if reason != nil {
		r.failedWith(now, reason)
	}
	r.pursue(now, do)
}

func (r *Remote) failedWith(now int64, err error) { r.lastErr, r.errorAt = err, now }

// Settled tells that all has come back which was on its way to a stream that
// has ended.
func (r *Remote) Settled(now int64, ref Ref, local string, do *Actions) {
	p := r.pairs[local]
	if p == nil || p.state != pairSettling || p.ref != ref {
		return
	}
	p.queue.append(&p.fresh)
	p.state, p.ref = pairWanted, 0
	for _, l := range r.links { // another one may be ready for it since
		if slices.ContainsFunc(l.Sends, func(s Proved) bool { return s.Local == local }) {
			r.carry(p, l.Ref, do)
			return
		}
	}
	r.pursue(now, do)
}

// bounce returns what waits in a queue to who sent it.
func (r *Remote) bounce(q *queue, err error, do *Actions) {
	e := r.bounceError(err)
	for _, w := range r.take(q) {
		do.add(Action{Kind: ActionBounce, Stanza: w.st, Receipt: w.Receipt, Error: e})
	}
}

// bounceError is what senders are told, RFC 6120 §8.3.3.16 and §8.3.3.17.
func (r *Remote) bounceError(err error) stanza.Error {
	e := stanza.Error{Condition: stanza.RemoteServerTimeout}
	if errors.Is(err, ErrNoService) {
		e.Condition = stanza.RemoteServerNotFound
	}
	if err != nil {
		e.Text = err.Error()
	}
	return e
}
