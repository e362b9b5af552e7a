package async

import (
	"time"

	"github.com/xylem-im/xylem/storage"
)

// class says which kind of worker does a request.
type class uint8

const (
	reading class = iota
	applying
)

// request is an accepted operation.
type request struct {
	op        storage.Op
	lane      *lane // nil for what is ordered with no owner
	size      int
	submitted time.Duration         // since the pump's start
	answer    chan<- storage.Result // nil: Deliver gets the result
	failed    bool                  // the result has an error
	next      *request              // in the one list that holds it
}

func (r *request) class() class {
	if r.op.Kind == storage.Apply {
		return applying
	}
	return reading
}

// lane keeps one owner's requests in order: it lets either reads or Applies run,
// and what is of the other class waits, with all that came after it. A lane
// exists while its owner has requests.
type lane struct {
	running int   // requests that are ready or at work
	class   class // theirs
	waiting list
	next    *lane // among the spares
}

// enter makes r ready, or lets it wait in its owner's lane. mu is held.
func (p *Pump) enter(r *request) {
	if r.op.Kind == storage.Owners {
		p.makeReady(r)
		return
	}
	l := p.lanes[r.op.Owner]
	if l == nil {
		l = p.spare.lane()
		p.lanes[r.op.Owner] = l
	} else {
		p.hurry() // one of them may be this owner's, and comes first
	}
	r.lane = l
	if l.waiting.empty() && (l.running == 0 || l.class == r.class()) {
		l.run(p, r)
		return
	}
	l.waiting.push(r)
}

// leave ends r, which is answered, and starts what waited for it. mu is held.
func (p *Pump) leave(r *request) {
	if l := r.lane; l != nil {
		l.running--
		if l.running == 0 {
			l.advance(p, r.op.Owner)
		}
	}
	p.spare.putRequest(r)
}

// advance starts the first of the waiting requests and those of its class that
// follow it directly, or gives the lane up if there is none.
func (l *lane) advance(p *Pump, owner string) {
	if l.waiting.empty() {
		delete(p.lanes, owner)
		p.spare.putLane(l)
		return
	}
	c := l.waiting.head.class()
	for !l.waiting.empty() && l.waiting.head.class() == c {
		l.run(p, l.waiting.pop())
	}
}

func (l *lane) run(p *Pump, r *request) {
	l.running++
	l.class = r.class()
	p.makeReady(r)
}

// makeReady hands r to the workers of its class. mu is held.
func (p *Pump) makeReady(r *request) {
	c := r.class()
	if r.op.Patience > 0 && c == applying && r.lane.waiting.empty() && !p.closing {
		p.wait(r)
		return
	}
	p.ready[c].push(r)
	p.work[c].Signal()
}
