package load

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/xylem-im/xylem/bench/client"
)

// Phases of the scenario slow.
const (
	PhaseCalm  = "calm"  // nobody floods: the reference
	PhaseFlood = "flood" // stalled clients are flooded
)

// stalledPerFlooder is how many stalled clients one flooding session writes to.
const stalledPerFlooder = 20

// LeastCrowd is how many extra sessions of slow are needed: one stalls, one floods.
const LeastCrowd = 2

// lastTime is what the users' last messages have to arrive before the crowd moves.
const lastTime = time.Second

// Stalled is how many of the extra sessions of slow read nothing.
func Stalled(extra int) int {
	return extra - (extra+stalledPerFlooder)/(stalledPerFlooder+1)
}

// crowd is what stands beside the normal users in slow.
type crowd struct {
	stalled  []*client.Session
	flooders []*player
	ledger   *ledger // with stream management: what became of the flood
}

// connectCrowd logs the extra accounts in: one of each 21 will flood, the
// others read nothing from now on.
func (w *Worker) connectCrowd(ctx context.Context) error {
	if w.job.ExtraCount < LeastCrowd {
		return fmt.Errorf("%d extra sessions are not enough to stall and to flood", w.job.ExtraCount)
	}
	var mu sync.Mutex
	return w.each(ctx, 0, w.job.ExtraCount, func(ctx context.Context, i int) error {
		a := w.job.Accounts.At(w.job.ExtraFirst + i)
		if i%(stalledPerFlooder+1) == 0 {
			p, err := w.join(ctx, a)
			mu.Lock()
			defer mu.Unlock()
			if p != nil {
				w.crowd.flooders = append(w.crowd.flooders, p)
			}
			return err
		}
		s, err := client.Login(ctx, w.options(a), a)
		if err != nil {
			return err
		}
		mu.Lock()
		w.crowd.stalled = append(w.crowd.stalled, s)
		mu.Unlock()
		if tcp, ok := s.TCP().(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(4096) // more only makes the kernel hold more before the server notices
		}
		return s.Send([]byte("<presence/>"))
	})
}

// slow is chat of the users, and beside it, in the second phase, the flood.
func (w *Worker) slow(ctx context.Context, c Command) error {
	switch {
	case !w.job.Beside():
		return w.chat(ctx, c)
	case c.Phase != PhaseFlood:
		return w.hold(ctx, c)
	}
	w.crowd.ledger = newLedger(w.job.Run, len(w.crowd.stalled))
	for _, p := range w.crowd.flooders {
		p.keep(w.crowd.ledger)
	}
	if err := w.flood(ctx, c); err != nil || !w.job.Managed {
		return err
	}
	// The users' last messages are on their way; thousands of logins are nothing beside which
	// these shall be measured.
	if err := w.sleepUntil(ctx, c.To+int64(lastTime)); err != nil {
		return err
	}
	return w.settleFlood(ctx)
}

// flood writes to the stalled clients at the rate.
func (w *Worker) flood(ctx context.Context, c Command) error {
	l := w.crowd.ledger
	templates := make([]template, len(w.crowd.stalled))
	for i, s := range w.crowd.stalled {
		templates[i] = newTemplate(s.JID, l.run, w.job.Payload, w.job.Content)
	}
	from := w.crowd.flooders
	return w.openLoop(ctx, HistFlood, w.job.Flood*w.job.Share, c.To, func(k int, due int64) {
		p := from[k%len(from)]
		p.batch = templates[k%len(templates)].append(p.batch[:0], token{number: uint64(k), due: due})
		l.sent(k)
		if p.s.Send(p.batch) == nil {
			w.flooded.Add(1)
			if w.meters.window.has(due) {
				w.flooding.Add(1)
			}
		}
	})
}

// settleFlood finds out what became of the flood. It is exact with stream
// management: nothing counts as received that a stalled client did not
// acknowledge, so each message was refused, or waits for the account.
func (w *Worker) settleFlood(ctx context.Context) error {
	for _, p := range w.crowd.flooders {
		if err := p.ping(ctx); err != nil {
			return err
		}
	}
	for _, s := range w.crowd.stalled {
		s.Abort()
	}
	return w.each(ctx, 0, len(w.crowd.stalled), func(ctx context.Context, i int) error {
		if w.crowd.ledger.left(i) == 0 {
			return nil
		}
		// With the resource of before, what is still on its way there could come
		// between binding and <enabled/>, where nobody takes it.
		a := w.crowd.stalled[i].Account
		a.Resource = "later"
		p, err := w.joinAs(ctx, a, &player{ledger: w.crowd.ledger})
		if err != nil {
			return err
		}
		defer p.leave(true)
		last, quiet := -1, w.clock.now()
		for ctx.Err() == nil && w.clock.now()-quiet < int64(grace) {
			left := w.crowd.ledger.left(i)
			if left == 0 {
				break
			}
			if left != last {
				last, quiet = left, w.clock.now()
			}
			_ = w.sleepUntil(ctx, w.clock.now()+int64(time.Millisecond)) // ctx is looked at above
		}
		return ctx.Err()
	})
}

func (c *crowd) leave() {
	for _, p := range c.flooders {
		p.leave(false)
	}
	for _, s := range c.stalled {
		s.Abort()
	}
}
