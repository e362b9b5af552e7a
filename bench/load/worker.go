package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/bench/client"
)

// progressEvery is how often a Worker tells how far it is.
const progressEvery = 250 * time.Millisecond

// A Worker carries out one Job.
type Worker struct {
	job     Job
	clock   clock
	meters  *meters
	opts    client.Options
	other   client.Options // of Job.Other
	players []*player
	groups  []*fan         // presence, mix
	crowd   crowd          // slow
	live    sync.WaitGroup // goroutines that receive

	stopping atomic.Bool // nobody answers or begins anything new
	leaving  atomic.Bool // sessions may end
	logins   atomic.Int64
	fails    atomic.Int64
	broken   atomic.Int64
	setup    atomic.Int64
	told     atomic.Int64 // presence that contacts were told
	flooded  atomic.Int64
	flooding atomic.Int64 // of them in the window

	mu     sync.Mutex
	notes  []string
	before faults // what earlier phases have told already

	outMu sync.Mutex
	out   *json.Encoder
}

// faults are the counters that only grow.
type faults struct {
	lost, duplicated, reordered, logins, fails, broken, flooded, flooding int64
}

// Serve reads a Job and Commands from in and writes Events to out until it is
// told to quit, in ends, or ctx does, which all end a phase that is under way.
// It returns an error only when it cannot talk; what fails in a measurement is
// an Event.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := json.NewDecoder(in)
	var job Job
	if err := d.Decode(&job); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	w := newWorker(job, out)
	defer w.leave()
	go w.progress(ctx)
	commands := make(chan Command)
	go func() { cancel(readCommands(ctx, d, commands)) }()
	for {
		select {
		case c := <-commands:
			if err := w.tell(w.obey(ctx, c)); err != nil {
				return err
			}
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, errQuit) {
				return err
			}
			return nil
		}
	}
}

var errQuit = errors.New("told to quit")

