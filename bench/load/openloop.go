package load

import (
	"context"
	"math"
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
	p := measure.Pace{Begin: time.Now(), Rate: rate, Grace: grace}
	p.Count = int(math.Ceil(float64(end-w.clock.since(p.Begin)) / float64(time.Second) * rate))
	_, err := p.Run(ctx, func(k int, now time.Time) {
		due := w.clock.since(p.Due(k))
		if w.meters.window.has(due) {
			w.meters.of(k).record(late, w.clock.since(now)-due)
		}
		send(k, due)
	})
	return err
}
