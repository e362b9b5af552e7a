package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
	"github.com/xylem-im/xylem/bench/target"
)

// Run carries out a plan: for each scenario as many turns as asked for, and in
// each turn all targets one after the other, so that what changes in the
// machine meanwhile changes all of them. A run that fails is part of the
// report; the error is for what stops the whole. When ctx ends, Run returns
// what it has with ctx's error.
func Run(ctx context.Context, p Plan) (*report.Report, error) {
	if err := p.Complete(); err != nil {
		return nil, err
	}
	undo, err := p.stay()
	if err != nil {
		return nil, err
	}
	defer undo()
	rep := &report.Report{
		Format: report.Format, Created: time.Now().UTC().Truncate(time.Second), Machine: measure.ThisMachine(p.Dir), Harness: version(),
		Server: p.ServerCPUs, Client: p.ClientCPUs, Versions: map[string]string{}, Configurations: map[string][]string{}, Order: p.Targets, Note: p.Note,
		Remarks: slices.Concat(p.leftOut(), p.sharedCores()),
	}
	for _, s := range p.Scenarios {
		for turn := 1; turn <= p.Turns; turn++ {
			for _, name := range p.Targets {
				if ctx.Err() != nil {
					return rep, context.Cause(ctx)
				}
				if !can(name, s) {
					continue // leftOut says so
				}
				r := &run{plan: &p, name: name, turn: turn, report: rep, out: report.Run{Target: name, Turn: turn, Settings: s,
					Figures: map[string]float64{}, Latency: map[string]report.Percentiles{}}}
				if err := r.measure(ctx, s); err != nil {
					if ctx.Err() != nil {
						return rep, context.Cause(ctx)
					}
					r.out.Failed = err.Error()
					if !target.IsPreset(name) {
						r.out.Failed += p.remedy(r.out.Failed)
					}
				}
				rep.Runs = append(rep.Runs, r.out)
			}
		}
	}
	return rep, nil
}

// run is one measurement.
type run struct {
	plan   *Plan
	name   string
	turn   int
	report *report.Report
	server *target.Server // where sessions log in
	second *target.Server // s2s: and half of them here; nil: there is one server
	job    load.Job
	fleet  fleet
	counts string // the counter that shows progress
	empty  measure.Memory
	out    report.Run
}

func (r *run) title(step string) string {
	t := r.name + ": " + r.out.Settings.Scenario
	if r.plan.Turns > 1 {
		t += fmt.Sprintf(", turn %d of %d", r.turn, r.plan.Turns)
	}
	if step != "" {
		t += ": " + step
	}
	return t
}

// measure starts the server and the generators, lets the scenario happen and
// stops them.
func (r *run) measure(ctx context.Context, s load.Settings) (err error) {
	if err := r.room(s); err != nil {
		return err
	}
	if err := r.start(ctx, s); err != nil {
		return err
	}
	defer func() {
		for _, server := range r.servers() {
			if stopErr := server.Stop(); stopErr != nil {
				r.out.Warnings = append(r.out.Warnings, stopErr.Error())
			}
		}
	}()
	defer func() {
		for _, server := range r.servers() {
			if ended := server.Ended(); ended != nil && ctx.Err() == nil {
				err = ended // whatever else went wrong came of it
			}
		}
	}()
	r.job = load.Job{
		Settings: s, Address: r.server.Address, Domain: r.server.Domain, DirectTLS: r.server.DirectTLS, Relay: r.server.Relay,
		CA: r.plan.ca, Accounts: r.plan.Users, PerAddress: max(0, r.plan.PerAddress), Epoch: time.Now().UnixNano(),
	}
	if r.second != nil {
		r.job.Other = &load.Place{Address: r.second.Address, Domain: r.second.Domain}
	}
	r.job.Run = strconv.FormatInt(r.job.Epoch, 36)
	if r.fleet, err = r.plan.launch(r.job); err != nil {
		return err
	}
	if n := len(r.fleet); n > 1 {
		r.set(report.Generators, float64(n))
	}
	defer func() {
		r.plan.watch(Progress{What: r.title("stopping"), Done: -1})
		r.fleet.stop()
	}()
	if !r.known() {
		r.out.Warnings = append(r.out.Warnings, "the server's process is not known (--pid names it), so neither its CPU nor its memory was read")
	}
	// Only now: generators share pages with the relay, which is the same program.
	if err := measure.Pause(ctx, r.plan.Settle); err != nil {
		return err
	}
	if r.empty, err = r.memory(); err != nil {
		return err
	}
	return r.scenario(ctx)
}