// readCommands passes commands on until there are no more, which is errQuit.
func readCommands(ctx context.Context, d *json.Decoder, to chan<- Command) error {
	for {
		var c Command
		switch err := d.Decode(&c); {
		case errors.Is(err, io.EOF):
			return errQuit
		case err != nil:
			return fmt.Errorf("command: %w", err)
		case c.Do == "quit":
			return errQuit
		}
		select {
		case to <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func newWorker(job Job, out io.Writer) *Worker {
	w := &Worker{
		job:    job,
		clock:  newClock(job.Epoch),
		meters: newMeters(4 * runtime.GOMAXPROCS(0)),
		out:    json.NewEncoder(out),
	}
	job.configure(&w.opts, Place{job.Address, job.Domain})
	if job.Other != nil {
		job.configure(&w.other, *job.Other)
	}
	return w
}

// configure says how sessions log in at a place.
func (job *Job) configure(o *client.Options, at Place) {
	o.Address, o.Domain, o.DirectTLS, o.Mechanism = at.Address, at.Domain, job.DirectTLS, job.Mechanism
	o.Login = job.Login
	o.Resumable = job.Scenario == Resume
	o.StreamManagement, o.Relay = job.Managed || o.Resumable, job.Relay
	o.Carbons = job.Devices > 0
	o.Roster = (job.Scenario == Idle || job.Scenario == Roster) && !job.Relay
	if job.TLS {
		o.TLS = client.TLSConfig(at.Domain, job.Tickets, job.Exchange, client.Roots(job.CA))
	}
	if job.PerAddress > 0 {
		o.Source = client.Spread(job.PerAddress)
	}
	if job.Count <= 2000 && job.Scenario != Idle {
		o.BufferBytes = 16 << 10 // so that pipelined stanzas are answered together
	}
}

// options says where an account logs in, and how.
func (w *Worker) options(a client.Account) *client.Options {
	if w.job.Other != nil && a.Index%2 == 1 {
		return &w.other
	}
	return &w.opts
}

func (w *Worker) tell(e Event) error {
	w.outMu.Lock()
	defer w.outMu.Unlock()
	return w.out.Encode(e)
}

// progress tells how far the worker is until ctx ends.
func (w *Worker) progress(ctx context.Context) {
	t := time.NewTicker(progressEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = w.tell(Event{Is: "progress", Counters: map[string]int64{ // the next command finds a broken pipe, too
				CountDelivered: w.meters.total(), CountLogins: w.logins.Load(), CountSetup: w.setup.Load(),
			}})
		}
	}
}

func (w *Worker) obey(ctx context.Context, c Command) Event {
	switch c.Do {
	case "connect":
		err := w.connect(ctx, c.Count)
		e := Event{Is: "connected", Counters: map[string]int64{CountSessions: int64(len(w.players))}}
		if err != nil {
			e = Event{Is: "failed", Error: err.Error()}
		}
		return e
	case "run":
		r, err := w.run(ctx, c)
		if err != nil {
			return Event{Is: "failed", Error: err.Error()}
		}
		return Event{Is: "done", Result: r}
	}
	return Event{Is: "failed", Error: fmt.Sprintf("unknown command %q", c.Do)}
}

// run is one phase of the scenario.
func (w *Worker) run(ctx context.Context, c Command) (*Result, error) {
	phases := map[string]func(context.Context, Command) error{
		Chat: w.chat, Login: w.storm, Idle: w.hold, Presence: w.presence, Offline: w.offline,
		Churn: w.churn, Slow: w.slow, Mix: w.mix, S2S: w.federate, Roster: w.storm, Resume: w.resumes,
	}
	phase, ok := phases[w.job.Scenario]
	if !ok {
		return nil, fmt.Errorf("unknown scenario %q", w.job.Scenario)
	}
	w.stopping.Store(false)
	w.before.logins = w.logins.Load() // those of connect are not of this phase
	if c.To > 0 {
		w.meters.begin(c.From, c.To)
	} else {
		w.meters.begin(0, math.MaxInt64) // the work ends the phase
	}
	use := w.watchCPU(c)
	begin := w.clock.now()
	if err := phase(ctx, c); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // a phase that was interrupted measured nothing
	}
	r := &Result{Wall: time.Duration(c.To - c.From), Cores: cores()}
	if c.To == 0 {
		r.Wall = time.Duration(w.clock.now() - begin)
	}
	r.CPU = use()
	return r, w.collect(r)
}

// collect fills in what was counted since the phase before.
func (w *Worker) collect(r *Result) error {
	r.Counters = w.meters.counters()
	now := faults{logins: w.logins.Load(), fails: w.fails.Load(), broken: w.broken.Load(), flooded: w.flooded.Load(), flooding: w.flooding.Load()}
	for _, p := range w.players {
		p.count(&now)
	}
	old := w.before
	w.before = now
	for name, n := range map[string]int64{
		CountLost: now.lost - old.lost, CountDuplicated: now.duplicated - old.duplicated,
		CountReordered: now.reordered - old.reordered, CountLogins: now.logins - old.logins,
		CountFailed: now.fails - old.fails, CountBroken: now.broken - old.broken,
		CountFlooded: now.flooded - old.flooded, CountFlooding: now.flooding - old.flooding, CountSessions: int64(len(w.players)*max(1, w.job.Devices)) - now.broken,
	} {
		r.Counters[name] = n
	}
	if l := w.crowd.ledger; l != nil {
		l.count(r.Counters)
	}
	w.mu.Lock()
	r.Notes = w.notes
	w.notes = nil
	w.mu.Unlock()
	var err error
	r.Histograms, err = w.meters.histograms()
	return err
}

// note keeps something that people should read beside the figures; of many,
// the first few.
func (w *Worker) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.notes) < 5 {
		w.notes = append(w.notes, fmt.Sprintf(format, args...))
	}
}

// sleepUntil waits for a time of the worker's clock.
func (w *Worker) sleepUntil(ctx context.Context, t int64) error {
	timer := time.NewTimer(time.Duration(t - w.clock.now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// watchCPU measures what this process uses inside the window, or from now on
// when there is none. The returned function gives the result.
func (w *Worker) watchCPU(c Command) (used func() time.Duration) {
	if c.To == 0 {
		start := cpuTime()
		return func() time.Duration { return cpuTime() - start }
	}
	result := make(chan time.Duration, 1)
	go func() {
		ctx := context.Background() // the window ends by itself
		_ = w.sleepUntil(ctx, c.From)
		start := cpuTime()
		_ = w.sleepUntil(ctx, c.To)
		result <- cpuTime() - start
	}()
	return func() time.Duration { return <-result }
}

func cpuTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // fails only for wrong arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cores is how many this process may run on.
func cores() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(os.Getpid(), &set) != nil {
		return runtime.NumCPU()
	}
	return set.Count()
}
