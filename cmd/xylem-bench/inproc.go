package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
)

// inproc is the command inproc.
func (p *program) inproc(ctx context.Context, fs *pflag.FlagSet, args []string) (err error) {
	var plan bench.InProcessPlan
	fs.IntSliceVar(&plan.Sizes, "sessions", []int{1000, 10_000, 100_000, 1_000_000}, "numbers of sessions, each in a process of its own")
	fs.StringSliceVar(&plan.Kinds, "kind", []string{bench.KindBare, bench.KindStock},
		"bare: sessions and routing; stock: with all extensions, roster and presence")
	fs.IntVar(&plan.Turns, "turns", 1, "runs of each measurement")
	fs.IntVar(&plan.Settings.Payload, "payload", 350, "bytes of a chat message, tags included")
	fs.IntVar(&plan.Settings.Chains, "chains", 64, "messages in flight, over all sessions")
	fs.DurationVar(&plan.Settings.Duration, "duration", 5*time.Second, "of each window that counts")
	fs.DurationVar(&plan.Settings.Warmup, "warmup", time.Second, "load before each")
	fs.Float64Var(&plan.Settings.Rate, "rate", 1000, "messages per second of users in an open loop, alone, beside logins and beside a flood")
	fs.IntVar(&plan.Settings.Extra, "extra", 100_000, "sessions beside them, of which one in 21 floods those that read nothing; fewer where there are fewer; 0: none of all that")
	fs.Float64Var(&plan.Settings.Flood, "flood", 5000, "messages per second to those who read nothing")
	day := load.Usuals()[load.Mix]
	fs.IntVar(&plan.Settings.Fanout, "fanout", day.Fanout, "contacts of each publisher in mix; 0: no mix")
	fs.Float64Var(&plan.Settings.Online, "online", day.Online, "share of them who are online")
	fs.Float64Var(&plan.Settings.Updates, "update-rate", 0, "updates of presence per second in mix (default: one for ten messages)")
	fs.Float64Var(&plan.Settings.Logins, "login-rate", 0, "logins per second in mix (default: one for fifty messages)")
	fs.IntVar(&plan.Settings.Comers, "comers", day.Extra, "accounts that log in and out in mix")
	fs.IntVar(&plan.Settings.Far, "far", inproc.HotSessions, "sessions at the other server of s2s, at most as many as at the first; 0: no s2s")
	fs.IntVar(&plan.Settings.Held, "held", 3<<20, "`bytes` that the engine may hold for each session: a third unsent, a third unacknowledged, a third stored")
	fs.IntVar(&plan.Settings.Loops, "loops", 0, "event loops (default: one for each core)")
	fs.BoolVar(&plan.Settings.HugePages, "huge-pages", true, "back a heap of more than 48 MiB with huge pages, as xylem serve does")
	fs.StringVar(&plan.CPUs, "cpus", "", "`cores`, as for taskset: 0 or 0-3")
	fs.StringVar(&plan.Note, "note", "", "text for the report")
	json := fs.String("json", "", "`file` for the report as JSON")
	html := fs.String("html", "", "`file` for the report as a page")
	quiet := fs.Bool("quiet", false, "show no progress")
	if err := parse(fs, args, 0, len(load.Scenarios)); err != nil {
		return err
	}
	plan.Settings.Only = fs.Args()
	if !fs.Changed("update-rate") {
		plan.Settings.Updates = plan.Settings.Rate * day.Updates
	}
	if !fs.Changed("login-rate") {
		plan.Settings.Logins = plan.Settings.Rate * day.Logins
	}
	if plan.Self, err = os.Executable(); err != nil {
		return err
	}
	for _, file := range []string{*json, *html} {
		if err := writable(file); err != nil {
			return usageError{err}
		}
	}
	bar := newProgress(ctx, p.stderr, *quiet)
	plan.Watch = bar.show
	rep, err := bench.RunInProcess(ctx, plan)
	bar.end()
	return p.finish("inproc", args, rep, err, *json, *html)
}

// inside is one process of inproc: it is told by its standard input what to
// measure.
func (p *program) inside(ctx context.Context, fs *pflag.FlagSet, args []string) error {
	if err := parse(fs, args, 0, 0); err != nil {
		return err
	}
	return bench.Inside(ctx, p.stdin, p.stdout)
}
