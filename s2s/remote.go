package s2s

import (
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
	// one or before it. notable: it is the first of them, the one after which stanzas
	// are no longer kept, or the success after them.
	Ended func(domain string, failures int, notable bool, reason error)

	QueueBytes   int   // of stanzas that wait for a stream to one remote domain; one more is returned with resource-constraint
	QueueStanzas int   // and their number
	QueueTime    int64 // nanoseconds that a stanza waits at most; then it is returned with remote-server-timeout
	Questions    int   // of dialback that wait for one remote domain; one more fails

	RetryLeast, RetryMost int64 // nanoseconds from a failed attempt to the next one, doubled by each failure
}

// Patience is how many attempts may fail in a row before stanzas are no longer
// kept between them. Those of the first half minute after the domain was reached do not
// count.
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

	trouble         // of attempts that reached nobody
	failedAt int64  // when the last attempt failed, of whatever kind
	lost     int64  // when the last stream on which something was proved has ended; 0: there was none
	steps    []Step // of the last attempt
	lastErr  error  // why the last attempt, or the last stream, ended
	errorAt  int64
	used     int64 // when it was last of use
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
