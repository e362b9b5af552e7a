package load

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/parser"
)

// A player is one session of a worker.
type player struct {
	w    *Worker
	s    *client.Session
	bare string // JID without resource
	m    *meter
	peer *player       // of the goroutine that carries out commands
	sent atomic.Uint64 // numbers used

	devices []*player // other sessions of its account, see joinDevices
	first   *player   // of such a session: whose account it is

	offline bool    // what arrives was stored, so its age is no latency
	ledger  *ledger // of the flood that it sends or has been sent; see keep

	mu     sync.Mutex
	tmpl   template
	reply  bool  // answer each message by one (closed loop)
	role   role  // nil: chat only
	in     flow  // messages of peer
	out    flow  // of a device: copies of what first has sent
	writer int   // number of peer's account, when peers change or p is a device; messages of others are late
	strict bool  // writer counts
	newest int64 // when the last one arrived

	pong  chan struct{} // an answer to ping
	gone  chan struct{} // closed when the session ended
	batch []byte        // of the one goroutine that sends messages beside Receive
}

// role is what a player does with stanzas beside messages with a token.
type role interface {
	presence(p *player, f *parser.Frame, at time.Time)
}

// Stanza implements client.Handler.
func (p *player) Stanza(s *client.Session, f *parser.Frame, at time.Time) {
	switch string(f.Local()) {
	case "message":
		p.message(f, at)
	case "presence":
		p.mu.Lock()
		r := p.role
		p.mu.Unlock()
		if r != nil {
			r.presence(p, f, at)
		}
	case "iq":
		p.iq(f)
	}
}

func (p *player) message(f *parser.Frame, at time.Time) {
	kind, _ := f.Type()
	if l := p.flood(); l != nil {
		if string(kind) == "error" && l.learn(f, refused) || string(kind) != "error" && l.learn(f, kept) {
			return
		}
	}
	if string(kind) == "error" {
		p.m.errors.Add(1)
		p.w.note("a message came back: %.400s", f.Raw())
		return
	}
	if p.first != nil {
		p.takeCopy(f, p.w.clock.since(at))
		return
	}
	id, _ := f.ID()
	if p.w.job.Devices > 1 {
		if copy, sent, ok := p.copied(f); ok && !sent { // of what was sent to a device; of what it sends it gets none
			id = copy
		} else if ok {
			p.m.stray.Add(1)
			return
		}
	}
	tok, ok, stray := parseToken(id, p.w.job.Run)
	if !ok {
		if stray {
			p.m.stray.Add(1)
		}
		return
	}
	now := p.w.clock.since(at)
	p.mu.Lock()
	if p.strict && tok.flow != p.writer {
		p.mu.Unlock()
		p.m.stray.Add(1)
		return
	}
	fresh := p.in.take(tok.number)
	p.newest = now
	reply, tmpl := p.reply, p.tmpl
	p.mu.Unlock()
	if !fresh {
		p.w.note("%s got a message twice: %.200s", p.s.JID, f.Raw())
		return
	}
	if p.offline {
		p.m.stored(now)
		return
	}
	p.m.arrived(HistMessage, tok.due, now)
	if reply && !p.w.stopping.Load() {
		p.s.SetQueue(tmpl.append(p.s.Queue(), p.token(now)))
		p.m.left(now, 1)
	}
}

// keep has what comes back of a flood noted.
func (p *player) keep(l *ledger) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger = l
}

func (p *player) flood() *ledger {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger
}

// act gives p something to do with stanzas beside messages.
func (p *player) act(r role) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.role = r
}

// write says what p writes to its peer, and whether as an answer.
func (p *player) write(t template, reply bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tmpl, p.reply = t, reply
}

// token takes the next number.
func (p *player) token(due int64) token {
	return token{flow: p.s.Account.Index, number: p.sent.Add(1) - 1, due: due}
}

var ping = []byte("ping")

// iq answers what asks and takes the answer to ping.
func (p *player) iq(f *parser.Frame) {
	kind, _ := f.Type()
	id, _ := f.ID()
	switch string(kind) {
	case "get", "set":
		from, _ := f.From()
		q := append(p.s.Queue(), "<iq type='result' id='"...)
		q = append(append(q, id...), '\'')
		if len(from) > 0 {
			q = append(append(append(q, " to='"...), from...), '\'')
		}
		p.s.SetQueue(append(q, "/>"...))
	case "result", "error": // an error is an answer, too
		if bytes.Equal(id, ping) {
			select {
			case p.pong <- struct{}{}:
			default:
			}
		}
	}
}

