package inproc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/engine/hugepages"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/standard"
)

const (
	loginsAtOnce = 256
	loginTime    = 2 * time.Minute // without any login until it is given up
	grace        = 5 * time.Second // in which a message in flight must arrive
)

// run is one measurement.
type run struct {
	settings  Settings
	tell      func(string)
	engine    *engine.Engine
	far       *engine.Engine // the other server of s2s; nil: it is not measured
	users     []user         // those of the other server at the end
	wires     []*engine.Wire // of the users
	exchanges []*sasl.Client // of the logins under way
	kind      kind           // of them
	previous  []string       // ids of the sessions to be resumed, those of the last users
	logins    chan bool
	keys      sasl.KeyMemory // all have the same salt, so PBKDF2 runs once
	chains    []*chain

	circle  atomic.Pointer[circle]              // sessions that write
	opened  atomic.Int64                        // the window that counts, ns since start; 0: none
	hears   atomic.Pointer[func(*user, []byte)] // what a client does with what it gets; nil: chains
	gone    atomic.Pointer[tally]               // connections that ended; nil: nobody counts
	comers  atomic.Pointer[comers]              // who hears of logins and of their ends; nil: logins
	alone   atomic.Bool                         // clients pass their messages on without a server
	stop    atomic.Bool                         // no chain goes on
	running atomic.Int64                        // chains with a message in flight
	start   time.Time
	refused atomic.Pointer[string] // what the first login that failed was told
	strange atomic.Int64           // arrivals that nobody sent, or for the second time
	lost    atomic.Int64           // what did not arrive, beside result.Lost
	spare   []uint64               // pauses while there were processors to spare, in the runtime's buckets

	result Result
}

// Run measures. tell is called with a few words as it goes on. The error says
// what kept it from measuring; faults of the engine are in the Result.
func Run(ctx context.Context, s Settings, tell func(string)) (*Result, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	n := s.Sessions + s.others()
	r := &run{settings: s, tell: tell, users: make([]user, n), wires: make([]*engine.Wire, n),
		exchanges: make([]*sasl.Client, n), logins: make(chan bool, loginsAtOnce), start: time.Now()}
	for k := range s.Chains {
		r.chains = append(r.chains, newChain(k, s.Payload, !s.Stock))
	}
	r.result.Version = version()
	end, err := r.serve(ctx)
	if err != nil {
		return nil, err
	}
	err = r.measure(ctx)
	return &r.result, errors.Join(err, end())
}

// config is that of a server.
func (r *run) config(name string) (cfg engine.Config, err error) {
	keys, err := sasl.Derive(password, sasl.MinIterations, nil)
	if err != nil {
		return cfg, err
	}
	cfg = engine.Config{Domains: []string{name}, Auth: &everybody{keys}, AllowPlaintext: true, Loops: r.settings.Loops,
		Limits: engine.Limits{IdleTime: time.Hour, DrainTime: time.Millisecond, OutboundBytes: r.settings.Held / 3, UnackedBytes: r.settings.Held / 3}}
	if r.settings.Stock {
		cfg.Store = memory.New(memory.Options{})
		cfg.Extensions = standard.Options{Offline: offline.Options{MaxBytes: r.settings.Held / 3}}.Register
	}
	return cfg, nil
}

// serve starts the engine, or both; end stops them.
func (r *run) serve(ctx context.Context) (end func() error, err error) {
	cfg, err := r.config(domain)
	if err != nil {
		return nil, err
	}
	if r.settings.others() == 0 {
		r.engine, end, err = start(ctx, cfg)
		return end, err
	}
	return r.serveBoth(ctx, cfg)
}

