package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/parser"
)

// A fan is one publisher and the contacts that are subscribed to its presence.
type fan struct {
	w         *Worker
	publisher *player
	contacts  []*player
	stamp     string        // attributes that a server would add; empty but for the relay
	sent      atomic.Uint64 // numbers used
	missing   atomic.Int64  // contacts that do not have the last update yet
	complete  chan struct{} // the last one has it
}

// fans makes the groups: of each Fanout+1 sessions that follow each other the
// first publishes to the others.
func (w *Worker) fans() []*fan {
	var list []*fan
	for group := range slices.Chunk(w.players, w.groupSize()) {
		if len(group) < 2 {
			break // a rest without contacts
		}
		f := &fan{w: w, publisher: group[0], contacts: group[1:], complete: make(chan struct{}, 1)}
		if w.job.Relay { // so that as many bytes leave it
			f.stamp = fmt.Sprintf(" from='%s' to='%s'", group[0].s.JID, f.contacts[0].bare)
		}
		group[0].act(&publisher{})
		for _, c := range f.contacts {
			c.act(&contact{fan: f, ready: make(chan struct{}, 1)})
		}
		list = append(list, f)
	}
	return list
}

// groupSize is a publisher and its contacts.
func (w *Worker) groupSize() int { return max(1, w.job.Fanout) + 1 }

// publisher lets everybody subscribe (RFC 6121 §3.1.4).
type publisher struct{}

func (*publisher) presence(p *player, f *parser.Frame, _ time.Time) {
	if kind, _ := f.Type(); string(kind) == "subscribe" {
		from, _ := f.From()
		p.s.SetQueue(fmt.Appendf(p.s.Queue(), "<presence type='subscribed' to='%s'/>", from))
	}
}

// contact receives the publisher's presence.
type contact struct {
	fan   *fan
	ready chan struct{} // a probe arrived

	mu   sync.Mutex
	news flow
}

const probe = "are you subscribed?"

func (c *contact) presence(p *player, f *parser.Frame, at time.Time) {
	if kind, ok := f.Type(); ok {
		if string(kind) == "error" {
			p.m.errors.Add(1)
		}
		return
	}
	status := f.Element().Child("jabber:client", "status").AppendText(nil)
	if string(status) == probe {
		select {
		case c.ready <- struct{}{}:
		default:
		}
		return
	}
	tok, ok, stray := parseToken(status, p.w.job.Run)
	if stray {
		p.m.stray.Add(1)
	}
	if !ok || tok.flow != c.fan.publisher.s.Account.Index {
		return
	}
	c.mu.Lock()
	fresh := c.news.take(tok.number)
	c.mu.Unlock()
	if !fresh {
		return
	}
	now := p.w.clock.since(at)
	p.m.arrived(HistMessage, tok.due, now)
	if tok.number+1 == c.fan.sent.Load() && c.fan.missing.Add(-1) == 0 {
		if p.w.meters.window.has(tok.due) {
			p.m.record(HistUpdate, now-tok.due)
		}
		select {
		case c.fan.complete <- struct{}{}:
		default:
		}
	}
}

// subscribe lets every contact subscribe and proves that each gets the
// publisher's presence.
func (f *fan) subscribe(ctx context.Context) error {
	to := f.publisher.s.Account.Bare(f.w.job.Domain)
	waiting := slices.Clone(f.contacts)
	for range 10 {
		if err := f.ask(ctx, waiting, to); err != nil {
			return err
		}
		if err := f.publisher.s.Send([]byte("<presence><status>" + probe + "</status></presence>")); err != nil {
			return err
		}
		if waiting = f.unready(ctx, waiting); len(waiting) == 0 {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%d of %d contacts do not get the presence of %s", len(waiting), len(f.contacts), to)
}

// ask sends the requests of some contacts. To the relay, where to listen was
// said in the greeting.
func (f *fan) ask(ctx context.Context, contacts []*player, to string) error {
	if f.w.job.Relay {
		return nil
	}
	for _, c := range contacts {
		if err := c.s.Send(fmt.Appendf(nil, "<presence type='subscribe' to='%s'/>", to)); err != nil {
			return err
		}
		if err := c.ping(ctx); err != nil { // no faster than the server can
			return err
		}
	}
	return f.publisher.ping(ctx)
}

// unready waits for the probe and returns the contacts that did not get it.
func (f *fan) unready(ctx context.Context, of []*player) (not []*player) {
	timeout := time.NewTimer(grace)
	defer timeout.Stop()
	over := false
	for _, c := range of {
		r := c.role.(*contact)
		if over {
			select {
			case <-r.ready:
				f.w.setup.Add(1)
			default:
				not = append(not, c)
			}
			continue
		}
		select {
		case <-r.ready:
			f.w.setup.Add(1)
		case <-timeout.C:
			over = true
			not = append(not, c)
		case <-ctx.Done():
			return nil
		}
	}
	return not
}

// update publishes once.
func (f *fan) update(due int64) {
	p := f.publisher
	f.missing.Store(int64(len(f.contacts)))
	tok := token{flow: p.s.Account.Index, number: f.sent.Add(1) - 1, due: due}
	p.batch = append(append(append(p.batch[:0], "<presence"...), f.stamp...), "><status>"...)
	p.batch = append(tok.append(p.batch, f.w.job.Run), "</status></presence>"...)
	p.m.left(due, len(f.contacts))
	_ = p.s.Send(p.batch) // Receive reports a broken session
}

// presence publishes until the window ends: at the rate, or each update when
// the last contact has the one before.
func (w *Worker) presence(ctx context.Context, c Command) error {
	if len(w.groups) == 0 {
		return fmt.Errorf("%d sessions are no publisher with contacts", len(w.players))
	}
	var err error
	if w.job.Rate > 0 {
		err = openLoop(ctx, w.clock, w.job.Rate*w.job.Share, w.clock.now(), c.To, func(k int, due int64) {
			w.groups[k%len(w.groups)].update(due)
		})
	} else {
		var group sync.WaitGroup
		for _, f := range w.groups {
			group.Go(func() { f.loop(ctx, c.To) })
		}
		group.Wait()
	}
	w.settle(ctx)
	return err
}

// loop is the closed loop. An update that does not arrive everywhere is given
// up after some time; its losses are counted.
func (f *fan) loop(ctx context.Context, end int64) {
	timeout := time.NewTimer(grace)
	defer timeout.Stop()
	for ctx.Err() == nil {
		now := f.w.clock.now()
		if now >= end {
			return
		}
		select {
		case <-f.complete: // late, of an update that was given up
		default:
		}
		f.update(now)
		timeout.Reset(grace)
		select {
		case <-f.complete:
		case <-timeout.C:
			f.w.note("an update did not reach %d of %d contacts in %v", f.missing.Load(), len(f.contacts), grace)
		case <-ctx.Done():
		}
	}
}

// count adds what c knows of faults.
func (c *contact) count(f *faults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.lost += c.news.lost(c.fan.sent.Load())
	f.duplicated += c.news.duplicated
	f.reordered += c.news.reordered
}
