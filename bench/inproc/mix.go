package inproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
)

// day is users who write to each other, publishers whose presence goes to their contacts,
// and others who come and go, each at a rate, as in the scenario mix over the wire. A
// publisher and its contacts follow each other, behind the session whose contacts the
// scenario presence has made.
type day struct {
	*run
	groups  int // publishers
	online  int // of the contacts of each; the others have left
	updates int // that will be due
	talk    *talk
	pace    measure.Pace    // of the updates
	missing []atomic.Int64  // contacts that do not have an update, by its number; at the end one of each publisher, as a proof
	last    []atomic.Uint64 // what each of the groups' members has got: number of the update and 1
	took    []atomic.Int64  // from when an update was due until the last contact had it, ns; 0: it has not
	told    *tally          // deliveries
	agreed  *tally          // contacts whose request was answered
}

// firstPublisher is the session with which the groups begin.
const firstPublisher = 1

// newDay is nil when there are too few sessions. No more publish than have something to:
// with a million sessions and ten contacts each nine in ten would have nothing before it is over.
func (r *run) newDay() *day {
	s := &r.settings
	window := (s.Warmup + s.Duration).Seconds()
	d := &day{run: r, updates: int(s.Updates * window), told: newTally(), agreed: newTally()}
	d.groups = min((s.Sessions-s.comers()-firstPublisher)/d.size(), max(d.updates, 1))
	if d.groups < 1 {
		return nil
	}
	d.online = load.Online(s.Online, s.Fanout)
	d.missing, d.took = make([]atomic.Int64, d.updates+d.groups), make([]atomic.Int64, d.updates)
	d.last = make([]atomic.Uint64, d.groups*d.size())
	return d
}

// size is that of a group.
func (d *day) size() int { return d.settings.Fanout + 1 }

func (d *day) publisher(group int) int { return firstPublisher + group*d.size() }

// group is whose update number n is.
func (d *day) group(n int) int {
	if n >= d.updates {
		return n - d.updates
	}
	return n % d.groups
}

// mix measures a day.
func (r *run) mix(ctx context.Context) (m Mix, err error) {
	d := r.newDay()
	if d == nil {
		return m, nil
	}
	r.tell("a day")
	if err := d.befriend(ctx); err != nil {
		return m, err
	}
	gone, here := d.thin()
	if err := r.leave(ctx, gone, "</stream:stream>"); err != nil {
		return m, err
	}
	c, err := r.newComers(ctx)
	if err != nil {
		return m, err
	}
	m.Publishers, m.Contacts, m.Online, m.Comers = d.groups, r.settings.Fanout, len(here), len(c.list)
	d.talk = r.newTalk(len(here)&^1, mixTalk)
	d.talk.list = here
	if err := d.measure(ctx, c, &m); err != nil {
		return m, err
	}
	return m, r.bringUp(ctx, append(gone, c.list...), online)
}

// befriend has the contacts subscribe, and proves that each of them is told.
func (d *day) befriend(ctx context.Context) error {
	defer d.hear(d.news)()
	for g := range d.groups {
		p := d.publisher(g)
		for i := p + 1; i < p+d.size(); i++ {
			d.befriends(i, p)
		}
	}
	if err := d.agreed.await(ctx, d.groups*d.settings.Fanout, "approved subscriptions"); err != nil {
		return err
	}
	for g := range d.groups {
		d.publish(d.updates+g, d.settings.Fanout)
	}
	return d.told.await(ctx, d.groups*d.settings.Fanout, "contacts that get presence")
}

// thin picks the contacts who leave, and everybody who stays and writes.
func (d *day) thin() (gone, here []int) {
	for i := range d.settings.Sessions - d.settings.comers() {
		at := i - firstPublisher
		if at >= 0 && at < d.groups*d.size() && at%d.size() > d.online {
			gone = append(gone, i)
		} else {
			here = append(here, i)
		}
	}
	return gone, here
}

