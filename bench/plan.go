package bench

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/target"
)

// Plan says what to measure.
type Plan struct {
	Targets    []string        // presets of bench/target, or host:port of a running server
	Scenarios  []load.Settings // each is measured for each target
	Turns      int             // runs of each; default 1
	ServerCPUs string          // cores as for taskset; "" is all
	ClientCPUs string

	Dir   string // folder for the servers' files; kept between runs of a plan
	Self  string // binary of xylem-bench: it is the generator and the relay
	Xylem string // binary of xylem, for the preset

	// Of a running server.
	Domain    string          // default: localhost
	Users     client.Accounts // default: bench%d with password bench
	PID       int             // for its CPU and memory; 0: the process that listens, if it can be seen
	DirectTLS bool
	CAFile    string // PEM file of who may sign its certificate; "": it is not checked
	Register  bool   // make the accounts by XEP-0077
	// PerAddress is how many sessions share a source address out of
	// 127.0.0.0/8; default 100, negative: the kernel chooses the address.
	PerAddress int
	// PerGenerator is how many sessions one generator process has at most;
	// default: what the limit of open files allows.
	PerGenerator int

	// Settle is how long a server rests before its memory is read; default 2 s.
	Settle time.Duration

	Note  string
	Watch func(Progress) // called as the work goes on; may be nil

	ca string // text of CAFile
}

// Progress is how far a plan is.
type Progress struct {
	What  string  // names the step; a new name is a new step
	Done  float64 // 0 to 1; negative: cannot be told
	State string  // a few words with figures
}

func (p *Plan) watch(g Progress) {
	if p.Watch != nil {
		p.Watch(g)
	}
}

// Complete sets defaults and refuses what makes no sense. Run does it too.
func (p *Plan) Complete() error {
	p.defaults()
	if len(p.Targets) == 0 || len(p.Scenarios) == 0 {
		return errors.New("a plan needs a target and a scenario")
	}
	for _, t := range p.Targets {
		if !target.IsPreset(t) {
			if err := checkLoopback(t); err != nil {
				return fmt.Errorf("target %w", err)
			}
		}
	}
	if err := p.checkFlags(); err != nil {
		return err
	}
	for flag, cpus := range map[string]string{"server-cpus": p.ServerCPUs, "client-cpus": p.ClientCPUs} {
		if err := checkCPUs(cpus); err != nil {
			return fmt.Errorf("--%s %s: %w", flag, cpus, err)
		}
	}
	if err := p.readCA(); err != nil {
		return fmt.Errorf("--ca-file %s: %w", p.CAFile, err)
	}
	for i := range p.Scenarios {
		if err := p.Check(&p.Scenarios[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Scenarios[i].Scenario, named(err))
		}
	}
	for i, t := range p.Targets {
		if slices.Contains(p.Targets[:i], t) {
			return fmt.Errorf("target %s is named twice", t)
		}
		if !slices.ContainsFunc(p.Scenarios, func(s load.Settings) bool { return can(t, s) }) {
			return fmt.Errorf("target %s has no XMPP and no TLS: it can do chat, presence, login, idle and churn in plaintext", t)
		}
	}
	return nil
}

// defaults gives what is zero its default.
func (p *Plan) defaults() {
	if p.Turns == 0 {
		p.Turns = 1
	}
	if p.Settle == 0 {
		p.Settle = 2 * time.Second
	}
	if p.Domain == "" {
		p.Domain = "localhost"
	}
	if p.Users.User == "" {
		p.Users = client.Accounts{User: "bench%d", Password: "bench"}
	}
	if p.PerAddress == 0 {
		p.PerAddress = 100
	}
	if p.PerGenerator == 0 {
		p.PerGenerator = openFiles() - ownFiles
	}
}

// ownFiles are those that a generator may need beside the connections of its sessions.
const ownFiles = 300

// checkFlags refuses numbers that no plan can have, by the names that they have
// on the command line.
func (p *Plan) checkFlags() error {
	switch {
	case p.Turns < 0:
		return fmt.Errorf("--turns %d: there is at least one", p.Turns)
	case p.Settle < 0:
		return fmt.Errorf("--settle %v: a rest is longer than 0", p.Settle)
	case p.PerAddress < -1:
		return fmt.Errorf("--per-address %d: it is at least 1, or -1 for addresses of the kernel's choice", p.PerAddress)
	case p.PID < 0:
		return fmt.Errorf("--pid %d is no process", p.PID)
	case p.PerGenerator < 2 && p.PerGenerator == openFiles()-ownFiles:
		return fmt.Errorf("a process may open only %d files, and the harness needs %d beside the sessions: raise the limit (ulimit -n %d)", openFiles(), ownFiles, 4*ownFiles)
	case p.PerGenerator < 2:
		return fmt.Errorf("--per-generator %d: a pair of sessions is in one process, so it is at least 2", p.PerGenerator)
	}
	if a, b := p.Users.At(0), p.Users.At(1); a.User == b.User {
		return fmt.Errorf("--user %s: all accounts would have the same name; %%d stands for the number, as in bench%%d", p.Users.User)
	}
	return nil
}

// named puts the name of its flag before a SettingError.
func named(err error) error {
	var s SettingError
	if !errors.As(err, &s) {
		return err
	}
	return fmt.Errorf("--%s: %w", strings.ReplaceAll(s.Key, "_", "-"), err)
}

// atOnce is how many sessions of a scenario are open at once.
func atOnce(s *load.Settings) int {
	if s.Scenario == load.Login || s.Scenario == load.Roster {
		return min(s.Parallel, s.Sessions)
	}
	return s.Sessions + s.Extra
}

// connections is how many of them a server has.
func connections(s *load.Settings) int {
	if s.Scenario == load.S2S {
		return s.Sessions / 2
	}
	return atOnce(s)
}

// accounts is how many the plan needs at most.
func (p *Plan) accounts() (n int) {
	for _, s := range p.Scenarios {
		n = max(n, s.Sessions+s.Extra)
	}
	return n
}
