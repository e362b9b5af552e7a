package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
)

// The phases of a run follow each other in its curves, their faults add up, and
// what both have to remark is said once.
func TestPhasesOfARun(t *testing.T) {
	r := run{job: load.Job{Settings: load.Settings{Scenario: load.Offline}},
		out: report.Run{Figures: map[string]float64{}, Latency: map[string]report.Percentiles{}}}
	phase := func(at ...float64) *outcome {
		o := &outcome{counters: map[string]int64{load.CountLost: 2, load.CountFailed: 1}, wall: 1, notes: []string{"busy"}}
		for _, t := range at {
			o.series = append(o.series, report.Sample{At: t})
		}
		return o
	}
	r.common(phase(0.5, 1))
	r.common(phase(0.5, 1, 1.5))
	var at []float64
	for _, s := range r.out.Series {
		at = append(at, s.At)
	}
	if want := []float64{0.5, 1, 1.5, 2, 2.5}; !slices.Equal(at, want) {
		t.Errorf("moments %v, want %v", at, want)
	}
	if f := r.out.Figures; f[report.Lost] != 4 || f[report.LoginFails] != 2 {
		t.Errorf("faults %v", f)
	}
	if !slices.Equal(r.out.Warnings, []string{"busy"}) {
		t.Errorf("warnings %q", r.out.Warnings)
	}
}

// What the clock of the operating system is too coarse for is no figure.
func TestTooLittleCPU(t *testing.T) {
	for _, test := range []struct {
		name     string
		used     time.Duration
		n        float64
		measured bool
		want     float64 // 0: none
		warnings int
	}{
		{"enough", 200 * time.Millisecond, 100, true, 2000, 0},
		{"too little", 40 * time.Millisecond, 100, true, 0, 1},
		{"none", 0, 100, true, 0, 1},
		{"of nothing", 200 * time.Millisecond, 0, true, 0, 0},
		{"not known", 0, 100, false, 0, 0},
	} {
		r := run{out: report.Run{Figures: map[string]float64{}}}
		for range 2 { // phases
			r.cpuPer(report.CPUPerMessage, &outcome{measured: test.measured}, measure.CPU{User: test.used}, test.n, time.Microsecond)
		}
		if got, has := r.out.Figures[report.CPUPerMessage]; got != test.want || has != (test.want > 0) || len(r.out.Warnings) != test.warnings {
			t.Errorf("%s: %v (%v), %q", test.name, got, has, r.out.Warnings)
		}
	}
}

// Where nothing is sent, nothing is said to be lost or not.
func TestFaultsOfScenarios(t *testing.T) {
	for _, scenario := range load.Scenarios {
		_, lost := faults(scenario)[report.Lost]
		quiet := slices.Contains([]string{load.Login, load.Idle, load.Roster, load.Resume}, scenario)
		if _, logins := faults(scenario)[report.LoginFails]; lost == quiet || !logins {
			t.Errorf("%s: %v", scenario, faults(scenario))
		}
	}
}
