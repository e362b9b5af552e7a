package load

import (
	"context"
	"sync"
	"time"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/parser"
)

// acquaint logs every account in and out once, so that neither end computes in
// the storm what only the first login of an account costs (on this side, PBKDF2).
func (w *Worker) acquaint(ctx context.Context, count int) error {
	return w.each(ctx, 0, count, func(ctx context.Context, i int) error {
		if err := w.once(ctx, w.account(i)); err != nil {
			return err
		}
		return ctx.Err()
	})
}

// storm logs accounts in and out until the window ends.
func (w *Worker) storm(ctx context.Context, c Command) error {
	w.cycle(ctx, c, w.job.First, w.job.Count, w.parallel())
	return ctx.Err()
}

// churn is chat while other accounts come and go, at a rate or without a pause.
func (w *Worker) churn(ctx context.Context, c Command) error {
	var group sync.WaitGroup
	var logins error
	group.Go(func() {
		if w.job.Logins > 0 {
			logins = w.comeAndGo(ctx, c)
			return
		}
		w.cycle(ctx, c, w.job.ExtraFirst, w.job.ExtraCount, min(w.job.ExtraCount, w.parallel()))
	})
	err := w.chat(ctx, c)
	group.Wait()
	if err == nil {
		err = logins
	}
	return err
}

// ignore is a handler for sessions that are about to end.
type ignore struct{}

func (ignore) Stanza(*client.Session, *parser.Frame, time.Time) {}

// cycle keeps several logins under way at once, over and over through the
// accounts, until the window ends. No account logs in twice at the same time:
// each goroutine has its own.
func (w *Worker) cycle(ctx context.Context, c Command, first, count, parallel int) {
	if parallel = min(parallel, count); parallel == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.To-w.clock.now()))
	defer cancel()
	var group sync.WaitGroup
	for g := range parallel {
		group.Go(func() {
			for i := g; !over(ctx); i += parallel {
				if i >= count {
					i = g
				}
				_ = w.once(ctx, w.job.Accounts.At(first+i)) // counted
			}
		})
	}
	group.Wait()
}

// rounds calls do for one player after the other, as often as the window
// allows, several at once; none of a player overlap.
func (w *Worker) rounds(ctx context.Context, c Command, do func(context.Context, *player)) error {
	parallel := min(w.parallel(), len(w.players))
	bounded, cancel := context.WithTimeout(ctx, time.Duration(c.To-w.clock.now()))
	defer cancel()
	var group sync.WaitGroup
	for g := range parallel {
		group.Go(func() {
			for i := g; !over(bounded); i += parallel {
				if i >= len(w.players) {
					i = g
				}
				do(bounded, w.players[i])
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// over tells whether the time of ctx is. On a busy machine its timer comes
// late, while connections that were given its deadline fail already.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// once logs one account in and out. That the login failed is counted, too; at
// the end of ctx it has not.
func (w *Worker) once(ctx context.Context, a client.Account) error {
	a.Peer = w.job.Accounts.At(a.Index ^ 1).User
	s, err := client.Login(ctx, w.options(a), a)
	now := w.clock.now()
	switch {
	case err != nil && over(ctx):
		return nil
	case err != nil:
		w.fails.Add(1)
		w.note("%v", err)
		return err
	}
	if w.meters.window.has(now) {
		w.logins.Add(1)
		w.meters.of(a.Index).login(s.Timings())
	}
	if w.job.Login != client.Resume && s.Close() == nil { // else the connection breaks
		stop := time.AfterFunc(5*time.Second, s.Abort)
		_ = s.Receive(ignore{}) // however it ends, it is over
		stop.Stop()
	}
	s.Abort()
	return nil
}
