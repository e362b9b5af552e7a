package s2s

import "errors"

// trouble is how attempts to speak to a remote domain fail. A Remote has one for
// what concerns everybody, such as that there is no way to it, and each pair has
// one for what may concern its local domain alone, such as a certificate that
// the peer does not take: other domains of ours are none the worse for it.
type trouble struct {
	failures int // in a row
	nextTry  int64
	err      error // the last
}

// add notes a failure. The time until the next attempt is doubled by each, and
// spread by up to a quarter.
func (t *trouble) add(now int64, err error, cfg *RemoteConfig) {
	t.failures++
	t.err = err
	d := cfg.RetryMost
	if n := t.failures - 1; n < 30 && cfg.RetryLeast<<n < d {
		d = cfg.RetryLeast << n
	}
	t.nextTry = now + d + cfg.Jitter(d/4+1)
}

// hopeless tells whether so much failed that stanzas are not kept for the next
// attempt.
func (t *trouble) hopeless() bool {
	return t.failures >= Patience || t.failures > 0 && errors.Is(t.err, ErrNoService)
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
	if t.met && !t.asks {
		p := r.pair(t.local)
		p.add(now, err, r.cfg)
		r.ended(p.failures, err)
		if p.hopeless() && p.state == pairWanted {
			r.bounce(&p.queue, err, do)
		}
		r.pursue(now, do) // for other domains of ours
		return
	}
	r.add(now, err, r.cfg)
	r.ended(r.failures, err)
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
