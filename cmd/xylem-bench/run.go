package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/client"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/report"
	"github.com/xylem-im/xylem/bench/target"
)

// runFlags are the flags of run. Those that are lists make one measurement for
// each value.
type runFlags struct {
	plan     bench.Plan
	file     string
	base     load.Settings
	sessions []int
	windows  []int
	security []string
	logins   []string
	groups   []string // key exchanges
	json     string
	html     string
	quiet    bool
	given    func(name string) bool
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	f.given = fs.Changed
	var names []string
	for _, p := range target.Presets() {
		names = append(names, p[0])
	}
	fs.StringSliceVar(&f.plan.Targets, "target", []string{"xylem"},
		"`servers` to measure: "+strings.Join(names, ", ")+", or host:port of one that runs on this machine")
	fs.StringVar(&f.file, "plan", "", "TOML `file` with [[scenario]] tables, instead of scenarios on the command line")
	fs.IntVar(&f.plan.Turns, "turns", 1, "runs of each measurement; targets take turns")
	fs.IntSliceVar(&f.sessions, "sessions", nil, "sessions, a list for several measurements (default by scenario)")
	fs.IntSliceVar(&f.windows, "window", []int{1}, "messages in flight per pair, a list for several measurements")
	fs.StringSliceVar(&f.security, "security", []string{"plain"}, "plain, tls, or both")
	fs.Float64Var(&f.base.Rate, "rate", 0, "messages per second over all: an open loop; 0: a closed one (default by scenario)")
	fs.IntVar(&f.base.Payload, "payload", 350, "bytes of a chat message, tags included")
	fs.DurationVar(&f.base.Duration, "duration", 10*time.Second, "of the window that counts")
	fs.DurationVar(&f.base.Warmup, "warmup", 2*time.Second, "load before it")
	fs.StringVar(&f.base.Mechanism, "mechanism", "", "PLAIN, SCRAM-SHA-1 or SCRAM-SHA-256 (default: the best that is offered)")
	fs.StringSliceVar(&f.logins, "login", []string{client.Classic}, "how to log in: classic, sasl2, fast, resume, or several")
	fs.BoolVar(&f.base.Tickets, "tls-tickets", false, "resume TLS sessions")
	fs.StringSliceVar(&f.groups, "key-exchange", []string{""},
		"`name` of the only key exchange that clients offer in TLS, or several: "+strings.Join(client.KeyExchanges[:], ", ")+" (default: what Go offers)")
	fs.IntVar(&f.base.Parallel, "parallel", 32, "logins under way at once")
	fs.BoolVar(&f.base.FullJID, "full-jid", false, "send chat to full JIDs")
	fs.BoolVar(&f.base.Managed, "stream-management", false, "use XEP-0198")
	fs.IntVar(&f.base.Fanout, "fanout", 0, "presence, mix: contacts of a publisher; roster: contacts of each account (default by scenario)")
	fs.IntVar(&f.base.Messages, "messages", 100, "offline: messages for each recipient")
	fs.IntVar(&f.base.Extra, "extra", 0, "churn, mix: accounts that come and go; slow: clients that stall (default by scenario)")
	fs.Float64Var(&f.base.Flood, "flood", 5000, "slow: messages per second to clients that stall")
	fs.IntVar(&f.base.Held, "held", 1<<20, "slow: bytes that xylem may hold for one of them, when it is started here; 0: as it is by default")

	fs.StringVar(&f.plan.ServerCPUs, "server-cpus", "", "`cores` for servers, as for taskset: 0 or 0-3")
	fs.StringVar(&f.plan.ClientCPUs, "client-cpus", "", "`cores` for generators")
	fs.StringVar(&f.plan.Xylem, "xylem", "", "`binary` of xylem (default: built from this module, or found in PATH)")
	fs.StringVar(&f.plan.Dir, "dir", "", "`folder` for the servers' files (default: a temporary one, removed at the end)")
	fs.StringVar(&f.plan.Domain, "domain", "", "of a running server (default localhost)")
	fs.StringVar(&f.plan.Users.User, "user", "bench%d", "pattern of account names; %d is a number from 0")
	fs.StringVar(&f.plan.Users.Password, "password", "bench", "pattern of passwords")
	fs.IntVar(&f.plan.PID, "pid", 0, "process of a running server, for its CPU and memory")
	fs.BoolVar(&f.plan.DirectTLS, "direct-tls", false, "a running server wants TLS from the first byte")
	fs.BoolVar(&f.plan.Register, "register", false, "make the accounts at a running server (XEP-0077)")
	fs.IntVar(&f.plan.PerGenerator, "per-generator", 0, "sessions of one generator process at most (default: what the limit of open files allows)")
	fs.IntVar(&f.plan.PerAddress, "per-address", 100, "sessions from each source address in 127.0.0.0/8; -1: do not spread")
	fs.DurationVar(&f.plan.Settle, "settle", 2*time.Second, "rest of a server before its memory is read")
	fs.StringVar(&f.plan.Note, "note", "", "text for the report")
	fs.StringVar(&f.json, "json", "", "`file` for the report as JSON")
	fs.StringVar(&f.html, "html", "", "`file` for the report as a page")
	fs.BoolVar(&f.quiet, "quiet", false, "show no progress")
}

