package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
	"github.com/xylem-im/xylem/bench/report"
)

// scenario lets the phases of the scenario happen and works out its figures.
func (r *run) scenario(ctx context.Context) error {
	r.counts = load.CountDelivered
	switch r.job.Scenario {
	case load.Login, load.Roster, load.Resume:
		r.counts = load.CountLogins
		return r.single(ctx, r.login)
	case load.Idle:
		return r.idle(ctx)
	case load.Offline:
		return r.offline(ctx)
	case load.Slow:
		return r.slow(ctx)
	case load.S2S:
		return r.federation(ctx)
	}
	return r.single(ctx, r.messages)
}

// single is a scenario of one phase.
func (r *run) single(ctx context.Context, figures func(*outcome)) error {
	if err := r.connect(ctx, 1, 1); err != nil {
		return err
	}
	o, err := r.phase(ctx, "", true)
	if err != nil {
		return err
	}
	r.common(o)
	figures(o)
	return nil
}

// set stores a figure. What was divided by nothing is none.
func (r *run) set(name string, v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		r.out.Figures[name] = v
	}
}

// common are the figures of every phase. Phases follow each other in time, and
// their faults add up.
func (r *run) common(o *outcome) {
	before := 0.0
	if n := len(r.out.Series); n > 0 {
		before = r.out.Series[n-1].At
	}
	for _, s := range o.series {
		s.At += before
		r.out.Series = append(r.out.Series, s)
	}
	for _, note := range o.notes {
		if !slices.Contains(r.out.Warnings, note) {
			r.out.Warnings = append(r.out.Warnings, note)
		}
	}
	for figure, counter := range faults(r.job.Scenario) {
		r.out.Figures[figure] += float64(o.counters[counter])
	}
	r.set(report.GeneratorUse, o.genUse)
	if o.hists[load.HistLate] != nil {
		r.set(report.GeneratorLate, micros(o.late))
	}
	for name, h := range o.hists {
		r.out.Latency[name] = percentiles(h)
	}
	if !o.measured {
		return
	}
	r.set(report.ServerCores, o.server.Total().Seconds()/o.wall.Seconds())
	if o.server.Total() >= leastCPU {
		r.set(report.SystemShare, o.server.System.Seconds()/o.server.Total().Seconds())
	}
}

// faults are what can go wrong in a scenario, by figure.
func faults(scenario string) map[string]string {
	list := map[string]string{report.LoginFails: load.CountFailed, report.Broken: load.CountBroken}
	if !slices.Contains([]string{load.Idle, load.Login, load.Roster, load.Resume}, scenario) {
		list[report.Lost], list[report.Duplicated] = load.CountLost, load.CountDuplicated
		list[report.Reordered], list[report.Errors] = load.CountReordered, load.CountErrors
	}
	return list
}

// leastCPU is less than what can be told by a clock whose ticks are 10 ms.
const leastCPU = 50 * time.Millisecond

// cpuPer sets a figure to processor time for each of n, in units.
func (r *run) cpuPer(figure string, o *outcome, used measure.CPU, n float64, unit time.Duration) {
	switch {
	case !o.measured || n == 0:
	case used.Total() < leastCPU:
		note := fmt.Sprintf("the server used less than %v of CPU, which is too little to be measured: it needs a longer duration, or more to do", leastCPU)
		if !slices.Contains(r.out.Warnings, note) {
			r.out.Warnings = append(r.out.Warnings, note)
		}
	default:
		r.set(figure, float64(used.Total())/float64(unit)/n)
	}
}

