package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/xylem-im/xylem/bench"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/report"
	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/xep/standard"
)

// Each plan in bench/plans is measured, with fewer sessions and shorter.
func TestExamplePlans(t *testing.T) {
	files, err := filepath.Glob("../../bench/plans/*.toml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d plans: %v", len(files), err)
	}
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register, AllowPlaintext: true,
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}, Certificates: anyName{testca.New(t, "authority").For(t, "localhost")}})
	const accounts = 50
	for i := range accounts {
		s.AddUser(fmt.Sprintf("bench%d@localhost", i), "bench")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Base(file) == inProcessPlan {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			plan := examplePlan(t, file)
			plan.Self, plan.Targets, plan.Settle = self, []string{s.Addrs()[0].Addr.String()}, time.Millisecond
			for i := range plan.Scenarios {
				smaller(&plan.Scenarios[i])
			}
			rep, err := bench.Run(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range rep.Runs {
				what := run.Settings.Name
				if run.Failed != "" || what == "" {
					t.Errorf("%s: %s", report.Title(run.Settings), run.Failed)
				}
				for _, fault := range []string{report.Lost, report.Reordered, report.Errors, report.Broken} {
					if run.Figures[fault] != 0 {
						t.Errorf("%s: %s is %v: %v", what, fault, run.Figures[fault], run.Warnings)
					}
				}
			}
		})
	}
}

// inProcessPlan is the example for inproc.
const inProcessPlan = "inproc.toml"

// The plan for one process is measured likewise.
func TestExampleInProcess(t *testing.T) {
	plan, err := insidePlan("../../bench/plans/"+inProcessPlan, "--turns", "1")
	if err != nil {
		t.Fatal(err)
	}
	if plan.Self, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	for i := range plan.Parts {
		part := &plan.Parts[i]
		for j := range part.Sizes {
			part.Sizes[j] = 100 + 50*j
		}
		s := &part.Settings
		s.Duration, s.Warmup, s.Fanout = 200*time.Millisecond, 0, 4
		s.Rate, s.Updates, s.Logins, s.Flood = 100, 20, 20, 500
		if err := part.Check(); err != nil {
			t.Fatal(err)
		}
	}
	rep, err := bench.RunInProcess(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		title, has, hasNot string
	}{
		{"growth: in one process (chat, resume), 100 sessions, 64 messages in flight", report.ResumesPerSec, report.MixPerSec},
		{"growth: in one process (chat, resume), 150 sessions, 64 messages in flight", report.CPUGrowth, report.BesideP99},
		{"growth: in one process (chat, resume), 200 sessions, 64 messages in flight", report.CPUPerMessage, report.FloodRatio},
		{"office: in one process (mix; 200 who come and go), 100 sessions", report.MixPerSec, report.CPUPerMessage},
		{"overload: in one process (slow), 100 sessions; 100/s beside 26 and a flood of 500/s", report.BesideP99, report.MixPerSec},
	} {
		if i >= len(rep.Runs) {
			t.Fatalf("%d runs", len(rep.Runs))
		}
		run := rep.Runs[i]
		_, has := run.Figures[want.has]
		_, hasNot := run.Figures[want.hasNot]
		if title := report.Title(run.Settings); run.Failed != "" || run.Target != bench.KindStock && run.Settings.Name != "overload" || title != want.title || !has || hasNot {
			t.Errorf("%s, %q, %s: %v %v", run.Target, title, run.Failed, run.Figures, run.Warnings)
		}
	}
}

// insidePlan reads a plan as the command line of inproc does.
func insidePlan(file string, args ...string) (bench.InProcessPlan, error) {
	var f insideFlags
	fs := pflag.NewFlagSet("inproc", pflag.ContinueOnError)
	f.register(fs)
	if err := fs.Parse(append(args, "--plan", file)); err != nil {
		return f.plan, err
	}
	err := f.parts(fs, nil)
	return f.plan, err
}

// examplePlan reads a plan as the command line does.
func examplePlan(t *testing.T, file string) bench.Plan {
	t.Helper()
	var f runFlags
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f.register(fs)
	if err := fs.Parse([]string{"--plan", file}); err != nil {
		t.Fatal(err)
	}
	if err := f.scenarios(fs, nil); err != nil {
		t.Fatal(err)
	}
	return f.plan
}

// smaller makes a measurement one of a few sessions and an instant.
func smaller(s *load.Settings) {
	s.Duration, s.Warmup, s.Parallel = 200*time.Millisecond, 0, 4
	s.Fanout = min(s.Fanout, 4)
	s.Sessions = min(s.Sessions, 10)
	if s.Extra > 0 {
		s.Extra = 4
	}
	s.Messages = min(s.Messages, 10)
	s.Rate, s.Updates, s.Logins = min(s.Rate, 100), min(s.Updates, 20), min(s.Logins, 20)
}

