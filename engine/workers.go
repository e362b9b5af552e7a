package engine

import (
	"runtime"
	"sync"
)

// workers carry out what would hold up a loop: handshake steps (0.25–2 ms) and
// password hashing (milliseconds). The queue is bounded; what finds it full is
// refused, not kept.
type workers struct {
	jobs chan func()
	done sync.WaitGroup
}

func newWorkers(queue int) *workers {
	w := &workers{jobs: make(chan func(), queue)}
	for range runtime.GOMAXPROCS(0) {
		w.done.Go(func() {
			for job := range w.jobs {
				job()
			}
		})
	}
	return w
}

// submit queues a job; false when the queue is full.
func (w *workers) submit(job func()) bool {
	select {
	case w.jobs <- job:
		return true
	default:
		return false
	}
}

// work has a worker do a job; false when too many wait. Loop only.
func (l *loop) work(job func()) bool {
	l.gave = true
	return l.engine.workers.submit(job)
}

// close waits for what is queued. Nothing may be submitted any more.
func (w *workers) close() {
	close(w.jobs)
	w.done.Wait()
}
