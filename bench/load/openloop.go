package load

import (
	"context"
	"time"

	"github.com/xylem-im/xylem/bench/measure"
)

// openLoop calls send(k, due) for k = 0, 1, 2, … when it is due, at rate per
// second from now until end. When it is late it calls at once, and due still is
// the time that was intended. How late it is goes into the histogram late. What is not
// sent when grace has passed after end is given up.
func (w *Worker) openLoop(ctx context.Context, late string, rate float64, end int64, send func(k int, due int64)) error {
	if rate <= 0 {
		return nil
	}
	p, err := measure.NewPacer()
	if err != nil {
		return err
	}
	defer p.Close()
	begin, step := w.clock.now(), float64(time.Second)/rate
	for k := 0; ctx.Err() == nil; k++ {
		due := begin + int64(float64(k)*step)
		now := w.clock.now()
		if due >= end || now > end+int64(grace) {
			return nil
		}
		if due > now {
			if err := p.Wait(time.Duration(due - now)); err != nil {
				return err
			}
			now = w.clock.now()
		}
		if w.meters.window.has(due) {
			w.meters.of(k).record(late, now-due)
		}
		send(k, due)
	}
	return ctx.Err()
}
