//go:build crash

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	senders    = 3
	recipients = 4
	window     = 48 // stanzas that a sender has not had acknowledged
)

// ledger is what was sent and what came.
type ledger struct {
	mu      sync.Mutex
	domain  string // of the recipients
	sent    [senders][recipients]int
	next    [senders][recipients]int // the number that must come next
	seen    map[string]sighting      // by message id
	resent  map[string]bool
	sentOn  map[string]int           // how many of the recipients' servers had been killed before, by message id
	apart   bool                     // the senders are at another server than the recipients
	told    map[string]bool          // apart: messages that came back to their senders
	open    [senders][recipients]int // sent, and neither arrived nor come back
	came    *arrival                 // what flows waits for
	gaps    []gap                    // apart: those that did not arrive, and must have come back
	traceMu sync.Mutex
	trace   []string
	again   int // messages without a stable id that came twice, as their senders had to send them twice
	faults  []string
	arrived int
	acks    acks // of all clients
}

type sighting struct {
	stanzaID string
	kills    int // of servers before the one that it came from
}

func (l *ledger) fault(format string, args ...any) {
	if len(l.faults) < 10 {
		l.faults = append(l.faults, fmt.Sprintf(format, args...))
	}
}

// arrival is that of a message which is sent now or later.
type arrival struct {
	sent [senders][recipients]int // those with lower numbers were sent before
	done chan struct{}
}

// flows waits until a message that is sent from now on has arrived, and tells how long
// that took.
func (l *ledger) flows() time.Duration {
	a, start := &arrival{done: make(chan struct{})}, time.Now()
	l.mu.Lock()
	a.sent = l.sent
	l.came = a
	l.mu.Unlock()
	select {
	case <-a.done:
	case <-time.After(patience):
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fault("nothing that is sent arrives: sent %v, arrived %v, on their way %v", l.sent, l.next, l.open)
	}
	return time.Since(start)
}

// arrivedFirst notes the first arrival of a message.
func (l *ledger) arrivedFirst(from, to, n, kills int, e *element) {
	l.arrived++
	l.seen[e.ID] = sighting{e.StanzaID.ID, kills}
	if !l.told[e.ID] {
		l.open[from][to]--
	}
	if l.came != nil && n >= l.came.sent[from][to] {
		close(l.came.done)
		l.came = nil
	}
}

// tell keeps what happened for the failure that it may explain.
func (l *ledger) tell(what string) {
	l.traceMu.Lock()
	defer l.traceMu.Unlock()
	l.trace = append(l.trace, time.Now().Format("05.000 ")+what)
}

// arrive looks at a message that a recipient got from a server before which so
// many were killed.
func (l *ledger) arrive(to, kills int, e *element) {
	if e.XMLName.Local != "message" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var from, rcpt, n int
	if _, err := fmt.Sscanf(e.ID, "m-%d-%d-%d", &from, &rcpt, &n); err != nil || rcpt != to || e.Type == "error" {
		l.fault("recipient %d got %+v", to, e)
		return
	}
	next := &l.next[from][to]
	l.tell(fmt.Sprintf("r%d got %s (%s) on %d", to, e.ID, e.StanzaID.ID, kills))
	switch before, twice := l.seen[e.ID]; {
	case n == *next:
		*next++
		l.arrivedFirst(from, to, n, kills, e)
	case n > *next && l.apart:
		l.gaps = append(l.gaps, gap{from, to, *next, n})
		*next = n + 1
		l.arrivedFirst(from, to, n, kills, e)
	case n > *next:
		l.fault("%s (id %q) came, and %d that were sent before it did not, resent %v: they are lost, or late", e.ID, e.StanzaID.ID, n-*next, l.resent[fmt.Sprintf("m-%d-%d-%d", from, to, *next)])
		*next = n + 1
	case !twice:
		l.fault("%s came late", e.ID)
	case isStable(n) && !(l.apart && l.resent[e.ID]): // apart: it is the sender's server that was killed
		l.fault("%s came twice though it has a stable id, resent %v, by the stanza ids %q on %d and %q on %d",
			e.ID, l.resent[e.ID], before.stanzaID, before.kills, e.StanzaID.ID, kills)
	case before.stanzaID == e.StanzaID.ID:
		l.fault("%s came twice by one stanza id, %q, on %d and %d", e.ID, before.stanzaID, before.kills, kills)
	case !l.resent[e.ID] && !(l.apart && l.sentOn[e.ID] < kills):
		// Apart it is the sender's server that sends again what the killed one has not
		// acknowledged, though it may have stored it.
		l.fault("%s came twice, by the stanza ids %q and %q, and its sender has sent it once", e.ID, before.stanzaID, e.StanzaID.ID)
	default:
		l.again++
	}
}

