package bench

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/inproc"
	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/report"
)

// insideFigures adds what a process measured. A figure that has a counterpart over the
// wire has its name, unless another scenario has it here: all are of one run.
func insideFigures(run *report.Run, res *inproc.Result) error {
	set := func(figures map[string]float64) {
		for name, v := range figures {
			run.Figures[name] = v
		}
	}
	set(map[string]float64{
		report.HeapPerSession: res.Heap, report.ObjectsPerSession: res.Objects, report.RSSPerSession: res.RSS,
		report.LoginsPerSec: res.LoginsPerSec, report.CPUPerLogin: res.LoginCPU / 1000,
		report.PauseP50: res.Pauses.P50, report.PauseP99: res.Pauses.P99, report.PauseMax: res.Pauses.Max, report.CollectorShare: res.Pauses.GCShare,
		report.Lost: float64(res.Lost), report.Duplicated: float64(res.Duplicated), report.LoginFails: float64(res.Failed + res.Mix.Failed),
	})
	if p := res.SparePauses; p.Count > 0 {
		set(map[string]float64{report.SparePauseP99: p.P99, report.SparePauseMax: p.Max})
	}
	if res.Huge > 0 {
		set(map[string]float64{report.HugePerSession: res.Huge, report.HugeRSSPerSession: res.HugeRSS})
	}
	if t := res.Spread; t.PerSec > 0 {
		set(map[string]float64{
			report.MessagesPerSec: t.PerSec, report.CPUPerMessage: t.CPU, report.LatencyP50: t.P50, report.LatencyP99: t.P99,
			report.HotCPU: res.Hot.CPU, report.ClientCPU: res.Clients, report.HotClientCPU: res.HotClients,
			report.BusyP99: res.Busy.P99, report.BusyMax: res.Busy.Max,
		})
	}
	if p := res.Presence; p.Contacts > 0 {
		set(map[string]float64{report.PresencePerSec: p.PerSec, report.DeliveryCPU: p.CPU, report.UpdateP50: p.P50, report.UpdateP99: p.P99})
	}
	if o := res.Offline; o.Messages > 0 {
		set(map[string]float64{report.StorePerSec: o.StoredPerSec, report.StoreCPU: o.StoreCPU, report.DrainPerSec: o.FetchedPerSec, report.DrainCPU: o.FetchCPU})
	}
	if s := res.Resumption; s.Sessions > 0 {
		set(map[string]float64{report.ResumesPerSec: s.PerSec, report.CPUPerResume: s.CPU / 1000, report.DetachedHeap: s.Heap})
	}
	if o := res.Roster; o.Contacts > 0 {
		set(map[string]float64{report.RosterP50: o.P50, report.RosterP99: o.P99, report.RosterCPU: o.CPU / 1000})
	}
	if c := res.Churn; c.PerSec > 0 {
		set(map[string]float64{report.ChurnLogins: c.PerSec, report.ChurnP50: c.Beside.P50, report.ChurnP99: c.Beside.P99})
	}
	set(dayFigures(&res.Mix))
	set(federationFigures(&res.Federation))
	return besideFlood(run, res.Slow)
}

// dayFigures are those of mix.
func dayFigures(m *inproc.Mix) map[string]float64 {
	if m.Publishers == 0 {
		return nil
	}
	f := map[string]float64{
		report.MixPerSec: m.PerSec, report.MixCPU: m.CPU, report.MixCores: m.Cores, report.MixP50: m.P50, report.MixP99: m.P99,
		report.MixPresence: m.PresencePerSec, report.MixLogins: m.LoginsPerSec,
	}
	if m.UpdateP99 > 0 {
		f[report.MixUpdateP50], f[report.MixUpdateP99] = m.UpdateP50, m.UpdateP99
	}
	if m.LoginP99 > 0 {
		f[report.MixLoginP50], f[report.MixLoginP99] = m.LoginP50, m.LoginP99
	}
	return f
}

// federationFigures are those of s2s.
func federationFigures(x *inproc.Federation) map[string]float64 {
	if x.Far == 0 {
		return nil
	}
	f := map[string]float64{
		report.FederatedCPU: x.Remote.CPU, report.FederatedPerSec: x.Remote.PerSec, report.FederatedP50: x.Remote.P50, report.FederatedP99: x.Remote.P99,
		report.LocalCPU: x.Local.CPU, report.LocalPerSec: x.Local.PerSec, report.FederatedClientCPU: x.Clients,
	}
	if ratio := x.Ratio(); ratio > 0 {
		f[report.FederationRatio] = ratio
	}
	return f
}

// besideFlood adds what users noticed of a flood, and what became of it.
func besideFlood(run *report.Run, s inproc.Slow) error {
	if s.Users == 0 {
		return nil
	}
	for name, v := range map[string]float64{
		report.CalmP50: s.Calm.P50, report.CalmP99: s.Calm.P99, report.BesideP50: s.Beside.P50, report.BesideP99: s.Beside.P99,
		report.Stalled: float64(s.Stalled), report.Flooded: float64(s.Flood), report.Refused: float64(s.Refused), report.Kept: float64(s.Kept),
		report.Unaccounted: float64(s.Unaccounted), report.Twice: float64(s.Twice),
		report.StalledHeap: s.Heap, report.PeakHeap: s.Beside.Heap, report.MemoryBound: s.Bound, report.BoundUse: s.Beside.Heap / s.Bound,
		report.GeneratorLate: max(s.Calm.Late, s.Beside.Late),
	} {
		run.Figures[name] = v
	}
	if s.Calm.P99 > 0 {
		run.Figures[report.FloodRatio] = s.Beside.P99 / s.Calm.P99
	}
	run.Latency = map[string]report.Percentiles{}
	for name, b := range map[string][]byte{load.HistMessage: s.Beside.Times, report.HistCalm: s.Calm.Times} {
		h, err := hdrhistogram.Decode(b)
		if err != nil {
			return fmt.Errorf("histogram %s: %w", name, err)
		}
		run.Latency[name] = percentiles(h)
	}
	return nil
}

// growth adds to each run what a message costs as a ratio of what it costs in
// the same turn with the fewest sessions.
func growth(runs []report.Run) {
	for i := range runs {
		r := &runs[i]
		base := fewest(runs, r)
		if r.Failed != "" || base == nil || base.Settings.Sessions == r.Settings.Sessions {
			continue
		}
		for ratio, of := range map[string]string{report.CPUGrowth: report.CPUPerMessage, report.HotGrowth: report.HotCPU} {
			if b := base.Figures[of]; b > 0 && r.Figures[of] > 0 {
				r.Figures[ratio] = r.Figures[of] / b
			}
		}
	}
}

// fewest is the run of r's turn and kind with the fewest sessions; nil: all have failed.
func fewest(runs []report.Run, r *report.Run) (first *report.Run) {
	for i := range runs {
		o := &runs[i]
		if o.Target == r.Target && o.Turn == r.Turn && o.Failed == "" && report.ButSize(o.Settings) == report.ButSize(r.Settings) && (first == nil || o.Settings.Sessions < first.Settings.Sessions) {
			first = o
		}
	}
	return first
}
