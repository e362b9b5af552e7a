package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/target"
)

// runFlags are the flags of run. Those that are lists make one measurement for
// each value.
type runFlags struct {
	plan      bench.Plan
	file      string
	base      load.Settings
	sessions  []int
	windows   []int
	security  []string
	logins    []string
	exchanges []string // of keys
	json      string
	html      string
	quiet     bool
	given     func(name string) bool
	topics    []topic
}

// topic is the flags about one thing, as the help shows them.
type topic struct {
	title string
	flags *pflag.FlagSet
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	f.given = fs.Changed
	for _, t := range []struct {
		title string
		add   func(*runFlags, *pflag.FlagSet)
	}{
		{"What is measured", (*runFlags).what},
		{"How clients log in", (*runFlags).clients},
		{"Of some scenarios", (*runFlags).some},
		{"Cores, files and processes", (*runFlags).places},
		{"A server that runs already", (*runFlags).running},
		{"What comes of it", (*runFlags).results},
	} {
		flags := pflag.NewFlagSet(t.title, pflag.ContinueOnError)
		flags.SortFlags = false
		t.add(f, flags)
		fs.AddFlagSet(flags)
		f.topics = append(f.topics, topic{t.title, flags})
	}
}

func (f *runFlags) what(fs *pflag.FlagSet) {
	var names []string
	for _, p := range target.Presets() {
		names = append(names, p[0])
	}
	fs.StringSliceVar(&f.plan.Targets, "target", []string{"xylem"},
		"`servers`, a list: "+strings.Join(names, ", ")+", or host:port of one that runs on this machine")
	fs.StringVar(&f.file, "plan", "", "TOML `file` with [[scenario]] tables, instead of scenarios on the command line")
	fs.IntVar(&f.plan.Turns, "turns", 1, "runs of each measurement; targets take turns")
	fs.IntSliceVar(&f.sessions, "sessions", nil, "sessions, a list for several measurements (default by scenario)")
	fs.StringSliceVar(&f.security, "security", []string{"plain"}, "plain, tls, or both")
	fs.IntSliceVar(&f.windows, "window", []int{1}, "closed loop: messages in flight per pair, a list for several measurements")
	fs.Float64Var(&f.base.Rate, "rate", 0, "open loop: messages per second over all; 0: a closed one (default by scenario)")
	fs.IntVar(&f.base.Payload, "payload", 350, "`bytes` of a chat message, tags included")
	fs.StringVar(&f.base.Content, "content", "", "`XML` in each chat message, behind the body")
	fs.BoolVar(&f.base.FullJID, "full-jid", false, "send chat to full JIDs")
	fs.DurationVar(&f.base.Duration, "duration", 10*time.Second, "of the window that counts")
	fs.DurationVar(&f.base.Warmup, "warmup", 2*time.Second, "load before it")
	fs.StringVar(&f.base.Name, "name", "", "`text` before the title of each measurement")
}

func (f *runFlags) clients(fs *pflag.FlagSet) {
	fs.StringVar(&f.base.Mechanism, "mechanism", "", "PLAIN, SCRAM-SHA-1 or SCRAM-SHA-256 (default: the best that is offered)")
	fs.StringSliceVar(&f.logins, "login", []string{client.Classic}, "how: "+strings.Join(client.Logins[:], ", ")+", or several")
	fs.IntVar(&f.base.Parallel, "parallel", 32, "logins under way at once")
	fs.BoolVar(&f.base.Managed, "stream-management", false, "use XEP-0198")
	fs.IntVar(&f.base.Devices, "devices", 0, "chat: sessions of each account, all with carbons (XEP-0280); 0: one without")
	fs.BoolVar(&f.base.Tickets, "tls-tickets", false, "resume TLS sessions")
	fs.StringSliceVar(&f.exchanges, "key-exchange", []string{""},
		"`name` of the only key exchange that clients offer in TLS, or several: "+strings.Join(client.KeyExchanges[:], ", ")+" (default: what Go offers)")
}