// messages are the figures of traffic.
func (r *run) messages(o *outcome) {
	n := float64(o.counters[load.CountDelivered])
	r.set(report.MessagesPerSec, n/o.wall.Seconds())
	if !slices.Contains([]string{load.Churn, load.Slow}, r.job.Scenario) { // where most of it is not for these messages
		r.cpuPer(report.CPUPerMessage, o, o.server, n+float64(o.counters[load.CountPresence]), time.Microsecond)
	}
	r.quantiles(o.hists[load.HistMessage], map[string]float64{
		report.LatencyP50: 50, report.LatencyP99: 99, report.LatencyP999: 99.9, report.LatencyMax: 100})
	if copies := float64(o.counters[load.CountCopies]); r.job.Devices > 1 {
		r.set(report.CopiesPerSec, copies/o.wall.Seconds())
		r.quantiles(o.hists[load.HistCopy], map[string]float64{report.CopyP50: 50, report.CopyP99: 99})
	}
	r.quantiles(o.hists[load.HistUpdate], map[string]float64{report.UpdateP50: 50, report.UpdateP99: 99})
	if r.job.Scenario == load.Mix {
		r.set(report.PresencePerSec, float64(o.counters[load.CountPresence])/o.wall.Seconds())
	}
	if logins := float64(o.counters[load.CountLogins]); uses(&r.job.Settings, "login_rate") && logins > 0 {
		r.set(report.LoginsPerSec, logins/o.wall.Seconds())
		r.quantiles(o.hists[load.HistLogin], map[string]float64{report.LoginP50: 50, report.LoginP99: 99})
	}
	due := r.job.Rate * r.job.Duration.Seconds()
	if sent := float64(o.counters[load.CountSent]); r.job.Scenario != load.Presence && sent < 0.99*due {
		r.out.Warnings = append(r.out.Warnings,
			fmt.Sprintf("the generator sent only %.0f of the %.0f messages that were due", sent, due))
	}
	if n == 0 {
		r.out.Warnings = append(r.out.Warnings, "nothing arrived in the window")
	}
}