// measure lets the day pass.
func (d *day) measure(ctx context.Context, c *comers, m *Mix) (err error) {
	defer d.hear(func(u *user, p []byte) {
		d.talk.hear(u, p)
		d.news(u, p)
	})()
	m.Open, err = d.talk.beside(ctx, func(ctx context.Context) error {
		var parts sync.WaitGroup
		var faults [3]error
		parts.Go(func() { faults[0] = d.publishAll(ctx) })
		parts.Go(func() { faults[1] = c.comeAndGo(ctx) })
		parts.Go(func() { faults[2] = d.window(ctx, c, m) })
		parts.Wait()
		return errors.Join(faults[:]...)
	})
	times := newTimes()
	for k := int(d.settings.Updates * d.settings.Warmup.Seconds()); k < d.updates; k++ {
		if t := d.took[k].Load(); t > 0 {
			record(times, time.Duration(t))
		}
	}
	if times.TotalCount() > 0 {
		m.UpdateP50, m.UpdateP99 = micros(times, 50), micros(times, 99)
	}
	if c.times.TotalCount() > 0 {
		m.LoginP50, m.LoginP99 = micros(c.times, 50), micros(c.times, 99)
	}
	m.Failed = int(c.failed.Load())
	return err
}

// window counts what happens between its ends.
func (d *day) window(ctx context.Context, c *comers, m *Mix) error {
	if err := measure.Pause(ctx, d.settings.Warmup); err != nil {
		return err
	}
	messages, told, logins, begin := d.talk.arrived.count.Load(), d.told.count.Load(), c.done.Load(), newStretch()
	if err := measure.Pause(ctx, d.settings.Duration); err != nil {
		return err
	}
	messages, told, logins = d.talk.arrived.count.Load()-messages, d.told.count.Load()-told, c.done.Load()-logins
	_, m.CPU = begin.over(int(max(messages+told, 1)))
	seconds := time.Since(begin.begin).Seconds()
	m.PerSec, m.PresencePerSec, m.LoginsPerSec = float64(messages)/seconds, float64(told)/seconds, float64(logins)/seconds
	m.Cores = (cpuTime() - begin.cpu).Seconds() / seconds
	return nil
}

// publish sends update number n, which so many contacts are to get.
func (d *day) publish(n, contacts int) {
	d.missing[n].Store(int64(contacts))
	d.wires[d.publisher(d.group(n))].Send(fmt.Appendf(nil, "<presence><status>%s%020d</status></presence>", updateMark, n))
}

// publishAll sends the updates, each when it is due, and waits until they have arrived.
// What does not arrive is lost.
func (d *day) publishAll(ctx context.Context) error {
	if d.updates == 0 {
		return nil
	}
	before := int(d.told.count.Load())
	d.pace = measure.Pace{Begin: time.Now(), Rate: d.settings.Updates, Count: d.updates, Grace: grace}
	sent, err := d.pace.Run(ctx, func(n int, _ time.Time) { d.publish(n, d.online) })
	if err != nil {
		return err
	}
	all := before + sent*d.online
	if err := d.told.await(ctx, all, "deliveries of presence"); err != nil {
		d.lost.Add(int64(all) - d.told.count.Load())
		return err
	}
	return nil
}

// news looks at what a contact got. It is called on the contact's event loop.
func (d *day) news(u *user, p []byte) {
	at := int(u.index) - firstPublisher
	if at < 0 || at >= len(d.last) || at%d.size() == 0 {
		return
	}
	if bytes.Contains(p, []byte("type='subscribed'")) {
		d.agreed.add(1)
	}
	for {
		number, rest, ok := nextUpdate(p)
		if !ok {
			return
		}
		p = rest
		switch n := int(number); {
		case number >= uint64(len(d.missing)) || d.group(n) != at/d.size():
			d.strange.Add(1)
		case d.last[at].Swap(number+1) == number+1:
			if n < d.updates { // a proof may come once more, with the subscription
				d.strange.Add(1)
			}
		default:
			if d.missing[n].Add(-1) == 0 && n < d.updates {
				d.took[n].Store(int64(max(time.Since(d.pace.Due(n)), 1)))
			}
			d.told.add(1)
		}
	}
}
