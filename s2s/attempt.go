package s2s

import "fmt"

// attempt is one try to reach the remote domain: its servers are looked for,
// then connected to, each as soon as the one before does not answer, until a stream to one of them is proved for a
// first pair, or can carry the questions that the attempt is for.
type attempt struct {
	local   string
	asks    bool // for dialback questions only
	targets []Target
	next    int   // in targets: from there on they were not tried
	ref     Ref   // of the stream that is being negotiated; 0: none
	err     error // why the last target did not do
	met     bool  // a target has answered, so that what fails may concern the local domain alone
}

// begin starts an attempt.
func (r *Remote) begin(now int64, local string, asks bool, do *Actions) {
	r.try = &attempt{local: local, asks: asks}
	r.steps = r.steps[:0]
	do.add(Action{Kind: ActionFind, Pair: r.of(local)})
}

// step adds a line to the story.
func (r *Remote) step(now int64, text string) {
	if len(r.steps) < maxSteps {
		r.steps = append(r.steps, Step{now, text})
	}
}

// Step adds a line to the story of the attempt that is under way: what the
// resolver or the dialer found out.
func (r *Remote) Step(now int64, text string) {
	if r.try != nil {
		r.step(now, text)
	}
}

// Found answers ActionFind.
func (r *Remote) Found(now int64, targets []Target, err error, do *Actions) {
	switch {
	case r.try == nil || r.try.targets != nil:
	case err != nil:
		r.failed(now, err, do)
	case len(targets) == 0:
		r.failed(now, fmt.Errorf("%w: no address for %s", ErrNoService, r.domain), do)
	default:
		r.try.targets = targets
		r.dial(do)
	}
}

func (r *Remote) dial(do *Actions) {
	t := r.try
	do.add(Action{Kind: ActionDial, Pair: r.of(t.local), Targets: t.targets[t.next:], Asks: t.asks})
}

// Dialed answers ActionDial: ref is the stream that has begun at address, which is
// of the target used, or err says why there is none at any.
func (r *Remote) Dialed(now int64, ref Ref, address string, used int, err error, do *Actions) {
	t := r.try
	if t != nil { // those before used have failed, or were silent while it answered
		if t.next += used + 1; err != nil {
			t.next = len(t.targets)
		}
	}
	switch {
	case t == nil:
		if err == nil {
			do.add(Action{Kind: ActionEnd, Ref: ref})
		}
	case err != nil:
		r.miss(now, err, do)
	default:
		t.ref, t.met = ref, true
		l := &link{StreamRecord: StreamRecord{Ref: ref, Outgoing: true, Address: address, Since: now}, closed: true}
		r.links = append(r.links, l)
		for _, q := range r.asks {
			l.asked = append(l.asked, q)
			do.add(Action{Kind: ActionAsk, Ref: ref, Verify: q.v})
		}
		r.asks = nil
		if t.asks {
			r.succeeded() // what is wrong with it ends it, and the questions with it
			r.pursue(now, do)
		}
	}
}

// succeeded ends an attempt whose stream is of use.
func (r *Remote) succeeded() {
	if l := r.link(r.try.ref); l != nil {
		l.closed = false
	}
	failures := 0
	if !r.try.asks {
		failures = r.troubles().failures
		r.trouble = trouble{}
	}
	r.ended(failures, failures > 0, nil)
}

// ended forgets the attempt.
func (r *Remote) ended(failures int, notable bool, reason error) {
	r.try = nil
	if r.cfg.Ended != nil {
		r.cfg.Ended(r.domain, failures, notable, reason)
	}
}

// miss goes on with the next target of the attempt.
func (r *Remote) miss(now int64, err error, do *Actions) {
	t := r.try
	if t.err != nil && t.ref != 0 {
		err = t.err // the better reason: the stream was ended because of it
	} else {
		r.step(now, err.Error())
	}
	t.ref, t.err = 0, nil
	if t.next < len(t.targets) {
		r.dial(do)
		return
	}
	r.failed(now, err, do)
}
