package engine

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/s2s"
)

// Federation says how the engine speaks with other servers. The zero value
// does not: stanzas for other domains are returned with
// remote-server-not-found.
type Federation struct {
	// Connector finds and reaches other servers; s2s/resolve has the one of the
	// stock server. nil: no federation.
	Connector Connector

	// Judge tells what a chain of certificates proves, leaf first; server: it is
	// that of the side that was connected to. Called on workers. nil: no certificate
	// proves anything, and dialback is all there is.
	Judge func(chain []*x509.Certificate, server bool) s2s.Proof

	// Policy tells what holds for a prepared remote domain. Safe for concurrent
	// use; it may not block. nil: dialback is enough for everybody.
	Policy func(remote string) s2s.Policy

	Domains      int           // remote domains known at a time; for one more stanzas are returned with resource-constraint. Default 20,000
	QueueBytes   int           // of stanzas that wait for a stream to one remote domain; resource-constraint. Default 1,048,576
	QueueStanzas int           // and their number; the same. Default 1,000
	QueueTime    time.Duration // that a stanza waits at most; then remote-server-timeout. Default 60 s
	Dials        int           // look-ups and connections under way at a time; the others wait. Default 256
	DialTime     time.Duration // for one look-up, and for connecting to one of the targets. Default 20 s
	RetryLeast   time.Duration // from a failed attempt to the next; doubled by each failure. Default 1 s
	RetryMost    time.Duration // Default 2 min
	IdleTime     time.Duration // without a stanza until a stream is closed. Default 10 min
	SilentTime   time.Duration // without a byte from the peer until it is asked for a sign of life. Default 1 min
	AnswerTime   time.Duration // that it has for that, and for each answer of dialback. Default 30 s
}

// Connector finds the servers of a domain and connects to them. Safe for
// concurrent use. step takes what was found out, a line each, for the operator.
type Connector interface {
	// Find returns the targets in the order in which they are to be tried. An error
	// wraps s2s.ErrNoService when the domain has no server.
	Find(ctx context.Context, domain string, step func(text string)) ([]s2s.Target, error)
	// Dial opens a TCP connection to one of targets, the first one that answers in
	// their order; used is its index.
	Dial(ctx context.Context, targets []s2s.Target, step func(text string)) (conn net.Conn, used int, err error)
}

// withDefaults fills in zero fields and names those out of range.
func (f Federation) withDefaults() (Federation, []error) {
	var faults []error
	number := func(name string, v *int, usual int) {
		if *v == 0 {
			*v = usual
		}
		if *v < 1 || *v > 1<<30 {
			faults = append(faults, fmt.Errorf("engine: Federation.%s: %d is out of range, want 1 to 1,073,741,824", name, *v))
		}
	}
	span := func(name string, v *time.Duration, usual time.Duration) {
		if *v == 0 {
			*v = usual
		}
		if *v < time.Millisecond {
			faults = append(faults, fmt.Errorf("engine: Federation.%s: %s is out of range, want at least 1 ms", name, *v))
		}
	}
	number("Domains", &f.Domains, 20_000)
	number("QueueBytes", &f.QueueBytes, 1<<20)
	number("QueueStanzas", &f.QueueStanzas, 1000)
	number("Dials", &f.Dials, 256)
	span("QueueTime", &f.QueueTime, time.Minute)
	span("DialTime", &f.DialTime, 20*time.Second)
	span("RetryLeast", &f.RetryLeast, time.Second)
	span("RetryMost", &f.RetryMost, 2*time.Minute)
	span("IdleTime", &f.IdleTime, 10*time.Minute)
	span("SilentTime", &f.SilentTime, time.Minute)
	span("AnswerTime", &f.AnswerTime, 30*time.Second)
	if f.Policy == nil {
		f.Policy = func(string) s2s.Policy { return s2s.Policy{} }
	}
	return f, faults
}

// federates tells whether there is federation at all.
func (e *Engine) federates() bool { return e.cfg.Federation.Connector != nil }

// remoteDomain names a remote domain and its home loop to all loops.
type remoteDomain struct {
	name string
	loop uint32
}

// apply is never called: a remoteDomain rides in the entries of batches.
func (*remoteDomain) apply(*loop, *conn) {}