// The built-in scenarios are in the examples or can be said in a plan with all that
// they are made with: what a table leaves out is as on the command line.
func TestPlansSayWhatFlagsSay(t *testing.T) {
	var f runFlags
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	f.register(fs)
	others := []string{"target", "plan", "turns", "note", "json", "html", "quiet", "dir", "xylem", "server-cpus", "client-cpus", "settle",
		"per-generator", "per-address", "domain", "user", "password", "register", "direct-tls", "ca-file", "pid"} // of the whole plan
	fs.VisitAll(func(flag *pflag.Flag) {
		key := underscored(flag.Name)
		if slices.Contains(planKeys[:], key) == slices.Contains(others, flag.Name) {
			t.Errorf("--%s is of the whole plan, or a key of a table, and not both", flag.Name)
		}
	})
}

// The same of inproc, and a key that only run has is told why it is none.
func TestInProcessPlansSayWhatFlagsSay(t *testing.T) {
	var f insideFlags
	fs := pflag.NewFlagSet("inproc", pflag.ContinueOnError)
	f.register(fs)
	others := []string{"plan", "turns", "cpus", "note", "json", "html", "quiet"} // of the whole plan
	fs.VisitAll(func(flag *pflag.Flag) {
		if key := underscored(flag.Name); slices.Contains(insideKeys[:], key) == slices.Contains(others, flag.Name) {
			t.Errorf("--%s is of the whole plan, or a key of a table, and not both", flag.Name)
		}
	})
	for _, key := range planKeys {
		if (outside(key) == "") != slices.Contains(insideKeys[:], key) {
			t.Errorf("%s is a key of inproc, or it is said why not, and not both", key)
		}
	}
}

// Faults of plans for one process, as those of run.
func TestInProcessPlanFaults(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "no [[scenario]] table"},
		{"unknown scenario", "[[scenario]]\nscenario = ['chat', 'dance']", `plan.toml:2: scenario: "dance" is unknown; there are chat, login`},
		{"no scenario", "[[scenario]]\nscenario = []", "plan.toml:2: scenario: an empty list; without the key all are measured"},
		{"unknown key", "[[scenario]]\nsesions = 5", "plan.toml:2: sesions is no key of a scenario; there are scenario, name, sessions, kind"},
		{"TLS", "[[scenario]]\nscenario = 'mix'\nsecurity = 'tls'", `plan.toml:3: security: "tls" is for xylem-bench run: in one process there are no sockets, and so no TLS`},
		{"window", "[[scenario]]\nwindow = 4", "plan.toml:2: window: 4 is for xylem-bench run: in one process messages in flight are counted over all sessions there: chains"},
		{"number", "[[scenario]]\nsessions = 'many'", `plan.toml:2: sessions: "many" is not a whole number or a list of them`},
		{"few", "[[scenario]]\nname = 'x'\nsessions = [1000, 1]", "plan.toml:3: sessions: 1 sessions; 2 to"},
		{"memory", "[[scenario]]\nsessions = 16000000000", "plan.toml:2: sessions: 16000000000 sessions; 2 to"},
		{"kind", "[[scenario]]\nkind = 'odd'", `plan.toml:2: kind: "odd" is unknown; there are bare and stock`},
		{"kind without extensions", "[[scenario]]\nscenario = 'mix'\nkind = 'bare'", "plan.toml:3: kind: bare has no extensions, which mix needs; stock has"},
		{"not used", "[[scenario]]\nscenario = 'chat'\nfar = 5", "plan.toml:3: far: 5 changes nothing: chat does not use it; s2s does"},
		{"accounts of a day", "[[scenario]]\nscenario = 'mix'\nextra = 'all'", `plan.toml:3: extra: "all" is not a whole number`},
		{"share", "[[scenario]]\nscenario = 'mix'\nonline = 2", "plan.toml:3: online: a share of 2"},
		{"of the table", "[[scenario]]\nscenario = 'mix'\nduration = '10h'", "plan.toml:1: rate: 1000 messages per second; 1 to"},
	} {
		file := filepath.Join(t.TempDir(), "plan.toml")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := insidePlan(file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := plan(t, "[[scenario]]\nscenario = 'mix'\ncomers = 5"); err == nil || !strings.Contains(err.Error(), "plan.toml:3: comers: 5 is for xylem-bench inproc") {
		t.Errorf("a key of inproc in a plan of run: %v", err)
	}
}
