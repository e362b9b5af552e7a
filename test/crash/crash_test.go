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
	sent    [senders][recipients]int
	next    [senders][recipients]int // the number that must come next
	seen    map[string]sighting      // by message id
	resent  map[string]bool
	traceMu sync.Mutex
	trace   []string
	again   int // messages without a stable id that came twice, as their senders had to send them twice
	faults  []string
	arrived int
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
		l.arrived++
		l.seen[e.ID] = sighting{e.StanzaID.ID, kills}
	case n > *next:
		l.fault("%s (id %q) came, and %d that were sent before it did not, resent %v: they are lost, or late", e.ID, e.StanzaID.ID, n-*next, l.resent[fmt.Sprintf("m-%d-%d-%d", from, to, *next)])
		*next = n + 1
	case !twice:
		l.fault("%s came late", e.ID)
	case isStable(n):
		l.fault("%s came twice though it has a stable id, resent %v, by the stanza ids %q on %d and %q on %d",
			e.ID, l.resent[e.ID], before.stanzaID, before.kills, e.StanzaID.ID, kills)
	case before.stanzaID == e.StanzaID.ID:
		l.fault("%s came twice by one stanza id, %q, on %d and %d", e.ID, before.stanzaID, before.kills, kills)
	case !l.resent[e.ID]:
		l.fault("%s came twice, by the stanza ids %q and %q, and its sender has sent it once", e.ID, before.stanzaID, e.StanzaID.ID)
	default:
		l.again++
	}
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
	var accounts []string
	for i := range senders {
		accounts = append(accounts, fmt.Sprintf("s%d@localhost", i))
	}
	for i := range recipients {
		accounts = append(accounts, fmt.Sprintf("r%d@localhost", i))
	}
	s := newServer(t, t.TempDir(), accounts...)
	s.args = []string{"--set", "limits.unacked_stanzas=20000", "--set", "limits.unacked_bytes=67108864",
		"--set", "limits.offline_messages=100000", "--set", "limits.offline_bytes=268435456"}
	s.start()
	l := &ledger{seen: make(map[string]sighting), resent: make(map[string]bool)}
	var clients sync.WaitGroup
	errs := make(chan error, senders+recipients)
	run := func(p *peer) {
		p.s = s
		p.trace = l.tell
		p.rng = rand.New(rand.NewPCG(rng.Uint64(), 1))
		clients.Go(func() {
			if err := p.run(); err != nil {
				errs <- err
			}
		})
	}
	var to []*peer
	for i := range recipients {
		p := &peer{user: fmt.Sprintf("r%d", i)}
		p.handle = func(e *element) { l.arrive(i, p.kills, e) }
		switch i {
		case 1:
			p.slow = 300 * time.Millisecond
		case 2, 3:
			p.tear = 20_000 * (i - 1)
		}
		to = append(to, p)
		run(p)
	}
	var from []*peer
	for i := range senders {
		p := &peer{user: fmt.Sprintf("s%d", i), handle: func(e *element) {
			if e.Type == "error" {
				l.mu.Lock()
				l.fault("s%d got %+v", i, e)
				l.mu.Unlock()
			}
		}}
		if i == 1 {
			p.tear = 50_000
		}
		from = append(from, p)
		run(p)
	}
	stop := make(chan struct{})
	var sending sync.WaitGroup
	for i, p := range from {
		sending.Go(func() { l.traffic(i, p, stop) })
	}

	terms := 0
	for round := range *rounds {
		time.Sleep(time.Duration(100+rng.IntN(1500)) * time.Millisecond)
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
	close(stop)
	sending.Wait()
	l.finish(t, from, errs)
	s.finish()
	s.terminate()
	clients.Wait()
	resumed, anew := 0, 0
	for _, p := range append(from, to...) {
		resumed, anew = resumed+p.resumed, anew+p.anew
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.faults {
		t.Error(f)
	}
	if len(l.faults) > 0 && *traceFile != "" {
		if err := os.WriteFile(*traceFile, []byte(strings.Join(l.trace, "\n")), 0o600); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d messages arrived, %d of them twice as they have no stable id, over %d kills and %d SIGTERM; %d resumptions, %d sessions begun anew",
		l.arrived, l.again, s.kills, terms, resumed, anew)
	if terms > 0 && resumed == 0 {
		t.Error("no session was resumed")
	}
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
const behind = 5000

// traffic sends to all recipients in turns, as fast as the server acknowledges
// and the recipients take them.
func (l *ledger) traffic(i int, p *peer, stop <-chan struct{}) {
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
		full := n-l.next[i][to] >= behind
		if !full {
			l.sent[i][to]++
		}
		l.mu.Unlock()
		if full {
			time.Sleep(time.Millisecond)
			continue // with the next one
		}
		p.send(n, message(fmt.Sprintf("m-%d-%d-%d", i, to, n), fmt.Sprintf("r%d@localhost", to), fmt.Sprint(n), isStable(n)))
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
				missing += l.sent[i][k] - l.next[i][k]
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
			l.fault("%d messages did not arrive, %d are not acknowledged: sent %v, arrived %v", missing, unacked, l.sent, l.next)
			l.mu.Unlock()
			return
		}
	}
}
