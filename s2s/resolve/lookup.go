package resolve

import (
	"context"
	"errors"
	"time"
)

// flight is a look-up under way, for all who want to know.
type flight struct {
	done chan struct{}
	a    answer // valid after done
	err  error
}

// lookup answers a question from what is kept, or by asking. cached: it was
// kept.
func (r *Resolver) lookup(ctx context.Context, q question) (a answer, cached bool, err error) {
	r.mu.Lock()
	if a, ok := r.cache.get(q, r.cfg.Now()); ok {
		r.mu.Unlock()
		r.stats.hits.Add(1)
		return a, true, nil
	}
	f := r.flights[q]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		r.flights[q] = f
		go r.fly(q, f, r.sources)
	}
	r.mu.Unlock()
	select {
	case <-f.done:
		return f.a, false, f.err
	case <-ctx.Done():
		return a, false, &failure{"the name servers have not answered in time", true}
	}
}

// fly asks the name servers, independent of who wants to know.
func (r *Resolver) fly(q question, f *flight, s Sources) {
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Lookup)
	defer cancel()
	f.a, f.err = r.resolve(ctx, q, &s)
	r.mu.Lock()
	if r.flights[q] == f { // else Use has come in between
		delete(r.flights, q)
		if f.err == nil {
			r.cache.put(q, f.a, f.a.at.Add(r.lifetime(&f.a)))
		}
	}
	r.mu.Unlock()
	close(f.done)
}

// resolve follows aliases as far as name servers leave that to us.
func (r *Resolver) resolve(ctx context.Context, q question, s *Sources) (answer, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return answer{}, &failure{"too many questions to name servers are under way", true}
	}
	servers, named := r.nameServers(s)
	var via string
	ttl := r.cfg.MostTTL
	for range mostAliases {
		r.stats.questions.Add(1)
		m, err := r.exchange(ctx, servers, named, q)
		if err != nil {
			r.stats.failures.Add(1)
			return answer{}, err
		}
		a, ask, err := interpret(q, m)
		if err != nil {
			r.stats.failures.Add(1)
			return answer{}, &failure{text: "the answer of the name server for " + q.name + " is of no use: " + err.Error()}
		}
		if ask == "" {
			if a.via == "" {
				a.via = via
			}
			a.ttl, a.at = min(a.ttl, ttl), r.cfg.Now()
			return a, nil
		}
		via, q.name, ttl = ask, ask, min(ttl, a.ttl)
	}
	return answer{}, &failure{text: "the aliases (CNAME) of " + q.name + " go in a circle or are too many"}
}

// lifetime is how long an answer is kept.
func (r *Resolver) lifetime(a *answer) time.Duration {
	most := r.cfg.MostTTL
	if a.kind != found {
		most = min(most, r.cfg.NegativeTTL)
	}
	return max(r.cfg.LeastTTL, min(a.ttl, most))
}

// silent tells that name servers did not answer, rather than say no.
func silent(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.silent
}
