package inproc

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/xylem-im/xylem/bench/measure"
)

// clients lets the chains run in a circle without a server: each client gives
// its message to the next by itself, on as many goroutines as there are event
// loops. What that takes is the clients' part of the traffic through the server.
func (r *run) clients(ctx context.Context, o circle) (cpu float64, err error) {
	r.tell("clients alone")
	r.alone.Store(true)
	defer r.alone.Store(false)
	r.launch(o)
	loops := r.settings.Loops
	if loops == 0 {
		loops = runtime.GOMAXPROCS(0)
	}
	var all sync.WaitGroup
	for first := range min(loops, len(r.chains)) {
		all.Go(func() { r.passOn(first, loops) })
	}
	err = measure.Pause(ctx, r.settings.Warmup/4)
	messages, before := r.total(), cpuTime()
	r.opened.Store(int64(time.Since(r.start)))
	if err == nil {
		err = measure.Pause(ctx, max(r.settings.Duration/4, 100*time.Millisecond))
	}
	r.opened.Store(0)
	messages, cpuUsed := r.total()-messages, cpuTime()-before
	r.stop.Store(true)
	all.Wait()
	return float64(cpuUsed.Nanoseconds()) / 1e3 / float64(max(messages, 1)), err
}

// passOn moves every step-th chain on until the end.
func (r *run) passOn(first, step int) {
	for !r.stop.Load() {
		for k := first; k < len(r.chains); k += step {
			c := r.chains[k]
			r.users[c.to].Write(c.message)
		}
	}
	for k := first; k < len(r.chains); k += step {
		r.end(r.chains[k])
	}
}
