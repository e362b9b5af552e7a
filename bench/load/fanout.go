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
	complete  chan struct{} // an update has reached the last contact
	stanza    []byte        // of the goroutine that publishes; in mix the publisher chats beside

	mu      sync.Mutex
	missing map[uint64]int // contacts that do not have an update yet
}

// fans makes the groups: of each Fanout+1 sessions that follow each other the
// first publishes to the others.
func (w *Worker) fans() []*fan {
	var list []*fan
	for group := range slices.Chunk(w.players, w.groupSize()) {
		if len(group) < 2 {
			break // a rest without contacts
		}
		f := &fan{w: w, publisher: group[0], contacts: group[1:], complete: make(chan struct{}, 1), missing: map[uint64]int{}}
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
	p.w.told.Add(1)
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
		p.w.note("%s got an update twice: %.200s", p.s.JID, f.Raw())
		return
	}
	now := p.w.clock.since(at)
	if p.w.job.Scenario == Mix { // where messages are what arrives
		p.m.notified(now)
	} else {
		p.m.arrived(HistMessage, tok.due, now)
	}
	if c.fan.reached(tok.number) {
		if p.w.meters.window.has(tok.due) {
			p.m.record(HistUpdate, now-tok.due)
		}
		select {
		case c.fan.complete <- struct{}{}:
		default:
		}
	}
}

// reached notes that one more contact has an update, and reports whether it was
// the last of them.
func (f *fan) reached(number uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.missing[number] - 1
	if left > 0 {
		f.missing[number] = left
		return false
	}
	delete(f.missing, number)
	return left == 0
}

// unreached is how many contacts do not have the last update.
func (f *fan) unreached() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.missing[f.sent.Load()-1]
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

// calmTime is how long no contact may be told anything before the updates that
// count begin.
const calmTime = 500 * time.Millisecond

// calm waits until the servers have told the contacts everything. Presence is
// also sent to who has just subscribed (RFC 6121 §3.1.5) and who has just come
// (§4.3.2), beside the broadcasts: late, it would be a second copy of an update.
func (w *Worker) calm(ctx context.Context) error {
	return untilStill(w.told.Load, func() error { return w.sleepUntil(ctx, w.clock.now()+int64(calmTime)) })
}

// untilStill rests until count is the same after a rest as before.
func untilStill(count func() int64, rest func() error) error {
	const most = 100
	for range most {
		before := count()
		if err := rest(); err != nil {
			return err
		}
		if count() == before {
			return nil
		}
	}
	return fmt.Errorf("contacts were told presence for longer than %v, though nobody published", most*calmTime)
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
	f.mu.Lock()
	tok := token{flow: p.s.Account.Index, number: f.sent.Add(1) - 1, due: due}
	f.missing[tok.number] = len(f.contacts)
	f.mu.Unlock()
	b := append(append(append(f.stanza[:0], "<presence"...), f.stamp...), "><status>"...)
	f.stanza = append(tok.append(b, f.w.job.Run), "</status></presence>"...)
	if f.w.job.Scenario == Presence {
		p.m.left(due, len(f.contacts))
	}
	_ = p.s.Send(f.stanza) // Receive reports a broken session
}

// presence publishes until the window ends: at the rate, or each update when
// the last contact has the one before.
func (w *Worker) presence(ctx context.Context, c Command) error {
	if len(w.groups) == 0 {
		return fmt.Errorf("%d sessions are no publisher with contacts", len(w.players))
	}
	var err error
	if w.job.Rate > 0 {
		err = w.openLoop(ctx, HistLate, w.job.Rate*w.job.Share, c.To, func(k int, due int64) {
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
			f.w.note("an update did not reach %d of %d contacts in %v", f.unreached(), len(f.contacts), grace)
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
