// Package async is the pump between event loops, which must not wait, and a
// storage driver, which does: bounded queues, group commit, read workers, and
// the delivery of results.
//
// Operations of one owner are done in the order in which they were submitted:
// an Apply sees the Apply before it, a read sees the Apply before it, and an
// Apply waits for the reads before it. Consecutive reads of one owner run beside
// each other, consecutive Applies share a group commit. Owners do not wait for
// each other, apart from sharing the disk.
package async

import (
	"context"
	"sync"
	"time"

	"github.com/xylem-im/xylem/storage"
)

// Pump runs operations on a driver. All methods are safe for concurrent use.
type Pump struct {
	opts  Options
	start time.Time

	mu      sync.Mutex
	work    [2]sync.Cond // by class: signalled when ready[class] grows and when all is drained
	ready   [2]list      // by class: what may run now
	patient patient      // Applies that may run now and wait for others
	lanes   map[string]*lane
	spare   spares
	stats   Stats // Ops, Bytes: what was accepted and not yet answered
	closing bool

	workers   sync.WaitGroup
	closeOnce sync.Once
	closeErr  error
}

// New starts a pump. The error says which option is missing.
func New(opts Options) (*Pump, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pump{opts: opts, start: time.Now(), lanes: make(map[string]*lane)}
	for c := range p.work {
		p.work[c].L = &p.mu
	}
	p.patient.timer = time.AfterFunc(time.Hour, p.patienceOver)
	p.patient.timer.Stop()
	p.workers.Go(p.commitLoop)
	for range opts.Readers {
		p.workers.Go(p.readLoop)
	}
	return p, nil
}

// Submit queues op and returns. It does no I/O, waits for nothing but a short
// critical section, and does not allocate in steady state: it may be called on an
// event loop. It copies *op, so op may be reused at once; its slices may not be
// changed before the result has arrived.
//
// If the error is nil, Deliver gets exactly one Result with op's Token. Otherwise
// nothing was queued: storage.ErrBusy at a bound, storage.ErrClosed after Close,
// storage.ErrInvalid or storage.ErrTooLarge for an op that no driver would take.
func (p *Pump) Submit(op *storage.Op) error { return p.submit(op, nil) }

// Do submits op and waits for its result, which does not go through Deliver. For
// command-line tools, the admin socket and tests: never call it on an event loop.
// If ctx ends first, the result carries ctx's error and op may still be done.
func (p *Pump) Do(ctx context.Context, op *storage.Op) storage.Result {
	answer := make(chan storage.Result, 1)
	if err := p.submit(op, answer); err != nil {
		return storage.Result{Token: op.Token, Err: err}
	}
	select {
	case res := <-answer:
		return res
	case <-ctx.Done():
		return storage.Result{Token: op.Token, Err: context.Cause(ctx)}
	}
}

func (p *Pump) submit(op *storage.Op, answer chan<- storage.Result) error {
	if err := op.Validate(); err != nil {
		return err
	}
	size := op.Size()
	now := time.Since(p.start)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return storage.ErrClosed
	}
	if p.stats.Ops > 0 && (p.stats.Ops >= p.opts.MaxOps || p.stats.Bytes+size > p.opts.MaxBytes) {
		p.stats.Refused++
		return storage.ErrBusy
	}
	p.stats.Ops++
	p.stats.Bytes += size
	r := p.spare.request()
	r.op, r.size, r.submitted, r.answer = *op, size, now, answer
	p.enter(r)
	return nil
}

// Close refuses what comes, does all that was accepted and delivers the results,
// then syncs and closes the driver. Later calls wait for the first and return
// the same error.
func (p *Pump) Close() error {
	p.closeOnce.Do(func() {
		p.mu.Lock()
		p.closing = true
		p.hurry()
		p.wakeAll()
		p.mu.Unlock()
		p.workers.Wait()
		p.closeErr = p.opts.Driver.Close()
	})
	return p.closeErr
}

// wakeAll lets idle workers look whether the pump is drained. mu is held.
func (p *Pump) wakeAll() {
	for c := range p.work {
		p.work[c].Broadcast()
	}
}

// drained reports whether a worker may end. mu is held.
func (p *Pump) drained() bool { return p.closing && p.stats.Ops == 0 }
