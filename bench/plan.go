package bench

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
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
	PID       int             // for its CPU and memory; 0: not measured
	DirectTLS bool
	Register  bool // make the accounts by XEP-0077
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
	if p.PerGenerator <= 0 {
		p.PerGenerator = openFiles() - 300
	}
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
	for flag, cpus := range map[string]string{"server-cpus": p.ServerCPUs, "client-cpus": p.ClientCPUs} {
		if err := checkCPUs(cpus); err != nil {
			return fmt.Errorf("--%s %s: %w", flag, cpus, err)
		}
	}
	for i := range p.Scenarios {
		if err := p.Check(&p.Scenarios[i]); err != nil {
			return fmt.Errorf("%s: %w", p.Scenarios[i].Scenario, err)
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

// UsedBy returns the scenarios that use a setting, named as in a plan file. All
// use those that are not in its list.
func UsedBy(key string) []string {
	switch key {
	case "payload":
		return []string{load.Chat, load.Offline, load.Churn, load.Slow, load.Mix, load.S2S}
	case "full_jid":
		return []string{load.Chat, load.Churn, load.Slow, load.Mix, load.S2S}
	case "window":
		return []string{load.Chat, load.Offline, load.Churn, load.Slow, load.S2S}
	case "rate":
		return []string{load.Chat, load.Presence, load.Churn, load.Slow, load.Mix, load.S2S}
	case "fanout":
		return []string{load.Presence, load.Roster, load.Mix}
	case "messages":
		return []string{load.Offline}
	case "extra":
		return []string{load.Churn, load.Slow, load.Mix}
	case "flood", "held":
		return []string{load.Slow}
	}
	return load.Scenarios[:]
}

// leastHeld is what xylem takes with its largest stanza: half of it, the bytes that
// wait for a socket, must hold two of them.
const leastHeld = 1 << 20

func uses(s *load.Settings, key string) bool { return slices.Contains(UsedBy(key), s.Scenario) }

// reject refuses what makes no sense. What the scenario does not use may be
// anything.
func reject(s *load.Settings) error {
	switch {
	case !slices.Contains(load.Scenarios[:], s.Scenario):
		return badSetting("scenario", "unknown; there are %s", strings.Join(load.Scenarios[:], ", "))
	case s.Sessions < 2:
		return badSetting("sessions", "%d sessions; at least 2 are needed", s.Sessions)
	case uses(s, "payload") && s.Payload < load.MinPayload:
		return badSetting("payload", "a payload of %d bytes; a message has at least %d", s.Payload, load.MinPayload)
	case uses(s, "payload") && s.Payload > 16<<20:
		return badSetting("payload", "a payload of %d bytes; at most 16 MiB are possible", s.Payload)
	case s.Duration <= 0:
		return badSetting("duration", "a duration of %v; it is longer than 0", s.Duration)
	case s.Warmup < 0:
		return badSetting("warmup", "a warm-up of %v; it is 0 or longer", s.Warmup)
	case uses(s, "rate") && !(s.Rate >= 0 && s.Rate <= maxRate):
		return badSetting("rate", "%g messages per second; it is 0 (a closed loop) to %g", s.Rate, float64(maxRate))
	case s.Scenario == load.Mix && s.Rate == 0:
		return badSetting("rate", "0 messages per second; a mix needs a rate")
	case uses(s, "window") && s.Window < 1 && s.Rate == 0:
		return badSetting("window", "%d messages in flight; at least 1 is needed", s.Window)
	case uses(s, "extra") && s.Extra < 0:
		return badSetting("extra", "%d accounts beside; it is 0 or more", s.Extra)
	case s.Scenario == load.Slow && s.Extra < 2:
		return badSetting("extra", "%d clients beside; at least 2 are needed, one to stall and one to flood", s.Extra)
	case uses(s, "flood") && !(s.Flood > 0 && s.Flood <= maxRate):
		return badSetting("flood", "a flood of %g messages per second; it is more than 0, to %g", s.Flood, float64(maxRate))
	case uses(s, "held") && s.Held != 0 && (s.Held < leastHeld || s.Held > 1<<30):
		return badSetting("held", "%d bytes for each client that stalls; it is %d to %d, or 0 for xylem's default", s.Held, leastHeld, 1<<30)
	case uses(s, "messages") && s.Messages < 1:
		return badSetting("messages", "%d messages for each recipient; at least 1 is needed", s.Messages)
	case uses(s, "fanout") && s.Fanout < 1:
		return badSetting("fanout", "%d contacts; at least 1 is needed", s.Fanout)
	case s.Parallel < 1:
		return badSetting("parallel", "%d logins at once; at least 1 is needed", s.Parallel)
	case s.Mechanism != "" && !slices.Contains(client.Mechanisms[:], s.Mechanism):
		return badSetting("mechanism", "no mechanism %q; there are %s", s.Mechanism, strings.Join(client.Mechanisms[:], ", "))
	case s.Login != "" && !slices.Contains(client.Logins[:], s.Login):
		return badSetting("login", "no login by %q; there are %s", s.Login, strings.Join(client.Logins[:], ", "))
	case s.Login != "" && s.Login != client.Classic && !s.TLS:
		return badSetting("login", "login by %s needs TLS (security)", s.Login)
	case s.Exchange != "" && !slices.Contains(client.KeyExchanges[:], s.Exchange):
		return badSetting("key_exchange", "no key exchange %q; there are %s", s.Exchange, strings.Join(client.KeyExchanges[:], ", "))
	}
	return nil
}

// maxRate is more messages per second than any generator makes.
const maxRate = 1e9

// reduce makes what the scenario does not use zero, so that equal measurements
// have equal settings.
func reduce(s *load.Settings) {
	if s.Login == client.Classic {
		s.Login = ""
	}
	if !s.TLS {
		s.Tickets, s.Exchange = false, ""
	}
	if !uses(s, "payload") {
		s.Payload = 0
	}
	if !uses(s, "full_jid") {
		s.FullJID = false
	}
	if !uses(s, "rate") {
		s.Rate = 0
	}
	if !uses(s, "window") || s.Rate > 0 {
		s.Window = 0
	}
	if !uses(s, "fanout") {
		s.Fanout = 0
	}
	if !uses(s, "messages") {
		s.Messages = 0
	}
	if !uses(s, "extra") {
		s.Extra = 0
	}
	if !uses(s, "flood") {
		s.Flood = 0
	}
	if !uses(s, "held") {
		s.Held = 0
	}
}

// arrange rounds the sessions down to whole groups.
func arrange(s *load.Settings) error {
	switch s.Scenario {
	case load.Presence, load.Mix:
		if s.Sessions < s.Fanout+1 {
			return badSetting("sessions", "%d sessions are too few for a publisher with %d contacts", s.Sessions, s.Fanout)
		}
		s.Sessions -= s.Sessions % (s.Fanout + 1)
	case load.S2S:
		if s.Sessions -= s.Sessions % load.Quartet; s.Sessions == 0 {
			return badSetting("sessions", "too few sessions; at least 4 are needed, two at each server")
		}
	default:
		s.Sessions &^= 1
	}
	s.Parallel = min(s.Parallel, s.Sessions+s.Extra) // none logs in twice at once
	return nil
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

// checkCPUs tells whether processes can run on the cores of such a list; "" is all.
func checkCPUs(list string) error {
	if list == "" {
		return nil
	}
	out, err := exec.Command("taskset", "-c", list, "true").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("taskset is needed to choose cores (Debian: util-linux)")
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// checkLoopback refuses an address of another machine. A load generator that
// can be pointed anywhere is a weapon; who measures over a network runs it
// behind a port forward.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		var names []string
		for _, p := range target.Presets() {
			names = append(names, p[0])
		}
		return fmt.Errorf("%s is neither host:port nor one of %s", address, strings.Join(names, ", "))
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return fmt.Errorf("%s is not this machine: load goes to loopback addresses only", address)
		}
	}
	return nil
}