// room tells whether the server may have as many connections as it will get,
// and whether generators can be had that may have them.
func (r *run) room(s load.Settings) error {
	if together := unit(&s); together > r.plan.PerGenerator {
		return fmt.Errorf("%d sessions belong together in one generator process, which may have %d (ulimit -n, --per-generator)",
			together, r.plan.PerGenerator)
	}
	const own = 200 // files that a server opens for itself
	limit := openFiles()
	if !target.IsPreset(r.name) {
		pid := r.plan.process(r.name)
		if pid == 0 {
			return nil // not known
		}
		var err error
		if limit, err = measure.OpenFiles(pid); err != nil {
			return fmt.Errorf("--pid %d: %w", pid, err)
		}
	}
	if n := connections(&s); n+own > limit {
		return fmt.Errorf("the server would have %d connections, but may open only %d files: raise the limit before it starts (ulimit -n %d), or measure fewer sessions",
			n, limit, n+own)
	}
	return nil
}

// relayCan tells what can be done without XMPP.
func relayCan(s load.Settings) bool {
	switch s.Scenario {
	case load.Chat, load.Idle, load.Login, load.Churn, load.Presence:
		return !s.TLS
	}
	return false
}

// can tells whether a scenario can be asked of a target.
func can(name string, s load.Settings) bool { return name != relayTarget || relayCan(s) }

// relayTarget is the preset without XMPP.
const relayTarget = "relay"

// leftOut says what of the plan is not measured.
func (p *Plan) leftOut() (list []string) {
	for _, name := range p.Targets {
		var left []string
		for _, s := range p.Scenarios {
			what := s.Scenario
			if s.TLS {
				what += " (TLS)"
			}
			if !can(name, s) && !slices.Contains(left, what) {
				left = append(left, what)
			}
		}
		if len(left) > 0 {
			list = append(list, fmt.Sprintf("%s has no XMPP and no TLS, so it was left out of %s", name, strings.Join(left, ", ")))
		}
	}
	return list
}

// start makes sure that there is a server with its accounts.
func (r *run) start(ctx context.Context, s load.Settings) error {
	p := r.plan
	switch {
	case !target.IsPreset(r.name) && s.Scenario == load.S2S:
		return errors.New("two servers are needed, and the harness can only start its presets twice")
	case !target.IsPreset(r.name):
		return r.external(ctx, s)
	}
	log := func(format string, args ...any) {
		p.watch(Progress{What: r.title("making accounts"), Done: -1, State: fmt.Sprintf(format, args...)})
	}
	p.watch(Progress{What: r.title("starting"), Done: -1})
	settings := target.Settings{
		Dir: p.Dir, TLS: s.TLS, CPUs: p.ServerCPUs, Count: p.accounts(), Users: p.Users, Xylem: p.Xylem, Self: p.Self,
		Payload: s.Payload, Held: s.Held, Carbons: s.Devices > 0, Log: log,
	}
	var err error
	if s.Scenario == load.S2S {
		r.server, r.second, err = target.StartPair(ctx, r.name, settings)
	} else {
		r.server, err = target.Start(ctx, r.name, settings)
	}
	if err == nil {
		r.report.Versions[r.name] = r.server.Version
		for _, server := range r.servers() {
			r.report.Configured(r.name, server.Configuration)
		}
	}
	return err
}

// servers are those that this run uses.
func (r *run) servers() []*target.Server {
	if r.second != nil {
		return []*target.Server{r.server, r.second}
	}
	return []*target.Server{r.server}
}

// known tells whether something can be measured from outside.
func (r *run) known() bool { return r.server.PID != 0 }

// cpus is what each server has used until now; zero if its process is not
// known.
func (r *run) cpus() (list []measure.CPU) {
	for _, server := range r.servers() {
		var c measure.CPU
		if server.PID != 0 {
			c, _ = measure.ProcessCPU(server.PID) // a server that ended breaks all sessions, which is told
		}
		list = append(list, c)
	}
	return list
}

func total(list []measure.CPU) (sum measure.CPU) {
	for _, c := range list {
		sum.User += c.User
		sum.System += c.System
	}
	return sum
}

// memory is that of the first server: two run only where memory is no figure.
func (r *run) memory() (measure.Memory, error) {
	if !r.known() {
		return measure.Memory{}, nil
	}
	return measure.ProcessMemory(r.server.PID)
}

// connect brings the sessions up to a share of what the job has.
func (r *run) connect(ctx context.Context, part, of int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, workTime, fmt.Errorf("logins did not end in %v", workTime))
	defer cancel()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-watching.Done():
				return
			case <-tick.C:
				n, all := r.fleet.counter(load.CountLogins), r.job.Sessions
				if r.job.Scenario == load.Slow {
					all += r.job.Extra
				}
				state := fmt.Sprintf("%d of %d sessions", n, all)
				if len(r.fleet) > 1 {
					state += fmt.Sprintf(" from %d generators", len(r.fleet))
				}
				if ready := r.fleet.counter(load.CountSetup); ready > 0 {
					state += fmt.Sprintf(", %d subscriptions", ready)
				}
				r.plan.watch(Progress{What: r.title("logging in"), Done: float64(n) / float64(all), State: state})
			}
		}
	}()
	jobs := r.plan.split(r.job)
	_, err := r.fleet.all(ctx, "connected", func(_ *generator, i int) load.Command {
		return load.Command{Do: "connect", Count: jobs[i].Count * part / of &^ 1}
	})
	return err
}
