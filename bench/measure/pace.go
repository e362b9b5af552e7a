package measure

import (
	"context"
	"time"
)

// Pace is an open loop: something is due when its time has come, whatever became of
// what was due before.
type Pace struct {
	Begin time.Time
	Rate  float64       // per second, more than 0
	Count int           // how many there are
	Tick  time.Duration // no more often is looked whether one is due; 0: to within microseconds
	Grace time.Duration // after the end of all, when what was not sent is given up
}

func (p *Pace) step() float64 { return float64(time.Second) / p.Rate }

// Due is when number k is due.
func (p *Pace) Due(k int) time.Time { return p.Begin.Add(time.Duration(float64(k) * p.step())) }

// Run calls send for 0, 1, 2, … when each is due, and for one that is late at once; now
// is the time of the call. It returns how many were sent. The error is ctx's cause, or
// that of a timer.
func (p *Pace) Run(ctx context.Context, send func(k int, now time.Time)) (sent int, err error) {
	timer, err := newPacer()
	if err != nil {
		return 0, err
	}
	defer timer.close()
	for k := range p.Count {
		now := time.Now()
		if ctx.Err() != nil {
			return k, context.Cause(ctx)
		}
		if float64(now.Sub(p.Begin)) > float64(p.Count)*p.step()+float64(p.Grace) {
			return k, nil
		}
		if ahead := p.Due(k).Sub(now); ahead > 0 {
			if err := timer.wait(max(ahead, p.Tick)); err != nil {
				return k, err
			}
			now = time.Now()
		}
		send(k, now)
	}
	return p.Count, nil
}