func (f *runFlags) some(fs *pflag.FlagSet) {
	fs.IntVar(&f.base.Fanout, "fanout", 0, "presence, mix: contacts of a publisher; roster: contacts of each account (default by scenario)")
	fs.IntVar(&f.base.Messages, "messages", 100, "offline: messages for each recipient")
	fs.IntVar(&f.base.Extra, "extra", 0, "churn, mix: accounts that come and go; slow: clients that stall (default by scenario)")
	fs.Float64Var(&f.base.Logins, "login-rate", 0, "churn, mix: logins per second; 0: in churn without a pause, in mix none (default in mix: one for 50 messages)")
	fs.Float64Var(&f.base.Updates, "update-rate", 0, "mix: updates of presence per second, over all (default: one for ten messages)")
	fs.Float64Var(&f.base.Online, "online", 0, "mix: share of a publisher's contacts who are online, to 1 (default 0.2)")
	fs.Float64Var(&f.base.Flood, "flood", 5000, "slow: messages per second to clients that stall")
	fs.IntVar(&f.base.Held, "held", 1<<20, "slow: `bytes` that xylem may hold for one of them, when it is started here; 0: as it is by default")
}

func (f *runFlags) places(fs *pflag.FlagSet) {
	fs.StringVar(&f.plan.ServerCPUs, "server-cpus", "", "`cores` for servers, as for taskset: 0 or 0-3 (default: all)")
	fs.StringVar(&f.plan.ClientCPUs, "client-cpus", "", "`cores` for generators (default: all)")
	fs.StringVar(&f.plan.Xylem, "xylem", "", "`binary` of xylem (default: built from this module, or found in PATH)")
	fs.StringVar(&f.plan.Dir, "dir", "", "`folder` for the servers' files (default: a temporary one, removed at the end)")
	fs.DurationVar(&f.plan.Settle, "settle", 2*time.Second, "rest of a server before its memory is read")
	fs.IntVar(&f.plan.PerGenerator, "per-generator", 0, "sessions of one generator process at most (default: what the limit of open files allows)")
	fs.IntVar(&f.plan.PerAddress, "per-address", 100, "sessions from each source address in 127.0.0.0/8; -1: do not spread")
}

func (f *runFlags) running(fs *pflag.FlagSet) {
	fs.StringVar(&f.plan.Domain, "domain", "", "that it serves (default localhost)")
	fs.StringVar(&f.plan.Users.User, "user", "bench%d", "`pattern` of account names; %d is a number from 0 (also for servers that are started here)")
	fs.StringVar(&f.plan.Users.Password, "password", "bench", "`pattern` of passwords, with or without %d")
	fs.BoolVar(&f.plan.Register, "register", false, "make the accounts (XEP-0077)")
	fs.BoolVar(&f.plan.DirectTLS, "direct-tls", false, "it wants TLS from the first byte, instead of STARTTLS")
	fs.StringVar(&f.plan.CAFile, "ca-file", "", "PEM `file` of who may sign its certificate (default: it is not checked)")
	fs.IntVar(&f.plan.PID, "pid", 0, "its `process`, for CPU and memory (default: the one that listens at the address, if that can be seen)")
}

func (f *runFlags) results(fs *pflag.FlagSet) {
	fs.StringVar(&f.json, "json", "", "`file` for the report as JSON")
	fs.StringVar(&f.html, "html", "", "`file` for the report as a page")
	fs.StringVar(&f.plan.Note, "note", "", "text for the report")
	fs.BoolVar(&f.quiet, "quiet", false, "show no progress")
}

// help is what run --help shows.
func (f *runFlags) help(w io.Writer) {
	fmt.Fprint(w, `Usage: xylem-bench run SCENARIO… [flags]
       xylem-bench run --plan FILE [flags]

Measures servers on this machine: starts them, makes traffic, and shows what they
used. docs/benchmarking.md says what the figures mean.

  xylem-bench run chat --target relay,xylem
  xylem-bench run chat login idle --target relay,xylem,prosody,ejabberd --security plain,tls \
      --server-cpus 0 --client-cpus 1 --turns 5 --json a.json --html a.html
  xylem-bench run chat --target 127.0.0.1:5222 --domain example.org --security tls --register

Scenarios:
`)
	for _, name := range load.Scenarios {
		fmt.Fprintf(w, "  %-10s %s\n", name, load.Usuals()[name].About)
	}
	for _, t := range f.topics {
		fmt.Fprintf(w, "\n%s:\n%s", t.title, t.flags.FlagUsagesWrapped(columns(w)))
	}
}
