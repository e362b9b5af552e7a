package load

import (
	"context"
	"fmt"
	"time"
)

// Phases of the scenario offline.
const (
	PhaseStore = "store"
	PhaseDrain = "drain"
)

// connectSenders logs in the second account of each pair; the first stays
// offline until the messages are fetched.
func (w *Worker) connectSenders(ctx context.Context, count int) error {
	w.players = make([]*player, count/2)
	return w.each(ctx, 0, count/2, func(ctx context.Context, i int) (err error) {
		w.players[i], err = w.join(ctx, w.account(2*i+1))
		return err
	})
}

// offline is one of the two phases.
func (w *Worker) offline(ctx context.Context, c Command) error {
	switch c.Phase {
	case PhaseStore:
		return w.store(ctx)
	case PhaseDrain:
		return w.drain(ctx)
	}
	return fmt.Errorf("offline has no phase %q", c.Phase)
}

// store sends each recipient its messages, all senders at once. A sender looks
// after each Window messages whether the server keeps up: it has when it
// answers a request sent behind them.
func (w *Worker) store(ctx context.Context) error {
	results := make(chan error, len(w.players))
	for i, p := range w.players {
		p.write(newTemplate(w.account(2*i).Bare(w.job.Domain), w.job.Run, w.job.Payload, w.job.Content), false)
		go func() { results <- p.storeAll(ctx) }()
	}
	var first error
	for range w.players {
		if err := <-results; first == nil {
			first = err
		}
	}
	return first
}

func (p *player) storeAll(ctx context.Context) error {
	window := max(1, p.w.job.Window)
	for left := p.w.job.Messages; left > 0; left -= window {
		n := min(window, left)
		now := p.w.clock.now()
		p.batch = p.batch[:0]
		for range n {
			p.batch = p.tmpl.append(p.batch, p.token(now))
		}
		if err := p.s.Send(p.batch); err != nil {
			return err
		}
		if err := p.ping(ctx); err != nil {
			return err
		}
		p.m.left(now, n)
		p.m.record(HistMessage, p.w.clock.now()-now)
		p.m.total.Add(int64(n)) // for the progress bar
	}
	return nil
}

// drain logs the recipients in and takes what was stored for them.
func (w *Worker) drain(ctx context.Context) error {
	senders := w.players
	got := make([]*player, len(senders))
	err := w.each(ctx, 0, len(senders), func(ctx context.Context, i int) error {
		p, err := w.fetch(ctx, i, senders[i])
		got[i] = p
		return err
	})
	for _, p := range got {
		if p != nil {
			w.players = append(w.players, p)
		}
	}
	return err
}

// fetch logs recipient i in and waits until it has everything, or nothing
// more comes.
func (w *Worker) fetch(ctx context.Context, i int, sender *player) (*player, error) {
	begin := w.clock.now()
	p, err := w.joinAs(ctx, w.account(2*i), &player{peer: sender, offline: true})
	if err != nil {
		return p, err
	}
	last, quiet := int64(-1), w.clock.now()
	for ctx.Err() == nil {
		p.mu.Lock()
		left, newest := p.in.lost(sender.sent.Load()), p.newest
		p.mu.Unlock()
		now := w.clock.now()
		if left != last {
			last, quiet = left, now
		}
		if left == 0 {
			p.m.record(HistDrain, newest-begin)
			return p, nil
		}
		if now-quiet > int64(grace) {
			return p, nil // the rest is lost
		}
		_ = w.sleepUntil(ctx, now+int64(time.Millisecond)) // ctx is looked at above
	}
	return p, ctx.Err()
}
