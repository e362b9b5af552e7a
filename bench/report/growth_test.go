package report

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/bench/load"
)

// Growth is of what was measured at several sizes in the same way; what was measured at
// one only has no curve, and no empty plot.
func TestGrowthIsOfTheSame(t *testing.T) {
	run := func(name string, sessions int, figures map[string]float64) Run {
		return Run{Target: "stock", Turn: 1, Settings: load.Settings{Scenario: InProcess, Name: name, Inside: name, Sessions: sessions, Extra: sessions / 2}, Figures: figures}
	}
	r := &Report{Order: []string{"stock"}, Runs: []Run{
		run("chat", 100, map[string]float64{CPUPerMessage: 1}),
		run("chat", 1000, map[string]float64{CPUPerMessage: 2}),
		run("slow", 1000, map[string]float64{CPUPerMessage: 3, BesideP99: 100}),
	}}
	list := r.growth(func(string) int { return 1 })
	if len(list) != 1 || !strings.Contains(list[0].Title, "CPU per message") {
		t.Fatalf("%d plots, want that of CPU", len(list))
	}
	if svg := string(list[0].SVG); strings.Contains(svg, "slow") || !strings.Contains(svg, "chat: stock") {
		t.Errorf("not the curve of what was measured twice alone: %s", svg)
	}
	r.Runs = r.Runs[1:]
	if list := r.growth(func(string) int { return 1 }); len(list) != 0 {
		t.Errorf("%d plots of one size each", len(list))
	}
}