// measure is the command run.
func (p *program) measure(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	var f runFlags
	f.register(fs)
	if err := parse(fs, args, 0, 1000); err != nil {
		return err
	}
	if err := f.scenarios(fs, fs.Args()); err != nil {
		return err
	}
	if err := f.plan.Complete(); err != nil {
		return usageError{err}
	}
	if err := f.unused(); err != nil {
		return err
	}
	for _, file := range []string{f.json, f.html} {
		if err := writable(file); err != nil {
			return usageError{err} // now, not after the measurement
		}
	}
	clean, err := f.places(ctx)
	if err != nil {
		return err
	}
	defer clean()
	bar := newProgress(ctx, p.stderr, f.quiet)
	f.plan.Watch = bar.show
	rep, err := bench.Run(ctx, f.plan)
	bar.end()
	return p.finish("run", args, rep, err, f.json, f.html)
}

// finish writes the report of a plan that ended with err.
func (p *program) finish(command string, args []string, rep *report.Report, err error, json, html string) error {
	switch {
	case rep == nil:
		return usageError{err}
	case err != nil && len(rep.Runs) == 0:
		return fmt.Errorf("interrupted; nothing was measured: %w", err)
	}
	rep.Command = append([]string{"xylem-bench", command}, args...)
	if outErr := p.output(rep, json, html); outErr != nil {
		return errors.Join(err, outErr)
	}
	if err != nil {
		return fmt.Errorf("interrupted; the report has what was measured: %w", err)
	}
	return failures(rep)
}

// writable tells whether a report can be written to file, "" being none.
func writable(file string) error {
	if file == "" {
		return nil
	}
	_, missing := os.Stat(file)
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil || missing == nil {
		return err
	}
	return os.Remove(file)
}

// failures is an error when a run of the plan failed.
func failures(rep *report.Report) error {
	n := 0
	for _, run := range rep.Runs {
		if run.Failed != "" {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d runs failed", n, len(rep.Runs))
	}
	return nil
}

// places finds the binaries and makes the folder of the servers. clean removes
// what was made.
func (f *runFlags) places(ctx context.Context) (clean func(), err error) {
	clean = func() {}
	if f.plan.Self, err = os.Executable(); err != nil {
		return nil, err
	}
	if f.plan.Dir == "" {
		if f.plan.Dir, err = os.MkdirTemp("", "xylem-bench-"); err != nil {
			return nil, err
		}
		dir := f.plan.Dir
		clean = func() { _ = os.RemoveAll(dir) } // a temporary folder
	}
	if f.plan.Dir, err = filepath.Abs(f.plan.Dir); err != nil {
		return nil, err
	}
	needed := false
	for _, t := range f.plan.Targets {
		needed = needed || strings.HasPrefix(t, "xylem")
	}
	if needed {
		if f.plan.Xylem, err = findXylem(ctx, f.plan.Xylem, f.plan.Dir); err != nil {
			clean()
			return nil, err
		}
	}
	return clean, nil
}

// findXylem returns the binary given, one built from the module around the
// working directory, or the one in PATH.
func findXylem(ctx context.Context, given, dir string) (string, error) {
	if given != "" {
		if _, err := exec.LookPath(given); err != nil {
			return "", usagef("--xylem: %w", err)
		}
		return filepath.Abs(given)
	}
	if out, err := exec.CommandContext(ctx, "go", "list", "-m").Output(); err == nil &&
		strings.TrimSpace(string(out)) == "github.com/xylem-im/xylem" {
		binary := filepath.Join(dir, "xylem.bin")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/xylem-im/xylem/cmd/xylem").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build xylem: %w: %.1000s", err, out)
		}
		return binary, nil
	}
	binary, err := exec.LookPath("xylem")
	if err != nil {
		return "", usagef("no xylem found; name its binary by --xylem")
	}
	return filepath.Abs(binary)
}

// output writes the report in all forms that were asked for.
func (p *program) output(rep *report.Report, json, html string) error {
	err := rep.Table(p.stdout, columns(p.stdout))
	if json != "" {
		err = errors.Join(err, rep.Write(json))
	}
	if html != "" {
		err = errors.Join(err, rep.WriteHTML(html))
	}
	return err
}

// compare is the command compare.
func (p *program) compare(_ context.Context, fs *pflag.FlagSet, args []string) error {
	if err := parse(fs, args, 2, 2); err != nil {
		return err
	}
	a, err := report.Read(fs.Arg(0))
	if err != nil {
		return err
	}
	b, err := report.Read(fs.Arg(1))
	if err != nil {
		return err
	}
	return report.Compare(p.stdout, a, b, columns(p.stdout))
}

// report is the command report.
func (p *program) report(_ context.Context, fs *pflag.FlagSet, args []string) error {
	html := fs.String("html", "", "`file` for the page")
	if err := parse(fs, args, 1, 1); err != nil {
		return err
	}
	rep, err := report.Read(fs.Arg(0))
	if err != nil {
		return err
	}
	return p.output(rep, "", *html)
}
