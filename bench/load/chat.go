package load

import (
	"context"
	"fmt"
	"time"
)

// grace is how long nothing may arrive after the end of a phase before what is
// missing counts as lost.
const grace = 3 * time.Second

// chat lets all pairs write to each other until the window ends.
func (w *Worker) chat(ctx context.Context, c Command) error {
	if len(w.players) < 2 {
		return fmt.Errorf("%d sessions are not a pair", len(w.players))
	}
	for _, p := range w.players {
		if p.peer == nil {
			continue
		}
		to := p.peer.bare
		if w.job.FullJID {
			to = p.peer.s.JID
		}
		p.write(newTemplate(to, w.job.Run, w.job.Payload, w.job.Content), w.job.Rate == 0)
	}
	var err error
	if w.job.Rate > 0 {
		err = w.chatOpen(ctx, c)
	} else {
		w.chatClosed()
		err = w.sleepUntil(ctx, c.To)
	}
	w.stopping.Store(true)
	w.settle(ctx)
	return err
}

// chatClosed gives each pair its window. Every message is answered by one, so
// that many stay in flight.
func (w *Worker) chatClosed() {
	for _, p := range w.players {
		if p.peer == nil || p.s.Account.Index > p.peer.s.Account.Index {
			continue // one of each pair begins
		}
		now := w.clock.now()
		var burst []byte
		for range max(1, w.job.Window) {
			burst = p.tmpl.append(burst, p.token(now))
		}
		p.m.left(now, w.job.Window)
		_ = p.s.Send(burst) // Receive reports a broken session
	}
}

// chatOpen sends at the rate, each session in its turn.
func (w *Worker) chatOpen(ctx context.Context, c Command) error {
	n := len(w.players) &^ 1
	return w.openLoop(ctx, HistLate, w.job.Rate*w.job.Share, c.To, func(k int, due int64) {
		p := w.players[k%n]
		p.batch = p.tmpl.append(p.batch[:0], p.token(due))
		p.m.left(due, 1)
		_ = p.s.Send(p.batch) // Receive reports a broken session
	})
}

// settle waits until everything sent has arrived, or nothing more does.
func (w *Worker) settle(ctx context.Context) {
	last, quiet := int64(-1), w.clock.now()
	for ctx.Err() == nil {
		var f faults
		for _, p := range w.players {
			p.count(&f)
		}
		if f.lost == 0 {
			return
		}
		now := w.clock.now()
		if f.lost != last {
			last, quiet = f.lost, now
		}
		if now-quiet > int64(grace) {
			return
		}
		_ = w.sleepUntil(ctx, now+int64(20*time.Millisecond)) // ctx is looked at above
	}
}

// hold does nothing for as long as the window lasts.
func (w *Worker) hold(ctx context.Context, c Command) error { return w.sleepUntil(ctx, c.To) }
