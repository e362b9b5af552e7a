// Package report holds what measurements came to: as JSON, as a table, as a
// comparison of two, and as one HTML page that needs nothing beside itself.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
)

// Format is the version of the JSON.
const Format = 1

// Report is everything of one call of the harness.
type Report struct {
	Format   int               `json:"format"`
	Created  time.Time         `json:"created"`
	Command  []string          `json:"command"` // arguments, so that it can be repeated
	Machine  measure.Machine   `json:"machine"`
	Harness  string            `json:"harness,omitempty"` // commit or version of xylem-bench
	Server   string            `json:"server_cpus"`       // cores of the servers, "" for all
	Client   string            `json:"client_cpus"`       // cores of the generators
	Versions map[string]string `json:"versions"`          // of the targets, by name
	// Configurations are what the targets were started with, as far as the harness did that:
	// of each those that differ, as with and without TLS. Folders are $DIR, ports $PORT.
	Configurations map[string][]string `json:"configurations,omitempty"`
	Order          []string            `json:"order"`             // targets as given
	Note           string              `json:"note,omitempty"`    // of whoever measured
	Remarks        []string            `json:"remarks,omitempty"` // about the whole, as what was left out
	Runs           []Run               `json:"runs"`
}

// Run is one measurement of one target.
type Run struct {
	Target   string                 `json:"target"`
	Turn     int                    `json:"turn"` // from 1
	Settings load.Settings          `json:"settings"`
	Figures  map[string]float64     `json:"figures"`
	Latency  map[string]Percentiles `json:"latency,omitempty"`
	Series   []Sample               `json:"series,omitempty"`
	Memory   []Step                 `json:"memory,omitempty"`
	Warnings []string               `json:"warnings,omitempty"`
	Failed   string                 `json:"failed,omitempty"` // why there are no figures
}

// Percentiles is a histogram as people read it. Values are nanoseconds.
type Percentiles struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean"`
	Max   int64   `json:"max"`
	At    []Point `json:"at"`
}

// Point says that a share P of the values (0 to 1) is at most Value.
type Point struct {
	P     float64 `json:"p"`
	Value int64   `json:"v"`
}

// Sample is a moment of a run. The window that counts begins at 0.
type Sample struct {
	At     float64 `json:"t"`      // seconds
	Rate   float64 `json:"rate"`   // per second: deliveries, or logins
	Server float64 `json:"server"` // cores in use by the server
}

// Step is memory at a number of sessions, in bytes above the empty server.
type Step struct {
	Sessions int   `json:"sessions"`
	PSS      int64 `json:"pss"`
	RSS      int64 `json:"rss"`
	Kernel   int64 `json:"kernel"` // of the whole machine, clients' ends included
}

// Configured adds what a target was started with, unless it is known; "" is nothing.
func (r *Report) Configured(target, configuration string) {
	if configuration == "" || slices.Contains(r.Configurations[target], configuration) {
		return
	}
	if r.Configurations == nil {
		r.Configurations = map[string][]string{}
	}
	r.Configurations[target] = append(r.Configurations[target], configuration)
}

// Write stores r as JSON.
func (r *Report) Write(file string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// Read loads what Write stored.
func Read(file string) (*Report, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s is no report of xylem-bench: %w", file, err)
	}
	switch {
	case r.Format == 0:
		return nil, fmt.Errorf("%s is no report of xylem-bench: it has no format", file)
	case r.Format != Format:
		return nil, fmt.Errorf("%s has format %d, this xylem-bench knows format %d: use the xylem-bench that wrote it (harness in the file: %q)",
			file, r.Format, Format, r.Harness)
	}
	return &r, nil
}

// A Group is the runs of all targets with the same settings.
type Group struct {
	Title    string // names the settings; no two of a report are alike
	Settings load.Settings
	Targets  []Target // in the order given to the harness
}

// Target is one target's runs of a Group.
type Target struct {
	Name string
	Runs []*Run // without failed ones
	Bad  []*Run // failed ones
}

// Groups sorts the runs, in the order in which they were made.
func (r *Report) Groups() []Group {
	var list []Group
	for i := range r.Runs {
		run := &r.Runs[i]
		g := slices.IndexFunc(list, func(g Group) bool { return g.Settings == run.Settings })
		if g < 0 {
			list = append(list, Group{Settings: run.Settings})
			g = len(list) - 1
		}
		list[g].add(run)
	}
	for _, g := range list {
		slices.SortStableFunc(g.Targets, func(a, b Target) int {
			return slices.Index(r.Order, a.Name) - slices.Index(r.Order, b.Name)
		})
	}
	for i := range list {
		list[i].Title = Title(list[i].Settings)
	}
	for i, g := range list {
		if slices.ContainsFunc(list[:i], func(o Group) bool { return o.Title == g.Title }) {
			list[i].Title += fmt.Sprintf(", warm-up %v, %v, %d logins at once", g.Settings.Warmup, g.Settings.Duration, g.Settings.Parallel)
		}
	}
	return list
}

func (g *Group) add(run *Run) {
	t := slices.IndexFunc(g.Targets, func(t Target) bool { return t.Name == run.Target })
	if t < 0 {
		g.Targets = append(g.Targets, Target{Name: run.Target})
		t = len(g.Targets) - 1
	}
	if run.Failed != "" {
		g.Targets[t].Bad = append(g.Targets[t].Bad, run)
		return
	}
	g.Targets[t].Runs = append(g.Targets[t].Runs, run)
}

