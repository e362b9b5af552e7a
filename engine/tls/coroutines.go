package tls

import (
	"iter"
	"sync"
)

// maxIdle bounds the coroutines that are kept for the next handshakes: what a
// loop of logins has under way, and 1 MB at most.
const maxIdle = 32

// Coroutines lends handshakes the coroutines that they run on. One that has
// carried a handshake has the stack that the next one needs, which a new one would
// grow to in four copies, 4 % of a handshake. The collector shrinks what rests. The
// zero value is ready; safe for concurrent use.
type Coroutines struct {
	mu     sync.Mutex
	idle   []*coroutine
	closed bool
}

// coroutine runs handshakes, one after the other.
type coroutine struct {
	next func() (struct{}, bool)
	stop func()
	hs   *handshake // the one that it is in the middle of, or is to begin
}

func newCoroutine() *coroutine {
	co := &coroutine{}
	co.next, co.stop = iter.Pull(func(yield func(struct{}) bool) {
		for {
			co.hs.run(yield)
			co.hs = nil
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return co
}

// take is a coroutine to begin a handshake on. A nil p makes a new one each time.
func (p *Coroutines) take() *coroutine {
	if p == nil {
		return newCoroutine()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return newCoroutine()
	}
	co := p.idle[n-1]
	p.idle[n-1], p.idle = nil, p.idle[:n-1]
	return co
}

// put takes back one whose handshake is over.
func (p *Coroutines) put(co *coroutine) {
	if p == nil {
		co.stop()
		return
	}
	p.mu.Lock()
	kept := !p.closed && len(p.idle) < maxIdle
	if kept {
		p.idle = append(p.idle, co)
	}
	p.mu.Unlock()
	if !kept {
		co.stop()
	}
}

// Close ends those that are idle, and each other one with its handshake.
func (p *Coroutines) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, co := range idle {
		co.stop()
	}
}