// ping waits until the server has answered a request that it got after
// everything sent before.
func (p *player) ping(ctx context.Context) error {
	err := p.s.Send(fmt.Appendf(nil, "<iq type='get' id='ping' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", p.w.options(p.s.Account).Domain))
	if err != nil {
		return err
	}
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case <-p.pong:
		return nil
	case <-p.gone:
		return fmt.Errorf("%s: the session ended", p.s.JID)
	case <-timeout.C:
		return fmt.Errorf("%s: no answer to a ping for a minute", p.s.JID)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// count adds what p knows of faults.
func (p *player) count(f *faults) {
	for _, d := range p.devices {
		d.countCopies(f)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f.duplicated += p.in.duplicated
	f.reordered += p.in.reordered
	if p.peer != nil {
		f.lost += p.in.lost(p.peer.sent.Load())
	}
	if c, ok := p.role.(*contact); ok {
		c.count(f)
	}
}

// join logs an account in, starts to receive and becomes available.
func (w *Worker) join(ctx context.Context, a client.Account) (*player, error) {
	return w.joinAs(ctx, a, &player{})
}

// joinAs is join for a player of which some fields are set.
func (w *Worker) joinAs(ctx context.Context, a client.Account, p *player) (*player, error) {
	opts := w.options(a)
	s, err := client.Login(ctx, opts, a)
	if err != nil {
		w.fails.Add(1)
		return nil, err
	}
	p.bare = a.Bare(opts.Domain)
	m := w.meters.of(a.Index)
	w.logins.Add(1)
	m.login(s.Timings())
	p.w, p.m, p.pong = w, m, make(chan struct{}, 1)
	p.receive(s)
	if w.job.Relay {
		return p, nil
	}
	if err := s.Send([]byte("<presence/>")); err != nil {
		return nil, err
	}
	return p, p.ping(ctx)
}

// receive goes on with a session until it ends.
func (p *player) receive(s *client.Session) {
	gone := make(chan struct{})
	p.s, p.gone = s, gone
	p.w.live.Go(func() {
		defer close(gone)
		if err := s.Receive(p); err != nil && !p.w.leaving.Load() {
			p.w.broken.Add(1)
			p.w.note("%s: %v", s.JID, err)
		}
	})
}

// login records the parts of a login.
func (m *meter) login(t client.Timings) {
	m.record(HistLogin, int64(t.Total()))
	if t.TLS > 0 {
		m.record(HistTLS, int64(t.TLS))
	}
	m.record(HistAuth, int64(t.Auth))
	m.record(HistBind, int64(t.Bind))
	if t.Roster > 0 {
		m.record(HistRoster, int64(t.Roster))
	}
}

// connect brings the sessions up to count, several at a time, in the order of
// their accounts.
func (w *Worker) connect(ctx context.Context, count int) error {
	if count > w.job.Count {
		return fmt.Errorf("%d sessions asked for, the job has %d", count, w.job.Count)
	}
	from := len(w.players)
	switch {
	case w.job.Scenario == Login: // which makes its sessions while it runs
		return w.acquaint(ctx, count)
	case w.job.Scenario == Roster:
		return w.fillRosters(ctx, count)
	case w.job.Beside():
		return w.connectCrowd(ctx)
	case count <= from:
		return nil
	case w.job.Scenario == Offline:
		return w.connectSenders(ctx, count)
	}
	w.players = append(w.players, make([]*player, count-from)...)
	err := w.each(ctx, from, count, func(ctx context.Context, i int) (err error) {
		a := w.account(i)
		if w.players[i], err = w.join(ctx, a); err != nil {
			return err
		}
		return w.joinDevices(ctx, a, w.players[i])
	})
	if err != nil {
		return err
	}
	for i := from &^ 1; i+1 < count; i += 2 { // accounts 2n and 2n+1 are a pair
		w.players[i].pair(w.players[i+1])
	}
	return w.prepare(ctx)
}

// prepare does what a scenario needs between its logins and its window.
func (w *Worker) prepare(ctx context.Context) error {
	switch w.job.Scenario {
	case Presence, Mix:
		w.groups = w.fans()
		if err := w.each(ctx, 0, len(w.groups), func(ctx context.Context, i int) error {
			return w.groups[i].subscribe(ctx)
		}); err != nil {
			return err
		}
		if err := w.calm(ctx); err != nil {
			return err
		}
		if w.job.Scenario == Mix {
			w.thin()
			break
		}
		for _, p := range w.players {
			p.peer = nil // nobody chats
		}
	}
	return nil
}

// account is the worker's account i. For the relay its peer is the other of
// its pair, or its group is named for the publisher, see fans.
func (w *Worker) account(i int) client.Account {
	a := w.job.Accounts.At(w.job.First + i)
	if w.job.Scenario != Presence {
		a.Peer = w.job.Accounts.At((w.job.First + i) ^ 1).User
		return a
	}
	place := i % w.groupSize()
	a.Group, a.Publish = w.job.Accounts.At(w.job.First+i-place).User, place == 0
	return a
}

// parallel is this process's share of the logins under way at once.
func (w *Worker) parallel() int { return max(1, int(float64(w.job.Parallel)*w.job.Share)) }

// each calls do for from ≤ i < to, some at a time, and returns the first error.
func (w *Worker) each(ctx context.Context, from, to int, do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	next.Store(int64(from))
	var group sync.WaitGroup
	for range min(w.parallel(), to-from) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= to {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// leave ends all sessions and waits until they are gone.
func (w *Worker) leave() {
	w.leaving.Store(true)
	w.stopping.Store(true)
	for _, p := range w.players {
		if p != nil {
			p.leave(false)
		}
	}
	w.crowd.leave()
	w.live.Wait()
}

// leave closes p's stream. polite waits up to two seconds for the server to
// close it, too.
func (p *player) leave(polite bool) {
	for _, d := range p.devices {
		d.leave(false)
	}
	if polite && p.s.Close() == nil {
		t := time.NewTimer(2 * time.Second)
		defer t.Stop()
		select {
		case <-p.gone:
		case <-t.C:
		}
	}
	p.s.Abort()
}
