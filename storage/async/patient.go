package async

import "time"

// patient are Applies of owners that have nothing else under way: they share the
// commit of those that cannot wait, and make one of their own when the patience of one
// is over, or when there are too many.
type patient struct {
	list  list
	count int
	over  time.Duration // since the pump's start, when the first one's patience ends
	timer *time.Timer   // runs while list has something
}

// mostPatient is how many wait at once.
const mostPatient = 256

// wait takes r. mu is held.
func (p *Pump) wait(r *request) {
	p.patient.list.push(r)
	over := time.Since(p.start) + r.op.Patience
	if p.patient.count++; p.patient.count == 1 || over < p.patient.over {
		p.patient.over = over
		p.patient.timer.Reset(r.op.Patience)
	}
	if p.patient.count >= mostPatient {
		p.hurry()
	}
}

// hurry has them all done now. mu is held.
func (p *Pump) hurry() {
	if p.patient.list.empty() {
		return
	}
	for !p.patient.list.empty() {
		p.ready[applying].push(p.patient.list.pop())
	}
	p.patient.count = 0
	p.patient.timer.Stop()
	p.work[applying].Signal()
}

func (p *Pump) patienceOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hurry()
}