// remoteOf finds the name of a remote domain, or makes it; nil when there are
// too many. name may be borrowed.
func (e *Engine) remoteOf(name string) *remoteDomain {
	if d, ok := e.remotes.Load(name); ok {
		return d.(*remoteDomain)
	}
	if e.remoteCount.Add(1) > int64(e.cfg.Federation.Domains) {
		e.remoteCount.Add(-1)
		return nil
	}
	name = strings.Clone(name)
	d := &remoteDomain{name: name, loop: uint32(maphash.String(e.seed, name) % uint64(len(e.loops)))}
	known, had := e.remotes.LoadOrStore(name, d)
	if had {
		e.remoteCount.Add(-1)
	}
	return known.(*remoteDomain)
}

// forgetRemote drops a name. What is on its way under it finds a new record.
func (e *Engine) forgetRemote(name string) {
	if _, had := e.remotes.LoadAndDelete(name); had {
		e.remoteCount.Add(-1)
	}
}

// ErrNotFederating is returned for what needs Config.Federation.
var ErrNotFederating = errors.New("engine: federation is not configured")

// Remotes lists what is known of each remote domain, sorted by name. With
// domains given only those; one that nothing is known of is left out. Errors:
// ErrNotFederating, ErrNotRunning, ctx's.
func (e *Engine) Remotes(ctx context.Context, domains ...string) ([]s2s.Record, error) {
	if !e.federates() {
		return nil, ErrNotFederating
	}
	if !e.serving() {
		return nil, ErrNotRunning
	}
	for i, name := range domains {
		j, err := jid.New("", name, "")
		if err != nil {
			return nil, fmt.Errorf("engine: %q: %w", name, err)
		}
		domains[i] = j.Domain()
	}
	answers := make(chan []s2s.Record, len(e.loops))
	for i := range e.loops {
		e.sendLoop(uint32(i), &recording{domains, answers})
	}
	var all []s2s.Record
	for range e.loops {
		select {
		case some := <-answers:
			all = append(all, some...)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.stopped:
			return nil, ErrNotRunning
		}
	}
	slices.SortFunc(all, func(a, b s2s.Record) int { return strings.Compare(a.Domain, b.Domain) })
	return all, nil
}

// RecheckRemotes holds all streams with other servers against Federation.Policy,
// which has changed, and has those that it does not allow end. Domains that
// could not be reached are tried again when there is something for them. With
// domains given only theirs, which must be prepared.
func (e *Engine) RecheckRemotes(domains ...string) {
	if !e.federates() || !e.serving() {
		return
	}
	for i := range e.loops {
		e.sendLoop(uint32(i), rechecking(domains))
	}
}

// rechecking has a loop do so; empty: for all.
type rechecking []string

func (x rechecking) apply(l *loop, _ *conn) {
	for name, r := range l.remotes {
		if len(x) > 0 && !slices.Contains(x, name) {
			continue
		}
		r.Recheck(l.now, &l.actions)
		l.act(r.domain, r.Remote)
	}
}

// CountRemotes counts remote domains, their streams and what waits for them.
// Each loop looks at all of its remote domains, some 100 ns each, so it is for
// once in some seconds. Errors as those of Remotes.
func (e *Engine) CountRemotes(ctx context.Context) (sum s2s.Counts, err error) {
	if !e.federates() {
		return sum, ErrNotFederating
	}
	if !e.serving() {
		return sum, ErrNotRunning
	}
	answers := make(chan s2s.Counts, len(e.loops))
	for i := range e.loops {
		e.sendLoop(uint32(i), counting(answers))
	}
	for range e.loops {
		select {
		case c := <-answers:
			sum.Add(&c)
		case <-ctx.Done():
			return sum, ctx.Err()
		case <-e.stopped:
			return sum, ErrNotRunning
		}
	}
	return sum, nil
}

// counting asks a loop for its figures.
type counting chan<- s2s.Counts

func (to counting) apply(l *loop, _ *conn) {
	var c s2s.Counts
	for _, r := range l.remotes {
		r.Count(l.now, &c)
	}
	to <- c
}

// recording asks a loop for its records.
type recording struct {
	domains []string // nil: all
	to      chan<- []s2s.Record
}

func (r *recording) apply(l *loop, _ *conn) {
	var all []s2s.Record
	for name, remote := range l.remotes {
		if len(r.domains) == 0 || slices.Contains(r.domains, name) {
			all = append(all, remote.Record(l.now))
		}
	}
	r.to <- all
}
