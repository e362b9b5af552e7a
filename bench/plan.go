package bench

import (
	"errors"
	"fmt"
	"net"
	"slices"
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
	PID       int             // for its CPU and memory; 0: not measured
	DirectTLS bool
	Register  bool // make the accounts by XEP-0077
	// PerAddress is how many sessions share a source address out of
	// 127.0.0.0/8; default 100, negative: the kernel chooses the address.
	PerAddress int
	MaxFiles   int // sessions of one generator process; default: by the limit of open files

	// Settle is how long a server rests before its memory is read; default 2 s.
	Settle time.Duration

	Note  string
	Watch func(Progress) // called as the work goes on; may be nil
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
	if p.MaxFiles == 0 {
		p.MaxFiles = openFiles() - 300
	}
	if len(p.Targets) == 0 || len(p.Scenarios) == 0 {
		return errors.New("a plan needs a target and a scenario")
	}
	for _, t := range p.Targets {
		if !target.IsPreset(t) {
			if err := CheckLoopback(t); err != nil {
				return err
			}
		}
	}
	for i := range p.Scenarios {
		if err := p.Check(&p.Scenarios[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Scenarios[i].Scenario, err)
		}
	}
	return nil
}

// A SettingError is about one of load.Settings.
type SettingError struct {
	Key     string // as in a plan file and, with dashes, on the command line
	Problem string
}

func (e SettingError) Error() string { return e.Problem }

func badSetting(key, format string, args ...any) error {
	return SettingError{key, fmt.Sprintf(format, args...)}
}

// Check completes the settings of a scenario. The error is a SettingError.
func (p *Plan) Check(s *load.Settings) error {
	if err := reject(s); err != nil {
		return err
	}
	reduce(s)
	return arrange(s)
}

// reject refuses what makes no sense in any scenario.
func reject(s *load.Settings) error {
	writes := !slices.Contains([]string{load.Idle, load.Login, load.Roster, load.Resume, load.Presence}, s.Scenario)
	switch {
	case !slices.Contains(load.Scenarios[:], s.Scenario):
		return badSetting("scenario", "unknown; there are %v", load.Scenarios)
	case s.Sessions < 2:
		return badSetting("sessions", "%d sessions; at least 2 are needed", s.Sessions)
	case writes && s.Payload < load.MinPayload:
		return badSetting("payload", "a payload of %d bytes; a message has at least %d", s.Payload, load.MinPayload)
	case s.Payload > 16<<20:
		return badSetting("payload", "a payload of %d bytes; at most 16 MiB are possible", s.Payload)
	case s.Duration <= 0:
		return badSetting("duration", "no duration")
	case s.Warmup < 0:
		return badSetting("warmup", "a warm-up of %v", s.Warmup)
	case writes && s.Window < 1 && s.Rate == 0:
		return badSetting("window", "%d messages in flight; at least 1 is needed", s.Window)
	case s.Rate < 0:
		return badSetting("rate", "%g messages per second; 0 is a closed loop", s.Rate)
	case s.Extra < 0:
		return badSetting("extra", "%d accounts beside", s.Extra)
	case s.Scenario == load.Slow && s.Extra < 2:
		return badSetting("extra", "%d accounts are not enough to stall and to flood", s.Extra)
	case s.Scenario == load.Offline && s.Messages < 1:
		return badSetting("messages", "%d messages for each recipient", s.Messages)
	case s.Parallel < 1:
		return badSetting("parallel", "%d logins at once", s.Parallel)
	case s.Login != "" && !slices.Contains(client.Logins[:], s.Login):
		return badSetting("login", "no login by %q; there are %v", s.Login, client.Logins)
	case s.Login != "" && s.Login != client.Classic && !s.TLS:
		return badSetting("login", "login by %s needs --security tls", s.Login)
	case s.Exchange != "" && !slices.Contains(client.KeyExchanges[:], s.Exchange):
		return badSetting("key_exchange", "key exchange %q; there are %v", s.Exchange, client.KeyExchanges)
	}
	return nil
}

// reduce makes what the scenario does not use zero, so that equal measurements
// have equal settings.
func reduce(s *load.Settings) {
	if s.Login == client.Classic {
		s.Login = ""
	}
	if !s.TLS {
		s.Tickets, s.Exchange = false, ""
	}
	uses := func(scenarios ...string) bool { return slices.Contains(scenarios, s.Scenario) }
	if !uses(load.Presence, load.Mix, load.Roster) {
		s.Fanout = 0
	}
	if !uses(load.Churn, load.Slow, load.Mix) {
		s.Extra = 0
	}
	if !uses(load.Slow) {
		s.Flood = 0
	}
	if !uses(load.Offline) {
		s.Messages = 0
	}
	if uses(load.Idle, load.Login, load.Roster, load.Resume, load.Offline) {
		s.Rate = 0
	}
	if uses(load.Idle, load.Login, load.Roster, load.Resume, load.Presence) {
		s.Payload, s.Window = 0, 0
	}
	if s.Rate > 0 {
		s.Window = 0
	}
}

// arrange rounds the sessions down to whole groups.
func arrange(s *load.Settings) error {
	switch s.Scenario {
	case load.Presence, load.Mix:
		if s.Fanout < 1 || s.Sessions < s.Fanout+1 {
			return badSetting("sessions", "%d sessions are too few for a publisher with %d contacts", s.Sessions, s.Fanout)
		}
		s.Sessions -= s.Sessions % (s.Fanout + 1)
		if s.Scenario == load.Mix && s.Rate <= 0 {
			return badSetting("rate", "needs a rate")
		}
	case load.S2S:
		if s.Sessions -= s.Sessions % load.Quartet; s.Sessions == 0 {
			return badSetting("sessions", "needs at least 4 sessions, two at each server")
		}
	default:
		s.Sessions &^= 1
	}
	return nil
}

// connections is how many a server of the scenario has at once.
func connections(s *load.Settings) int {
	switch s.Scenario {
	case load.Login, load.Roster:
		return min(s.Parallel, s.Sessions)
	case load.S2S:
		return s.Sessions / 2
	}
	return s.Sessions + s.Extra
}

// accounts is how many the plan needs at most.
func (p *Plan) accounts() (n int) {
	for _, s := range p.Scenarios {
		n = max(n, s.Sessions+s.Extra)
	}
	return n
}

// CheckLoopback refuses an address of another machine. A load generator that
// can be pointed anywhere is a weapon; who measures over a network runs it
// behind a port forward.
func CheckLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is neither a preset nor host:port", address)
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return fmt.Errorf("%s is not this machine: load goes to loopback addresses only", address)
		}
	}
	return nil
}