// allTold tells whether messages that did not arrive came back to their sender.
func (l *ledger) allTold(from, to, first, end int) bool {
	for n := first; n < end; n++ {
		if !l.told[fmt.Sprintf("m-%d-%d-%d", from, to, n)] {
			return false
		}
	}
	return true
}

// isStable tells whether a message has a stable id of its sender (XEP-0359). One of
// four has none.
func isStable(n int) bool { return n%4 != 3 }

// message is one of them.
func message(id, to, text string, stable bool) string {
	origin := ""
	if stable {
		origin = "<origin-id xmlns='urn:xmpp:sid:0' id='" + id + "'/>"
	}
	return "<message id='" + id + "' to='" + to + "' type='chat'><body>" + text + "</body>" + origin + "</message>"
}

// Servers that are killed in the middle of their work, and ended by SIGTERM,
// lose nothing that they acknowledged, and reorder nothing; what has a stable id
// (XEP-0359), of its sender or of the server, does not come twice. The recipients are one that acknowledges at once, one that
// takes its time, and two whose connections break all the time; so do those of
// the senders.
func TestCrash(t *testing.T) {
	rng := random(t)
	s := newServer(t, t.TempDir(), append(accounts("s%d@localhost", senders), accounts("r%d@localhost", recipients)...)...)
	s.args = roomy()
	s.start()
	l := newLedger("localhost")
	c := l.begin(rng, s, s)
	from := c.from
	terms := 0
	for round := range *rounds {
		l.goesOn(1 + rng.IntN(mostBetween))
		if round%3 == 2 {
			terms++
			s.terminate()
		} else {
			l.noteResent(from)
			s.kill()
			l.tell("killed")
			l.noteResent(from)
		}
		s.start()
		if l.failed() {
			break
		}
	}
	c.end(t)
	resumed, anew := 0, 0
	for _, p := range append(from, c.to...) {
		resumed, anew = resumed+p.resumed, anew+p.anew
	}
	l.report(t)
	t.Logf("%d messages arrived, %d of them twice as they have no stable id, over %d kills and %d SIGTERM; %d resumptions, %d sessions begun anew",
		l.arrived, l.again, s.kills, terms, resumed, anew)
	if terms > 0 && resumed == 0 {
		t.Error("no session was resumed")
	}
}

// gap is messages of one sender to one recipient, up to end.
type gap struct{ from, to, first, end int }

// crowd is the clients of a test.
type crowd struct {
	l        *ledger
	from, to []*peer
	clients  sync.WaitGroup
	sending  sync.WaitGroup
	stop     chan struct{}
	errs     chan error
}

// begin lets senders, clients of one server, write to recipients, clients of
// the same or of another one.
func (l *ledger) begin(rng *rand.Rand, near, far *server) *crowd {
	c := &crowd{l: l, stop: make(chan struct{}), errs: make(chan error, senders+recipients)}
	run := func(s *server, p *peer) {
		p.s = s
		p.trace = l.tell
		p.acks = &l.acks
		p.rng = rand.New(rand.NewPCG(rng.Uint64(), 1))
		c.clients.Go(func() {
			if err := p.run(); err != nil {
				c.errs <- err
			}
		})
	}
	for i := range recipients {
		p := &peer{user: fmt.Sprintf("r%d", i)}
		p.handle = func(e *element) { l.arrive(i, p.kills, e) }
		switch i {
		case 1:
			p.slow = 300 * time.Millisecond
		case 2, 3:
			p.tear = 20_000 * (i - 1)
		}
		c.to = append(c.to, p)
		run(far, p)
	}
	for i := range senders {
		p := &peer{user: fmt.Sprintf("s%d", i), handle: func(e *element) { l.comeBack(i, e) }}
		if i == 1 {
			p.tear = 50_000
		}
		c.from = append(c.from, p)
		run(near, p)
	}
	for i, p := range c.from {
		c.sending.Go(func() { l.traffic(i, p, far, c.stop) })
	}
	return c
}

// end waits until all has arrived, and stops the servers.
func (c *crowd) end(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.sending.Wait()
	c.l.finish(t, c.from, c.errs)
	near, far := c.from[0].s, c.to[0].s
	near.finish()
	far.finish()
	near.terminate()
	if far != near {
		far.terminate()
	}
	c.clients.Wait()
}

