package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/xylem-im/xylem/bench/client"
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
	if err := p.complete(); err != nil {
		return nil, err
	}
	rep := &report.Report{
		Format: report.Format, Created: time.Now().UTC().Truncate(time.Second), Machine: measure.ThisMachine(),
		Server: p.ServerCPUs, Client: p.ClientCPUs, Versions: map[string]string{}, Order: p.Targets, Note: p.Note,
	}
	for _, s := range p.Scenarios {
		for turn := 1; turn <= p.Turns; turn++ {
			for _, name := range p.Targets {
				if ctx.Err() != nil {
					return rep, context.Cause(ctx)
				}
				if name == "relay" && !relayCan(s) {
					continue // the others have something to show
				}
				r := &run{plan: &p, name: name, turn: turn, report: rep, out: report.Run{Target: name, Turn: turn, Settings: s,
					Figures: map[string]float64{}, Latency: map[string]report.Percentiles{}}}
				if err := r.measure(ctx, s); err != nil {
					if ctx.Err() != nil {
						return rep, context.Cause(ctx)
					}
					r.out.Failed = err.Error()
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
	server *target.Server
	job    load.Job
	fleet  fleet
	counts string // the counter that shows progress
	empty  measure.Memory
	out    report.Run
}

func (r *run) title(step string) string {
	t := fmt.Sprintf("%s: %s, turn %d of %d", r.name, r.out.Settings.Scenario, r.turn, r.plan.Turns)
	if step != "" {
		t += ": " + step
	}
	return t
}

// measure starts the server and the generators, lets the scenario happen and
// stops them.
func (r *run) measure(ctx context.Context, s load.Settings) (err error) {
	if err := r.start(ctx, s); err != nil {
		return err
	}
	defer func() {
		if stopErr := r.server.Stop(); stopErr != nil {
			r.out.Warnings = append(r.out.Warnings, stopErr.Error())
		}
	}()
	r.job = load.Job{
		Settings: s, Address: r.server.Address, Domain: r.server.Domain, DirectTLS: r.server.DirectTLS, Relay: r.server.Relay,
		Accounts: r.plan.Users, PerAddress: max(0, r.plan.PerAddress), Epoch: time.Now().UnixNano(),
	}
	r.job.Run = strconv.FormatInt(r.job.Epoch, 36)
	if r.fleet, err = r.plan.launch(r.job); err != nil {
		return err
	}
	defer func() {
		r.plan.watch(Progress{What: r.title("stopping"), Done: -1})
		r.fleet.stop()
	}()
	// Only now: generators share pages with the relay, which is the same program.
	if err := pause(ctx, r.plan.Settle); err != nil {
		return err
	}
	if r.empty, err = r.memory(); err != nil {
		return err
	}
	return r.scenario(ctx)
}

// relayCan tells what can be done without XMPP.
func relayCan(s load.Settings) bool {
	switch s.Scenario {
	case load.Chat, load.Idle, load.Login, load.Churn:
		return !s.TLS
	}
	return false
}

// start makes sure that there is a server with its accounts.
func (r *run) start(ctx context.Context, s load.Settings) error {
	p := r.plan
	if !target.IsPreset(r.name) {
		return r.external(ctx, s)
	}
	log := func(format string, args ...any) {
		p.watch(Progress{What: r.title("making accounts"), Done: -1, State: fmt.Sprintf(format, args...)})
	}
	p.watch(Progress{What: r.title("starting"), Done: -1})
	var err error
	r.server, err = target.Start(ctx, r.name, target.Settings{
		Dir: p.Dir, TLS: s.TLS, CPUs: p.ServerCPUs, Count: p.accounts(), Users: p.Users, Xylem: p.Xylem, Self: p.Self,
		Payload: s.Payload, Log: log,
	})
	if err == nil {
		r.report.Versions[r.name] = r.server.Version
	}
	return err
}

// external is a server that runs already.
func (r *run) external(ctx context.Context, s load.Settings) error {
	p := r.plan
	r.server = &target.Server{Name: r.name, Address: r.name, Domain: p.Domain, DirectTLS: p.DirectTLS, PID: p.PID}
	if p.PID > 0 {
		exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID)) // only to be shown
		r.report.Versions[r.name] = exe
	}
	if !p.Register {
		return nil
	}
	p.watch(Progress{What: r.title("making accounts"), Done: -1})
	opts := &client.Options{Address: r.name, Domain: p.Domain, DirectTLS: p.DirectTLS}
	if s.TLS {
		opts.TLS = client.TLSConfig(p.Domain)
	}
	return target.Register(ctx, opts, p.Users, 0, p.accounts())
}

// cpu is what the server has used until now; zero if its process is not known.
func (r *run) cpu() measure.CPU {
	if r.server.PID == 0 {
		return measure.CPU{}
	}
	c, _ := measure.ProcessCPU(r.server.PID) // a server that ended breaks all sessions, which is told
	return c
}

func (r *run) memory() (measure.Memory, error) {
	if r.server.PID == 0 {
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
				n := r.fleet.counter(load.CountLogins)
				state := fmt.Sprintf("%d of %d sessions", n, r.job.Sessions)
				if ready := r.fleet.counter(load.CountSetup); ready > 0 {
					state += fmt.Sprintf(", %d subscriptions", ready)
				}
				r.plan.watch(Progress{What: r.title("logging in"), Done: float64(n) / float64(r.job.Sessions), State: state})
			}
		}
	}()
	jobs := r.plan.split(r.job)
	_, err := r.fleet.all(ctx, "connected", func(_ *generator, i int) load.Command {
		return load.Command{Do: "connect", Count: jobs[i].Count * part / of &^ 1}
	})
	return err
}
