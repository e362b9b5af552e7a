package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
)

// insideFlags are the flags of inproc. Those that are lists make one measurement for
// each value.
type insideFlags struct {
	plan       bench.InProcessPlan
	part       bench.InProcessPart
	file       string
	json, html string
	quiet      bool
	given      func(name string) bool
	topics     []topic
}

func (f *insideFlags) register(fs *pflag.FlagSet) {
	f.given = fs.Changed
	for _, t := range []struct {
		title string
		add   func(*insideFlags, *pflag.FlagSet)
	}{
		{"What is measured", (*insideFlags).what},
		{"Of some scenarios", (*insideFlags).some},
		{"What comes of it", (*insideFlags).results},
	} {
		flags := pflag.NewFlagSet(t.title, pflag.ContinueOnError)
		flags.SortFlags = false
		t.add(f, flags)
		fs.AddFlagSet(flags)
		f.topics = append(f.topics, topic{t.title, flags})
	}
}

func (f *insideFlags) what(fs *pflag.FlagSet) {
	s := &f.part.Settings
	fs.StringVar(&f.file, "plan", "", "TOML `file` with [[scenario]] tables, instead of scenarios on the command line")
	fs.IntSliceVar(&f.part.Sizes, "sessions", []int{1000, 10_000, 100_000, 1_000_000}, "numbers of sessions, each in a process of its own")
	fs.StringSliceVar(&f.part.Kinds, "kind", []string{bench.KindBare, bench.KindStock},
		"bare: sessions and routing; stock: with all extensions, roster and presence")
	fs.IntVar(&f.plan.Turns, "turns", 1, "runs of each measurement")
	fs.DurationVar(&s.Duration, "duration", 5*time.Second, "of each window that counts")
	fs.DurationVar(&s.Warmup, "warmup", time.Second, "load before each")
	fs.IntVar(&s.Payload, "payload", 350, "`bytes` of a chat message, tags included")
	fs.IntVar(&s.Loops, "loops", 0, "event loops (default: one for each core)")
	fs.BoolVar(&s.HugePages, "huge-pages", true, "back a heap of more than 48 MiB with huge pages, as xylem serve does")
	fs.StringVar(&f.plan.CPUs, "cpus", "", "`cores`, as for taskset: 0 or 0-3 (default: all)")
	fs.StringVar(&f.part.Name, "name", "", "`text` before the title of each measurement")
}

func (f *insideFlags) some(fs *pflag.FlagSet) {
	s, day := &f.part.Settings, load.Usuals()[load.Mix]
	fs.IntVar(&s.Chains, "chains", 64, "chat, s2s: messages in flight, over all sessions")
	fs.Float64Var(&s.Rate, "rate", 1000, "churn, slow, mix: messages per second of users in an open loop")
	fs.IntVar(&s.Extra, "extra", 100_000, "churn, slow: sessions beside them, of which one in 21 floods those that read nothing; fewer where there are fewer; 0: neither")
	fs.Float64Var(&s.Flood, "flood", 5000, "slow: messages per second to those who read nothing")
	fs.IntVar(&s.Held, "held", 3<<20, "slow: `bytes` that the engine may hold for each session: a third unsent, a third unacknowledged, a third stored")
	fs.IntVar(&s.Fanout, "fanout", day.Fanout, "mix: contacts of each publisher; 0: no mix")
	fs.Float64Var(&s.Online, "online", day.Online, "mix: share of them who are online, to 1")
	fs.Float64Var(&s.Updates, "update-rate", 0, "mix: updates of presence per second (default: one for ten messages)")
	fs.Float64Var(&s.Logins, "login-rate", 0, "mix: logins per second (default: one for 50 messages)")
	fs.IntVar(&s.Comers, "comers", day.Extra, "mix: accounts that log in and out")
	fs.IntVar(&s.Far, "far", inproc.HotSessions, "s2s: sessions at the other server, at most as many as at the first; 0: no s2s")
}