// comeBack takes what a sender gets.
func (l *ledger) comeBack(sender int, e *element) {
	if e.Type != "error" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.apart {
		l.fault("s%d got %+v", sender, e)
		return
	}
	var from, to, n int
	if _, err := fmt.Sscanf(e.ID, "m-%d-%d-%d", &from, &to, &n); err != nil || from != sender || to < 0 || to >= recipients {
		l.fault("s%d got %+v", sender, e)
		return
	}
	if _, arrived := l.seen[e.ID]; !arrived && !l.told[e.ID] {
		l.open[from][to]--
	}
	l.told[e.ID] = true // the other server could not be reached for too long
}

func newLedger(domain string) *ledger {
	return &ledger{domain: domain, seen: make(map[string]sighting), resent: make(map[string]bool), sentOn: make(map[string]int), told: make(map[string]bool)}
}

// report tells what went wrong.
func (l *ledger) report(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.gaps {
		if !l.allTold(g.from, g.to, g.first, g.end) {
			l.fault("of the messages of s%d to r%d from %d to %d some were acknowledged, and lost", g.from, g.to, g.first, g.end-1)
		}
	}
	for _, f := range l.faults {
		t.Error(f)
	}
	if *traceFile != "" {
		if err := os.WriteFile(*traceFile, []byte(strings.Join(l.trace, "\n")), 0o600); err != nil {
			t.Error(err)
		}
	}
}

func accounts(format string, count int) (list []string) {
	for i := range count {
		list = append(list, fmt.Sprintf(format, i))
	}
	return list
}

// roomy is bounds that slow recipients do not reach.
func roomy() []string {
	return []string{"--set", "limits.unacked_stanzas=20000", "--set", "limits.unacked_bytes=67108864",
		"--set", "limits.offline_messages=100000", "--set", "limits.offline_bytes=268435456"}
}

// noteResent notes what the senders may send twice: they do not know what the
// server that is killed had.
func (l *ledger) noteResent(from []*peer) {
	for _, p := range from {
		p.mu.Lock()
		for i := range p.queue {
			if id, _, ok := strings.Cut(strings.TrimPrefix(p.queue[i].xml, "<message id='"), "'"); ok {
				l.mu.Lock()
				l.resent[id] = true
				l.mu.Unlock()
			}
		}
		p.mu.Unlock()
	}
}

func (l *ledger) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.faults) > 0
}

// behind is how many messages of one sender may be on their way to one recipient:
// far fewer than limits.offline_messages, as the slow recipient takes less than
// is sent.
const behind = 1000

// mostBetween is how many stanzas servers acknowledge between two kills at most: what
// takes a second or two.
const mostBetween = 3000

// traffic sends to all recipients in turns, as fast as the server acknowledges
// and the recipients take them.
func (l *ledger) traffic(i int, p *peer, far *server, stop <-chan struct{}) {
	for k := 0; ; k++ {
		select {
		case <-stop:
			return
		default:
		}
		if p.unacked() >= window {
			time.Sleep(time.Millisecond)
			continue
		}
		to := k % recipients
		l.mu.Lock()
		n := l.sent[i][to]
		full := l.open[i][to] >= behind
		if !full {
			l.sent[i][to]++
			l.open[i][to]++
			l.sentOn[fmt.Sprintf("m-%d-%d-%d", i, to, n)] = far.killed()
		}
		l.mu.Unlock()
		if full {
			time.Sleep(time.Millisecond)
			continue // with the next one
		}
		p.send(n, message(fmt.Sprintf("m-%d-%d-%d", i, to, n), fmt.Sprintf("r%d@%s", to, l.domain), fmt.Sprint(n), isStable(n)))
		if k%8 == 7 {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// finish waits until all that was sent has arrived.
func (l *ledger) finish(t *testing.T, from []*peer, errs <-chan error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-errs:
			t.Fatal(err)
		default:
		}
		missing, unacked := 0, 0
		l.mu.Lock()
		for i := range senders {
			for k := range recipients {
				if !l.allTold(i, k, l.next[i][k], l.sent[i][k]) {
					missing += l.sent[i][k] - l.next[i][k]
				}
			}
		}
		failed := len(l.faults) > 0
		l.mu.Unlock()
		for _, p := range from {
			unacked += p.unacked()
		}
		if missing == 0 && unacked == 0 || failed {
			return
		}
		if time.Now().After(deadline) {
			l.mu.Lock()
			l.fault("%d messages did not arrive, %d are not acknowledged: sent %v, arrived %v, on their way %v", missing, unacked, l.sent, l.next, l.open)
			l.mu.Unlock()
			return
		}
	}
}
