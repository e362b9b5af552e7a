package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/target"
)

// scenarios makes the plan's measurements out of the command line or the file.
func (f *runFlags) scenarios(fs *pflag.FlagSet, names []string) error {
	if f.file != "" {
		if len(names) > 0 {
			return usagef("scenarios are in %s or on the command line, not both", f.file)
		}
		return f.readPlan(fs)
	}
	if len(names) == 0 {
		return usagef("no scenario given; there are %s", scenarioNames())
	}
	for _, name := range names {
		u, ok := load.Usuals()[name]
		if !ok {
			return usagef("unknown scenario %q; there are %s", name, scenarioNames())
		}
		if err := f.expand(name, u); err != nil {
			return err
		}
	}
	return nil
}

// unused refuses what was given on the command line and changes nothing: the
// plan, which is complete, has no scenario that uses it.
func (f *runFlags) unused() error {
	for _, key := range planKeys {
		name := strings.ReplaceAll(key, "_", "-")
		if !f.given(name) || slices.ContainsFunc(f.plan.Scenarios, func(s load.Settings) bool { return unused(key, &s) == "" }) {
			continue
		}
		return usagef("--%s changes nothing: %s", name, unused(key, &f.plan.Scenarios[0]))
	}
	return nil
}

// unusedOfServers refuses what was given on the command line and is for another
// kind of server than those of the plan.
func (f *runFlags) unusedOfServers() error {
	running := 0
	for _, t := range f.plan.Targets {
		if !target.IsPreset(t) {
			running++
		}
	}
	tls := slices.ContainsFunc(f.plan.Scenarios, func(s load.Settings) bool { return s.TLS })
	for _, name := range []string{"domain", "register", "direct-tls", "ca-file", "pid"} {
		switch {
		case !f.given(name):
		case running == 0:
			return usagef("--%s changes nothing: no target is a server that runs already, as 127.0.0.1:5222", name)
		case !tls && (name == "direct-tls" || name == "ca-file"):
			return usagef("--%s changes nothing: there is no TLS; --security tls asks for it", name)
		case name == "pid" && running > 1:
			return usagef("--pid is one process, but %d servers run already; without it each is found by its address, if it can be seen", running)
		}
	}
	return nil
}

// unused says why a setting has no effect in a measurement; "" when it has.
func unused(key string, s *load.Settings) string {
	users := bench.UsedBy(key)
	switch {
	case !slices.Contains(users, s.Scenario):
		return fmt.Sprintf("%s does not use it; %s", s.Scenario, oneOf(users))
	case key == "window" && s.Rate > 0:
		return fmt.Sprintf("a window is for a closed loop, and %s has a rate of %g/s; a rate of 0 asks for a closed loop", s.Scenario, s.Rate)
	case !s.TLS && (key == "tls_tickets" || key == "key_exchange"):
		return "there is no TLS; security asks for it"
	}
	return ""
}

// oneOf says who does.
func oneOf(names []string) string {
	if len(names) == 1 {
		return names[0] + " does"
	}
	return strings.Join(names, ", ") + " do"
}

func scenarioNames() string { return strings.Join(load.Scenarios[:], ", ") }

// expand adds one measurement for each combination of the lists.
func (f *runFlags) expand(name string, u load.Usual) error {
	s := f.base
	s.Scenario = name
	if !f.given("rate") {
		s.Rate = u.Rate
	}
	if !f.given("extra") {
		s.Extra = u.Extra
	}
	if !f.given("online") {
		s.Online = u.Online
	}
	if !f.given("update-rate") {
		s.Updates = s.Rate * u.Updates
	}
	if !f.given("login-rate") && s.Extra > 0 {
		s.Logins = s.Rate * u.Logins
	}
	sessions, windows := f.sessions, f.windows
	if len(sessions) == 0 {
		sessions = []int{u.Sessions}
	}
	if u.Window > 0 && !f.given("window") {
		windows = []int{u.Window}
	}
	if len(f.exchanges) == 0 {
		f.exchanges = []string{""}
	}
	if len(f.logins) == 0 {
		f.logins = []string{client.Classic}
	}
	if len(f.security) == 0 {
		f.security = []string{""} // refused below
	}
	for _, security := range f.security {
		if !slices.Contains([]string{"plain", "tls"}, security) {
			return usagef("--security is plain or tls, not %q", security)
		}
		for _, s.Sessions = range sessions {
			if s.Fanout = f.base.Fanout; s.Fanout == 0 {
				s.Fanout = u.Fanout
				if name != load.Roster { // where contacts need not be there
					s.Fanout = min(s.Fanout, s.Sessions-1)
				}
			}
			for _, s.Window = range windows {
				for _, s.Login = range f.logins {
					for _, s.Exchange = range f.exchanges {
						s.TLS = security == "tls"
						if !slices.Contains(f.plan.Scenarios, s) {
							f.plan.Scenarios = append(f.plan.Scenarios, s)
						}
					}
				}
			}
		}
	}
	return nil
}