// Spread is the least, the middle and the greatest of some runs.
type Spread struct {
	Min, Median, Max float64
	N                int
}

// Of returns the spread of a figure over the runs that have it.
func (t Target) Of(figure string) Spread {
	var v []float64
	for _, run := range t.Runs {
		if x, ok := run.Figures[figure]; ok {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return Spread{}
	}
	slices.Sort(v)
	middle := v[len(v)/2]
	if len(v)%2 == 0 {
		middle = (v[len(v)/2-1] + middle) / 2
	}
	return Spread{v[0], middle, v[len(v)-1], len(v)}
}

// Median is the run whose value of the figure is in the middle: the one to
// draw. It is nil when no run has the figure.
func (t Target) Median(figure string) *Run {
	var with []*Run
	for _, run := range t.Runs {
		if _, ok := run.Figures[figure]; ok {
			with = append(with, run)
		}
	}
	if len(with) == 0 {
		return nil
	}
	slices.SortFunc(with, func(a, b *Run) int {
		switch x, y := a.Figures[figure], b.Figures[figure]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return with[len(with)/2]
}

// InProcess is the scenario of runs without sockets; its targets are kinds of
// engine, and its Window counts messages in flight over all sessions.
const InProcess = "inproc"

// ButSize is what runs in one process have in common that differ in the number of sessions,
// and in what follows from it.
func ButSize(s load.Settings) load.Settings {
	s.Sessions, s.Extra = 0, 0
	s.Rate, s.Flood, s.Held = 0, 0, 0 // those of users beside a flood, which few sessions do without
	return s
}

// HistCalm is the latency of users without the flood, in one process; load.HistMessage is that beside it.
const HistCalm = "calm"

// Title names the settings in a few words.
func Title(s load.Settings) string {
	if s.Scenario == InProcess {
		t := "in one process"
		if s.Name != "" {
			t = s.Name + ": " + t
		}
		if s.Inside != "" {
			t += " (" + s.Inside + ")"
		}
		t += fmt.Sprintf(", %d sessions", s.Sessions)
		if s.Window > 0 {
			t += fmt.Sprintf(", %d messages in flight", s.Window)
		}
		if s.Extra > 0 {
			t += fmt.Sprintf("; %s/s beside %d and a flood of %s/s", number(s.Rate), s.Extra, number(s.Flood))
		}
		return t
	}
	t := s.Scenario
	if s.Name != "" {
		t = s.Name + ": " + t
	}
	wire := "plaintext"
	if s.TLS {
		wire = "TLS"
	}
	switch s.Scenario {
	case load.Roster:
		t += fmt.Sprintf(" of %d contacts, %d accounts, %d at once", s.Fanout, s.Sessions, s.Parallel)
	case load.Resume:
		t += fmt.Sprintf(" of %d sessions, %d at once", s.Sessions, s.Parallel)
	case load.Login:
		t += fmt.Sprintf(" of %d accounts, %d at once", s.Sessions, s.Parallel)
		if s.Login != "" {
			t += ", by " + s.Login
		}
	case load.Offline:
		t += fmt.Sprintf(", %d messages to each of %d", s.Messages, s.Sessions/2)
	default:
		t += fmt.Sprintf(", %d sessions", s.Sessions)
	}
	switch s.Scenario {
	case load.Presence:
		t += fmt.Sprintf(", 1 to %d", s.Fanout)
	case load.Mix:
		t += fmt.Sprintf(", %d contacts", s.Fanout)
	}
	if s.Online > 0 {
		t += fmt.Sprintf(" (%.3g %% online)", 100*s.Online)
	}
	switch {
	case s.Rate > 0:
		t += ", " + number(s.Rate) + "/s"
	case s.Window > 0 && s.Scenario == load.Offline:
		t += fmt.Sprintf(", %d at once", s.Window)
	case s.Window > 0:
		t += fmt.Sprintf(", %d in flight per pair", s.Window)
	}
	if s.Updates > 0 {
		t += ", " + number(s.Updates) + " updates/s"
	}
	if s.Extra > 0 {
		t += fmt.Sprintf(", beside %d", s.Extra)
	}
	if s.Logins > 0 {
		t += ", " + number(s.Logins) + " logins/s"
	}
	if s.Flood > 0 {
		t += " and a flood of " + number(s.Flood) + "/s"
	}
	if s.Payload > 0 {
		t += fmt.Sprintf(", %d bytes", s.Payload)
	}
	if s.Content != "" {
		t += fmt.Sprintf(" (%d of own content)", len(s.Content))
	}
	for _, also := range []struct {
		so   bool
		name string
	}{{s.Mechanism != "", s.Mechanism}, {s.FullJID, "to full JIDs"}, {s.Managed, "stream management"},
		{s.Devices > 0, fmt.Sprintf("carbons, %d of each account", s.Devices)}} {
		if also.so {
			t += ", " + also.name
		}
	}
	if s.Tickets {
		wire += " resumed"
	}
	if s.Exchange != "" {
		wire += " by " + s.Exchange
	}
	return t + ", " + wire
}
