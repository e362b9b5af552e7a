package s2s

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/stanza"
)

// RemoteConfig is shared by all remote domains of an engine and only read.
type RemoteConfig struct {
	// Policy tells what holds for a remote domain.
	Policy func(remote string) Policy
	// Jitter is a random number from 0 to n-1; it spreads attempts.
	Jitter func(n int64) int64

	// Ended, unless nil, is called when an attempt to reach a domain has ended, and
	// why; nil: it succeeded. failures is how many have failed in a row, with this
	// one or before it.
	Ended func(domain string, failures int, reason error)

	QueueBytes   int   // of stanzas that wait for a stream to one remote domain; one more is returned with resource-constraint
	QueueStanzas int   // and their number
	QueueTime    int64 // nanoseconds that a stanza waits at most; then it is returned with remote-server-timeout
	Questions    int   // of dialback that wait for one remote domain; one more fails

	RetryLeast, RetryMost int64 // nanoseconds from a failed attempt to the next one, doubled by each failure
}

// Patience is how many attempts may fail in a row before stanzas are no longer
// kept between them.
const Patience = 3

// Remote is one remote domain at its home loop: who can carry stanzas there,
// and what waits for that. Loop only.
type Remote struct {
	cfg    *RemoteConfig
	domain string
	pairs  map[string]*pair // by local domain
	links  []*link
	asks   []question // that no stream was there for
	try    *attempt   // under way; nil: none

	waiting, waitingBytes int // in all queues

	stopped bool // see Stop

	trouble        // of attempts that reached nobody
	steps   []Step // of the last attempt
	lastErr error  // why the last attempt, or the last stream, ended
	errorAt int64
	used    int64 // when it was last of use
}

// pair is one of our domains that has something to say to the remote one.
type pair struct {
	local   string
	state   pairState
	alone   bool  // a stream of another domain of ours was no use: it needs one of its own
	ref     Ref   // pairRequested, pairReady, pairSettling
	trouble       // of attempts that reached the peer
	queue   queue // waits for a stream
	fresh   queue // pairSettling: waits behind what comes back from the last stream
}

type pairState uint8

const (
	pairWanted    pairState = iota // no stream for it
	pairRequested                  // is being proved on a stream that exists
	pairReady
	pairSettling // its stream has ended, and what was on its way there comes back
)

// link is a stream with the remote domain.
type link struct {
	StreamRecord
	closed bool       // no further pair can be proved on it
	asked  []question // whose answers it owes
}

// question is a Verify and the stream that wants to know.
type question struct {
	v    Verify
	from Ref
}

// NewRemote makes the record of a prepared domain.
func NewRemote(cfg *RemoteConfig, domain string) *Remote {
	return &Remote{cfg: cfg, domain: domain, pairs: make(map[string]*pair)}
}

// Route is the stream that takes stanzas of a local domain now; when there is
// none Send keeps them.
func (r *Remote) Route(local string) (Ref, bool) {
	p := r.pairs[local]
	if p == nil || p.state != pairReady {
		return 0, false
	}
	return p.ref, true
}

// Send takes a stanza rendered for a stream of jabber:client. It is copied.
// back: it comes back from a stream that has ended, and goes before what was
// sent since. rc is who waits until it is dealt with.
func (r *Remote) Send(now int64, local string, st []byte, rc Receipt, back bool, do *Actions) {
	r.used = now
	if r.cfg.Policy(r.domain).Denied {
		do.add(Action{Kind: ActionBounce, Stanza: slices.Clone(st), Receipt: rc, Error: r.notAllowed()})
		return
	}
	p := r.pair(local)
	hopeless := r.hopelessFor(p, now)
	switch {
	case p.state == pairReady:
		do.add(Action{Kind: ActionDeliver, Ref: p.ref, Pair: r.of(local), Stanza: slices.Clone(st), Receipt: rc})
	case r.stopped:
		do.add(Action{Kind: ActionBounce, Stanza: slices.Clone(st), Receipt: rc, Error: r.stopping()})
	case hopeless != nil:
		do.add(Action{Kind: ActionBounce, Stanza: slices.Clone(st), Receipt: rc, Error: r.bounceError(hopeless)})
	case !back && (r.waiting >= r.cfg.QueueStanzas || r.waitingBytes+len(st) > r.cfg.QueueBytes):
		do.add(Action{Kind: ActionBounce, Stanza: slices.Clone(st), Receipt: rc,
			Error: stanza.Error{Condition: stanza.ResourceConstraint, Text: "too much waits for " + r.domain}})
	default:
		q := &p.queue
		if p.state == pairSettling && !back {
			q = &p.fresh
		}
		q.push(waiting{slices.Clone(st), now, rc})
		r.waiting++
		r.waitingBytes += len(st)
		r.pursue(now, do)
	}
}

func (r *Remote) pair(local string) *pair {
	p := r.pairs[local]
	if p == nil {
		p = &pair{local: strings.Clone(local)}
		r.pairs[p.local] = p
	}
	return p
}

func (r *Remote) of(local string) Pair { return Pair{Local: local, Remote: r.domain} }

func (r *Remote) link(ref Ref) *link {
	for _, l := range r.links {
		if l.Ref == ref {
			return l
		}
	}
	return nil
}

// pursue does what can be done now for the pairs that have something waiting.
func (r *Remote) pursue(now int64, do *Actions) {
	if r.stopped {
		r.giveBackUnknown(do)
		return
	}
	for _, p := range r.pairs {
		if p.state != pairWanted || p.queue.len() == 0 || now < p.nextTry {
			continue
		}
		if r.cfg.Policy(r.domain).Denied {
			r.deny(&p.queue, do)
			continue
		}
		if l := r.open(); l != nil && !p.alone {
			p.state, p.ref = pairRequested, l.Ref
			do.add(Action{Kind: ActionRequest, Ref: l.Ref, Pair: r.of(p.local)})
			continue
		}
		if r.try == nil && now >= r.nextTry {
			r.begin(now, p.local, false, do)
		}
	}
}

// open is a stream of ours on which one more pair can be proved; nil if none.
func (r *Remote) open() *link {
	for _, l := range r.links {
		if l.Outgoing && !l.closed {
			return l
		}
	}
	return nil
}

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
	case r.try == nil && now < r.nextTry:
		r.answer(q, Failed, r.err, do)
	default:
		r.asks = append(r.asks, q)
		if r.try == nil {
			r.begin(now, v.Pair.Local, true, do)
		}
	}
}

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

// Deadline is when Tick wants to be called, Unix nanoseconds; 0: never.
func (r *Remote) Deadline() int64 {
	if r.waiting == 0 {
		return 0
	}
	due := int64(0)
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
