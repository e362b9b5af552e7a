package report

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/bench/load"
)

// Every scenario is drawn with the figures and the latency that it measures.
func TestEveryScenarioIsDrawn(t *testing.T) {
	latency := map[string]string{
		load.Login: load.HistLogin, load.Roster: load.HistRoster, load.Resume: load.HistResume, load.Presence: load.HistUpdate, load.Offline: load.HistDrain,
	}
	for _, scenario := range load.Scenarios {
		run := Run{Target: "a", Settings: load.Settings{Scenario: scenario}, Figures: map[string]float64{}, Latency: map[string]Percentiles{},
			Series: []Sample{{At: 0, Rate: 1, Server: 1}, {At: 1, Rate: 1, Server: 1}}, Memory: []Step{{}, {Sessions: 10, PSS: 1}}}
		for _, f := range Figures() {
			run.Figures[f.Key] = 1
		}
		name := latency[scenario]
		if name == "" {
			name = load.HistMessage
		}
		if scenario != load.Idle {
			run.Latency[name] = Percentiles{Count: 10, At: []Point{{0, 1000}, {0.5, 2000}}}
			run.Memory = nil
		}
		g := (&Report{Order: []string{"a"}, Runs: []Run{run}}).Groups()[0]
		one := func(string) int { return 0 }
		if n := len(g.bars(one)); n < 2 {
			t.Errorf("%s: %d figures are drawn", scenario, n)
		}
		var titles []string
		for _, p := range g.curves(one) {
			titles = append(titles, p.Title)
		}
		if want := map[bool]int{true: 1, false: 3}[scenario == load.Idle]; len(titles) != want {
			t.Errorf("%s: curves %q, want %d", scenario, strings.Join(titles, ", "), want)
		}
	}
}