func (f *insideFlags) results(fs *pflag.FlagSet) {
	fs.StringVar(&f.json, "json", "", "`file` for the report as JSON")
	fs.StringVar(&f.html, "html", "", "`file` for the report as a page")
	fs.StringVar(&f.plan.Note, "note", "", "text for the report")
	fs.BoolVar(&f.quiet, "quiet", false, "show no progress")
}

// help is what inproc --help shows.
func (f *insideFlags) help(w io.Writer) {
	fmt.Fprintf(w, `Usage: xylem-bench inproc [SCENARIO…] [flags]
       xylem-bench inproc --plan FILE [flags]

Measures the engine of xylem without sockets, up to a million sessions, in a process
of its own for each size. docs/benchmarking.md says what the figures mean.

  xylem-bench inproc --sessions 1000,100000 --kind stock --html a.html
  xylem-bench inproc chat mix --sessions 1000000
  xylem-bench inproc --plan bench/plans/inproc.toml

Scenarios (without any: all): %s.
All begin with the login of all sessions and the memory that they take.
`, scenarioNames())
	for _, t := range f.topics {
		fmt.Fprintf(w, "\n%s:\n%s", t.title, t.flags.FlagUsagesWrapped(columns(w)))
	}
}

// complete gives what depends on other settings its default: a day's proportions, and the
// kind that has what a scenario needs.
func (f *insideFlags) complete(only []string) {
	s, day := &f.part.Settings, load.Usuals()[load.Mix]
	s.Only = only
	if !f.given("update-rate") {
		s.Updates = s.Rate * day.Updates
	}
	if !f.given("login-rate") {
		s.Logins = s.Rate * day.Logins
	}
	bare := func(scenario string) bool { return !inproc.NeedsStock(scenario) }
	if len(only) > 0 && !f.given("kind") && !slices.ContainsFunc(only, bare) {
		f.part.Kinds = []string{bench.KindStock}
	}
}

// unused refuses what was given on the command line and no part of the plan uses.
func (f *insideFlags) unused() error {
	for _, key := range insideKeys {
		used := func(p bench.InProcessPart) bool { return insideUnused(key, &p.Settings) == "" }
		if f.given(dashed(key)) && !slices.ContainsFunc(f.plan.Parts, used) {
			return usagef("--%s changes nothing: %s", dashed(key), insideUnused(key, &f.plan.Parts[0].Settings))
		}
	}
	return nil
}

// insideUnused says why a setting has no effect on what is measured; "" when it has.
func insideUnused(key string, s *inproc.Settings) string {
	users := inproc.UsedBy(key)
	if len(s.Only) == 0 || slices.ContainsFunc(s.Only, func(name string) bool { return slices.Contains(users, name) }) {
		return ""
	}
	return fmt.Sprintf("%s does not use it; %s", strings.Join(s.Only, ", "), oneOf(users))
}

// inproc is the command inproc.
func (p *program) inproc(ctx context.Context, fs *pflag.FlagSet, args []string) (err error) {
	var f insideFlags
	f.register(fs)
	fs.Usage = func() { f.help(p.stdout) }
	if err := parse(fs, args, 0, len(load.Scenarios)); err != nil {
		return err
	}
	if err := f.parts(fs, fs.Args()); err != nil {
		return err
	}
	if f.given("turns") && f.plan.Turns < 1 {
		return usagef("--turns %d: there is at least one", f.plan.Turns)
	}
	if err := f.unused(); err != nil {
		return err
	}
	if f.plan.Self, err = os.Executable(); err != nil {
		return err
	}
	for _, file := range []string{f.json, f.html} {
		if err := writable(file); err != nil {
			return usageError{err}
		}
	}
	bar := newProgress(ctx, p.stderr, f.quiet)
	f.plan.Watch = bar.show
	rep, err := bench.RunInProcess(ctx, f.plan)
	bar.end()
	return p.finish("inproc", args, rep, err, f.json, f.html)
}

// inside is one process of inproc: it is told by its standard input what to
// measure.
func (p *program) inside(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	if err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	return bench.Inside(ctx, p.stdin, p.stdout)
}
