package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