// start runs an engine; end stops it.
func start(ctx context.Context, cfg engine.Config) (e *engine.Engine, end func() error, err error) {
	if e, err = engine.New(cfg); err != nil {
		return nil, nil, err
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() { done <- e.Run(ctx) }()
	select {
	case <-e.Ready():
	case err := <-done:
		cancel()
		return nil, nil, errors.Join(err, errors.New("inproc: the engine ended"))
	}
	return e, func() error {
		cancel()
		return <-done
	}, nil
}

// engineOf is the server of user i.
func (r *run) engineOf(i int) *engine.Engine {
	if i < r.settings.Sessions {
		return r.engine
	}
	return r.far
}

// memoryUse is what the process holds after garbage and free memory were given
// back.
type memoryUse struct {
	heap, objects float64
	rss           int64
}

func readMemory() (m memoryUse, err error) {
	runtime.GC() // the first one only moves pools to where the second one takes them
	debug.FreeOSMemory()
	m.heap, m.objects = gauge(metricHeap), gauge(metricObjects)
	os, err := measure.ProcessMemory(os.Getpid())
	m.rss = os.RSS
	return m, err
}

func (r *run) measure(ctx context.Context) error {
	for i := range r.users {
		r.users[i].run, r.users[i].index = r, uint32(i) // touches the arrays, so that they are resident before that is measured
		r.wires[i], r.exchanges[i] = nil, nil
	}
	empty, err := readMemory()
	if err != nil {
		return err
	}
	if err := r.logIn(ctx); err != nil {
		return err
	}
	full, err := readMemory()
	if err != nil {
		return err
	}
	n := float64(r.settings.Sessions)
	r.result.Heap, r.result.Objects = (full.heap-empty.heap)/n, (full.objects-empty.objects)/n
	r.result.RSS = float64(full.rss-empty.rss) / n
	if err := r.enlarge(ctx, full, float64(empty.rss)); err != nil {
		return err
	}
	for _, part := range []struct {
		of      string // scenario
		measure func(context.Context) error
	}{
		{load.Chat, r.traffics},
		{load.Resume, into(&r.result.Resumption, r.resume)},
		{load.Offline, into(&r.result.Offline, r.offline)},
		{load.Presence, into(&r.result.Presence, r.presence)},
		{load.Roster, into(&r.result.Roster, r.roster)},
		{load.Mix, into(&r.result.Mix, r.mix)},
		{load.S2S, into(&r.result.Federation, r.federate)},
		{load.Churn, into(&r.result.Churn, r.churn)},
		{load.Slow, into(&r.result.Slow, r.slow)},
	} {
		if !r.settings.Measures(part.of) {
			continue
		}
		err := part.measure(ctx)
		if err != nil && part.of == load.S2S && ctx.Err() == nil { // it has sockets that the others have not
			r.result.Warnings = append(r.result.Warnings, part.of+": "+err.Error())
			continue
		}
		if err != nil {
			return err
		}
	}
	r.result.Lost += int(r.lost.Load())
	r.result.Pauses, r.result.SparePauses = r.pauses()
	r.result.Duplicated = int(r.strange.Load())
	return nil
}

// into is a part of the run whose result goes there.
func into[T any](result *T, measure func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		*result, err = measure(ctx)
		return err
	}
}

// enlarge backs the heap with huge pages if it is large enough, as the server
// does. Without them the run is still one, with a warning.
func (r *run) enlarge(ctx context.Context, full memoryUse, empty float64) error {
	if !r.settings.HugePages || full.heap < hugepages.From {
		return nil
	}
	r.tell("huge pages")
	report, err := hugepages.Collapse(ctx)
	if errors.Is(err, hugepages.ErrUnsupported) {
		r.result.Warnings = append(r.result.Warnings, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	now, err := measure.ProcessMemory(os.Getpid())
	n := float64(r.settings.Sessions)
	r.result.Huge, r.result.HugeRSS = float64(report.Huge)/n, (float64(now.RSS)-empty)/n
	return err
}

// logIn brings all sessions up.
func (r *run) logIn(ctx context.Context) error {
	begin := newStretch()
	err := r.bringUp(ctx, indexes(0, r.settings.Sessions), online)
	r.result.LoginsPerSec, r.result.LoginCPU = begin.over(r.settings.Sessions)
	return err
}

// indexes are those from first to before end.
func indexes(first, end int) []int {
	list := make([]int, 0, end-first)
	for i := first; i < end; i++ {
		list = append(list, i)
	}
	return list
}

// bringUp logs in the users of these indexes, loginsAtOnce at a time.
func (r *run) bringUp(ctx context.Context, list []int, k kind) (err error) {
	r.kind = k
	quiet := time.NewTimer(loginTime)
	defer quiet.Stop()
	underWay, next, done, all := 0, 0, 0, len(list)
	var text []byte
	for done < all {
		for underWay < loginsAtOnce && next < all {
			i := list[next]
			r.users[i].state.Store(stateLogin)
			if text, err = r.users[i].begin(text[:0]); err != nil {
				return err
			}
			if r.wires[i], err = r.engineOf(i).Attach(&r.users[i]); err != nil {
				return err
			}
			r.wires[i].Send(text)
			underWay++
			next++
		}
		select {
		case ok := <-r.logins:
			underWay--
			if done++; !ok {
				r.result.Failed++
			}
			if done%8192 == 0 {
				quiet.Reset(loginTime)
				r.tell(fmt.Sprintf("%d of %d sessions", done, all))
			}
		case <-quiet.C:
			return fmt.Errorf("inproc: %d logins did not end", underWay)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if r.result.Failed > 0 {
		told := "nothing"
		if p := r.refused.Load(); p != nil {
			told = *p
		}
		return fmt.Errorf("inproc: %d of %d logins failed; the first was told %s", r.result.Failed, all, told)
	}
	return nil
}

// hear has the clients that are online do f with what they get, until the result is
// called.
func (r *run) hear(f func(u *user, p []byte)) (end func()) {
	r.hears.Store(&f)
	return func() { r.hears.Store(nil) }
}

// cpuTime is what this process has used.
func cpuTime() time.Duration { return measure.OwnCPU() }

// version is the commit that the program was built from, if it knows.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return info.Main.Version
}
