package async

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/xylem-im/xylem/storage"
)

// group is what one turn of a worker handles; its slices are reused.
type group struct {
	requests []*request
	ops      []*storage.Op
	errs     []error
	results  []storage.Result // parallel to requests until send
}

func (g *group) reset() {
	clear(g.results) // items belong to their receivers now
	clear(g.errs)
	g.requests, g.ops, g.errs, g.results = g.requests[:0], g.ops[:0], g.errs[:0], g.results[:0]
}

// commitLoop is the one goroutine that applies: what queues up while it waits for
// an fsync makes the next group.
func (p *Pump) commitLoop() {
	var g group
	for p.take(applying, &g, p.opts.MaxGroup) {
		for _, r := range g.requests {
			g.ops = append(g.ops, &r.op)
			g.errs = append(g.errs, nil)
		}
		begin := time.Now()
		p.opts.Driver.Apply(g.ops, g.errs)
		took := time.Since(begin)
		for i, r := range g.requests {
			g.results = append(g.results, storage.Result{Token: r.op.Token, Err: g.errs[i]})
		}
		p.finish(&g, took)
	}
}

func (p *Pump) readLoop() {
	var g group
	for p.take(reading, &g, 1) {
		begin := time.Now()
		g.results = append(g.results, p.opts.Driver.Read(&g.requests[0].op))
		p.finish(&g, time.Since(begin))
	}
}

// take fills g with up to n ready requests of class c, waiting for the first. It
// returns false when the pump is drained.
func (p *Pump) take(c class, g *group, n int) bool {
	g.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.ready[c].empty() {
		if p.drained() {
			return false
		}
		p.work[c].Wait()
	}
	if c == applying {
		p.hurry() // a commit that takes place anyway
	}
	for bytes := 0; len(g.requests) < n && !p.ready[c].empty(); {
		bytes += p.ready[c].head.size
		if len(g.requests) > 0 && bytes > p.opts.MaxGroupBytes {
			break
		}
		g.requests = append(g.requests, p.ready[c].pop())
	}
	return true
}

// finish delivers g's results and then lets go of its requests: in this order,
// so that an owner's next result cannot overtake this one.
func (p *Pump) finish(g *group, took time.Duration) {
	p.deliver(g)
	now := time.Since(p.start)

	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.count(g, now, took)
	for _, r := range g.requests {
		p.leave(r)
	}
	if p.drained() {
		p.wakeAll()
	}
}

// isFailure tells an error from an answer: that nothing is there, or that a
// batch's condition did not hold, is what was asked.
func isFailure(err error) bool {
	return err != nil && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrConflict)
}

// deliver answers every request of g, grouped by loop, in order within a loop.
func (p *Pump) deliver(g *group) {
	n := 0
	for i, r := range g.requests {
		r.failed = isFailure(g.results[i].Err)
		if r.answer != nil {
			r.answer <- g.results[i] // has room for one
			continue
		}
		g.results[n] = g.results[i]
		n++
	}
	results := g.results[:n]
	byLoop := func(a, b storage.Result) int { return cmp.Compare(a.Token.Loop, b.Token.Loop) }
	slices.SortStableFunc(results, byLoop)
	for len(results) > 0 {
		end := 1
		for end < len(results) && results[end].Token.Loop == results[0].Token.Loop {
			end++
		}
		p.opts.Deliver(results[:end:end])
		results = results[end:]
	}
}
