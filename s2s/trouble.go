package s2s

import "errors"

// trouble is how attempts to speak to a remote domain fail. A Remote has one for
// what concerns everybody, such as that there is no way to it, and each pair has
// one for what may concern its local domain alone, such as a certificate that
// the peer does not take: other domains of ours are none the worse for it.
type trouble struct {
	failures int // in a row
	spared   int // those of them that came within restartTime
	nextTry  int64
	err      error // the last
}

// restartTime is how long after the end of a stream with a remote domain, in
// nanoseconds, failures are no reason to wait longer for the next attempt, or to
// return what waits: other servers are started anew every day, and their users
// and ours should not notice.
const restartTime = int64(30e9)

// restarts tells whether the domain was there a moment ago.
func (r *Remote) restarts(now int64) bool { return r.lost != 0 && now < r.lost+restartTime }

// add notes a failure, and tells whether it is one to report: the first, or the one
// that ends patience. The time until the next attempt is doubled by each, and
// spread by up to a quarter. spare: it comes within restartTime.
func (t *trouble) add(now int64, err error, spare bool, cfg *RemoteConfig) (notable bool) {
	t.failures++
	if t.err = err; spare {
		t.spared++
	}
	d := cfg.RetryMost
	if n := max(t.counted()-1, 0); n < 30 && cfg.RetryLeast<<n < d {
		d = cfg.RetryLeast << n
	}
	t.nextTry = now + d + cfg.Jitter(d/4+1)
	return t.failures == 1 || !spare && t.counted() == Patience
}

// counted is how many failures lengthen the pauses, and use up patience.
func (t *trouble) counted() int { return t.failures - t.spared }

// hopeless tells whether so much failed that stanzas are not kept for the next
// attempt.
func (t *trouble) hopeless() bool {
	return t.counted() >= Patience || t.failures > 0 && errors.Is(t.err, ErrNoService)
}

// refuses tells whether stanzas are returned at once, since nothing is to be
// hoped for until the next attempt.
func (t *trouble) refuses(now int64) bool { return now < t.nextTry && t.hopeless() }

// failed ends an attempt in vain. What waits is kept for the next one unless
// that is hopeless, or too many failed.
func (r *Remote) failed(now int64, err error, do *Actions) {
	t := r.try
	r.step(now, "given up: "+err.Error())
	r.failedWith(now, err)
	r.failedAt = now
	if t.met && !t.asks {
		p := r.pair(t.local)
		notable := p.add(now, err, r.restarts(now), r.cfg)
		r.ended(p.failures, notable, err)
		if p.hopeless() && p.state == pairWanted {
			r.bounce(&p.queue, err, do)
		}
		r.pursue(now, do) // for other domains of ours
		return
	}
	notable := false
	if !t.asks || now >= r.nextTry { // questions may come between attempts: whoever asks does not lengthen the pauses of others
		notable = r.add(now, err, r.restarts(now), r.cfg)
	}
	r.ended(r.failures, notable, err)
	for _, q := range r.asks {
		r.answer(q, Failed, err, do)
	}
	r.asks = nil
	if !r.hopeless() {
		return
	}
	for _, p := range r.pairs {
		if p.state == pairWanted {
			r.bounce(&p.queue, err, do)
		}
	}
}

// hopelessFor is why stanzas of one of our domains are returned at once; nil:
// they are not.
func (r *Remote) hopelessFor(p *pair, now int64) error {
	switch {
	case r.try != nil && r.try.local == p.local:
		return nil
	case p.state == pairWanted && p.refuses(now):
		return p.err
	case r.refuses(now):
		return r.err
	}
	return nil
}

// troubles is the worst of what concerns everybody and what concerns one of our
// domains.
func (r *Remote) troubles() trouble {
	worst := r.trouble
	for _, p := range r.pairs {
		if p.failures > worst.failures {
			worst = p.trouble
		}
	}
	return worst
}