// quantiles sets figures to percentiles of h, in microseconds.
func (r *run) quantiles(h *hdrhistogram.Histogram, figures map[string]float64) {
	if h == nil || h.TotalCount() == 0 {
		return
	}
	for name, q := range figures {
		r.set(name, micros(time.Duration(h.ValueAtQuantile(q))))
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// login are the figures of a storm.
func (r *run) login(o *outcome) {
	n := float64(o.counters[load.CountLogins])
	r.set(report.LoginsPerSec, n/o.wall.Seconds())
	r.cpuPer(report.CPUPerLogin, o, o.server, n, time.Millisecond)
	r.quantiles(o.hists[load.HistLogin], map[string]float64{report.LoginP50: 50, report.LoginP99: 99})
	r.quantiles(o.hists[load.HistResume], map[string]float64{report.LoginP50: 50, report.LoginP99: 99})
	r.quantiles(o.hists[load.HistRoster], map[string]float64{report.RosterP50: 50, report.RosterP99: 99})
}

// idle reads memory at several numbers of sessions, and at the end once more
// after the sessions have done nothing for the duration.
func (r *run) idle(ctx context.Context) error {
	const steps = 4
	r.out.Memory = append(r.out.Memory, report.Step{})
	for i := 1; i <= steps; i++ {
		if err := r.connect(ctx, i, steps); err != nil {
			return err
		}
		if err := measure.Pause(ctx, r.plan.Settle); err != nil {
			return err
		}
		if i < steps {
			if err := r.step(r.job.Sessions * i / steps); err != nil {
				return err
			}
		}
	}
	o, err := r.phase(ctx, "", true)
	if err != nil {
		return err
	}
	if err := r.step(r.job.Sessions); err != nil {
		return err
	}
	r.common(o)
	delete(r.out.Figures, report.ServerCores)
	last := r.out.Memory[len(r.out.Memory)-1]
	n := float64(max(1, o.counters[load.CountSessions]))
	if !o.measured {
		return nil
	}
	if n < fewSessions {
		r.out.Warnings = append(r.out.Warnings, fmt.Sprintf("memory of %.0f sessions is little beside what the server and the machine change by themselves: take %d or more", n, fewSessions))
	}
	r.set(report.IdleCPU, o.server.Total().Seconds()/o.wall.Seconds())
	r.set(report.PSSPerSession, float64(last.PSS)/n)
	r.set(report.RSSPerSession, float64(last.RSS)/n)
	r.set(report.KernelPerSession, float64(last.Kernel)/n)
	r.set(report.EmptyPSS, float64(r.empty.PSS))
	return nil
}

// fewSessions are too few for memory of each.
const fewSessions = 500

// step reads memory above that of the empty server.
func (r *run) step(sessions int) error {
	m, err := r.memory()
	if err != nil {
		return err
	}
	d := m.Sub(r.empty)
	r.out.Memory = append(r.out.Memory, report.Step{Sessions: sessions, PSS: d.PSS, RSS: d.RSS, Kernel: d.Slab + d.TCP})
	return nil
}

// offline stores and fetches.
func (r *run) offline(ctx context.Context) error {
	if err := r.connect(ctx, 1, 1); err != nil {
		return err
	}
	store, err := r.phase(ctx, load.PhaseStore, false)
	if err != nil {
		return err
	}
	r.common(store)
	r.set(report.Lost, 0) // nobody has fetched yet
	n := float64(store.counters[load.CountSent])
	r.set(report.StorePerSec, n/store.wall.Seconds())
	r.quantiles(store.hists[load.HistMessage], map[string]float64{report.StoreP99: 99})
	r.cpuPer(report.StoreCPU, store, store.server, n, time.Microsecond)
	drain, err := r.phase(ctx, load.PhaseDrain, false)
	if err != nil {
		return err
	}
	r.common(drain)
	got := float64(drain.counters[load.CountDelivered])
	r.set(report.Lost, n-got)
	r.set(report.DrainPerSec, got/drain.wall.Seconds())
	r.quantiles(drain.hists[load.HistDrain], map[string]float64{report.DrainP99: 99})
	r.cpuPer(report.DrainCPU, drain, drain.server, got, time.Microsecond)
	return nil
}

// slow compares the normal users with and without the flood beside them.
func (r *run) slow(ctx context.Context) error {
	if err := r.connect(ctx, 1, 1); err != nil {
		return err
	}
	calm, err := r.phase(ctx, load.PhaseCalm, true)
	if err != nil {
		return err
	}
	r.common(calm)
	r.messages(calm)
	before := r.out.Figures[report.LatencyP99]
	flood, err := r.phase(ctx, load.PhaseFlood, true)
	if err != nil {
		return err
	}
	r.out.Series = nil // one curve: that of the flood
	r.common(flood)
	r.messages(flood)
	if n := float64(flood.counters[load.CountDelivered] + flood.counters[load.CountFlooding]); flood.measured && n > 0 {
		r.set(report.CPUPerMessage, micros(flood.server.Total())/n)
	}
	r.set(report.CalmP99, before)
	r.set(report.Flooded, float64(flood.counters[load.CountFlooded]))
	r.set(report.Refused, float64(flood.counters[load.CountRefused]))
	if r.job.Managed {
		r.set(report.Kept, float64(flood.counters[load.CountKept]))
		r.set(report.Unaccounted, float64(flood.counters[load.CountUnaccounted]))
		r.set(report.Twice, float64(flood.counters[load.CountTwice]))
	}
	if before > 0 {
		r.set(report.FloodRatio, r.out.Figures[report.LatencyP99]/before)
	}
	if flood.measured {
		r.set(report.PeakRSS, float64(flood.peak))
		r.bound(float64(calm.peak), float64(flood.peak))
	}
	return nil
}

// bound compares the peak of memory with what the server is configured to need at
// most. What normal users need is in that without the flood.
func (r *run) bound(calm, peak float64) {
	if r.job.Held == 0 || calm == 0 || !strings.HasPrefix(r.name, "xylem") {
		return
	}
	most := calm + float64(load.Stalled(r.job.Extra))*float64(r.job.Held)
	r.set(report.MemoryBound, most)
	r.set(report.BoundUse, peak/most)
	if peak > most {
		r.out.Warnings = append(r.out.Warnings, fmt.Sprintf("the server's memory passed its bound: %.0f of %.0f MiB", peak/(1<<20), most/(1<<20)))
	}
}

// percentiles thins a histogram to the points that a curve needs.
func percentiles(h *hdrhistogram.Histogram) report.Percentiles {
	p := report.Percentiles{Count: h.TotalCount(), Mean: h.Mean(), Max: h.Max()}
	p.At = append(p.At, report.Point{Value: h.Min()})
	for _, q := range []float64{10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100} {
		p.At = append(p.At, report.Point{P: q / 100, Value: h.ValueAtQuantile(q)})
	}
	return p
}
