package load

import (
	"context"
	"sync"
	"time"
)

// thin lets most contacts of each publisher leave after they have subscribed,
// and makes pairs of those who stay.
func (w *Worker) thin() {
	var stay []*player
	var group sync.WaitGroup
	for _, f := range w.groups {
		n := Online(w.job.Online, len(f.contacts))
		for _, c := range f.contacts[n:] {
			group.Go(func() { c.leave(true) })
		}
		f.contacts = f.contacts[:n]
		stay = append(append(stay, f.publisher), f.contacts...)
	}
	group.Wait()
	w.players = stay
	for _, p := range stay {
		p.peer = nil
	}
	for i := 0; i+1 < len(stay); i += 2 {
		stay[i].peer, stay[i+1].peer = stay[i+1], stay[i]
	}
}

// mix is chat at the rate, and with it updates of presence and logins at theirs.
func (w *Worker) mix(ctx context.Context, c Command) error {
	var group sync.WaitGroup
	var updates, logins error
	group.Go(func() {
		updates = w.openLoop(ctx, HistLate, w.job.Updates*w.job.Share, c.To, func(k int, due int64) {
			w.groups[k%len(w.groups)].update(due)
		})
	})
	group.Go(func() { logins = w.comeAndGo(ctx, c) })
	err := w.chat(ctx, c)
	group.Wait()
	for _, other := range []error{updates, logins} {
		if err == nil {
			err = other
		}
	}
	return err
}

// comeAndGo logs accounts in and out at a rate. A login that is due while all
// accounts are still busy counts as failed: the server is behind.
func (w *Worker) comeAndGo(ctx context.Context, c Command) error {
	if w.job.ExtraCount == 0 {
		return nil
	}
	free := make(chan int, w.job.ExtraCount)
	for i := range w.job.ExtraCount {
		free <- w.job.ExtraFirst + i
	}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.To-w.clock.now())+grace)
	defer cancel()
	return w.openLoop(ctx, HistLate, w.job.Logins*w.job.Share, c.To, func(int, int64) {
		select {
		case i := <-free:
			group.Go(func() {
				_ = w.once(ctx, w.job.Accounts.At(i)) // counted
				free <- i
			})
		default:
			w.fails.Add(1)
			w.note("a login was due while all %d accounts were still logging in or out", cap(free))
		}
	})
}
