package load

import (
	"context"
	"fmt"

	"github.com/xylem-im/xylem/bench/client"
)

// fillEach is how many contacts are added before the server's answer is waited for.
const fillEach = 50

// fillRosters gives every account its contacts. They are the same in every
// turn, so a server whose data is kept has them already.
func (w *Worker) fillRosters(ctx context.Context, count int) error {
	return w.each(ctx, 0, count, func(ctx context.Context, i int) error {
		p, err := w.joinAs(ctx, w.account(i), &player{})
		if err != nil {
			return err
		}
		defer p.leave(true)
		for from := 0; from < w.job.Fanout; from += fillEach {
			p.batch = p.batch[:0]
			for n := from; n < min(from+fillEach, w.job.Fanout); n++ {
				p.batch = fmt.Appendf(p.batch, "<iq type='set' id='add%d'><query xmlns='jabber:iq:roster'>"+
					"<item jid='contact%d@%s' name='Contact %d'><group>Friends</group></item></query></iq>", n, n, w.job.Domain, n)
			}
			if err := p.s.Send(p.batch); err != nil {
				return err
			}
			if err := p.ping(ctx); err != nil {
				return err
			}
			w.setup.Add(int64(min(fillEach, w.job.Fanout-from)))
		}
		return nil
	})
}

// resumes cuts the connection of every session and resumes it, over and over,
// several at once, until the window ends.
func (w *Worker) resumes(ctx context.Context, c Command) error {
	return w.rounds(ctx, c, func(ctx context.Context, p *player) {
		p.s.Abort()
		<-p.gone
		s, err := client.Reconnect(ctx, &w.opts, p.s)
		now := w.clock.now()
		if err != nil {
			if !over(ctx) {
				w.fails.Add(1)
				w.note("%v", err)
			}
			return
		}
		p.receive(s)
		if w.meters.window.has(now) {
			w.logins.Add(1)
			p.m.record(HistResume, int64(s.Timings().Total()))
		}
	})
}
