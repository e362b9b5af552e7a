package report

import (
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
)

// picture is a drawing with its heading.
type picture struct {
	Title string
	About string
	SVG   template.HTML
}

// headline lists the figures that a scenario is about, the first of them being
// the one whose median run is drawn.
func headline(scenario string) []string {
	switch scenario {
	case load.Login, load.Resume:
		return []string{CPUPerLogin, LoginsPerSec, LoginP99}
	case load.Roster:
		return []string{CPUPerLogin, LoginsPerSec, RosterP99}
	case load.Idle:
		return []string{PSSPerSession, KernelPerSession}
	case load.Presence:
		return []string{CPUPerMessage, UpdateP99}
	case load.Offline:
		return []string{StorePerSec, DrainPerSec}
	case load.Slow:
		return []string{LatencyP99, FloodRatio, PeakRSS}
	case load.Churn:
		return []string{LatencyP99, LoginsPerSec, LoginP99}
	case load.S2S:
		return []string{CPUPerMessage, FederationRatio, MessagesPerSec}
	case InProcess:
		return []string{HeapPerSession, CPUPerMessage, PauseP99}
	case load.Mix:
		return []string{ServerCores, LatencyP99, LoginP99}
	}
	return []string{CPUPerMessage, MessagesPerSec, LatencyP99}
}

// bars draws the figures that a group is about. colour numbers a target the
// same way on the whole page.
func (g Group) bars(colour func(target string) int) (list []picture) {
	for _, key := range headline(g.Settings.Scenario) {
		if key == MessagesPerSec && g.Settings.Rate > 0 {
			key = LatencyP50 // messages are as many as the rate
		}
		if p, ok := g.figure(key, colour); ok {
			list = append(list, p)
		}
	}
	return list
}

// curves draws what changed over percentiles, time or sessions.
func (g Group) curves(colour func(target string) int) (list []picture) {
	for _, draw := range []func(func(string) int) (picture, bool){g.latency, g.rate, g.cores, g.memory} {
		if p, ok := draw(colour); ok {
			list = append(list, p)
		}
	}
	return list
}

// figure is one figure of all targets side by side.
func (g Group) figure(key string, colour func(string) int) (picture, bool) {
	all := Figures()
	f := all[slices.IndexFunc(all, func(f Figure) bool { return f.Key == key })].in(g.Settings.Scenario)
	var list []bar
	has := false
	for _, t := range g.Targets {
		s := t.Of(key)
		has = has || s.N > 0
		list = append(list, bar{t.Name, colour(t.Name), s, f.Show(s.Median)})
	}
	about := "less is better"
	switch {
	case f.Plain:
		about = ""
	case f.Higher:
		about = "more is better"
	}
	return picture{f.Title, about, bars(list)}, has
}

// drawn calls with for the run of each target that is drawn.
func (g Group) drawn(with func(t Target, r *Run)) {
	key := headline(g.Settings.Scenario)[0]
	for _, t := range g.Targets {
		r := t.Median(key)
		if r == nil && len(t.Runs) > 0 {
			r = t.Runs[0] // the server's process was not known
		}
		if r != nil {
			with(t, r)
		}
	}
}

// latency is a curve over percentiles, stretched towards the rare.
func (g Group) latency(colour func(string) int) (picture, bool) {
	name, title, about := load.HistMessage, "latency", ""
	switch g.Settings.Scenario {
	case load.Login:
		name, title = load.HistLogin, "time of a login"
	case load.Roster:
		name, title = load.HistRoster, "from asking for the roster until all of it was there"
	case load.Resume:
		name, title = load.HistResume, "time of a resumption"
	case load.Presence:
		name, title = load.HistUpdate, "from publishing until the last contact has it"
	case load.Offline:
		name, title = load.HistDrain, "from login to the last stored message"
	case InProcess:
		title, about = "latency of users beside a flood", "dashed: without it; "
	}
	var lines []line
	low, top, rarest := math.Inf(1), 0.0, 10.0
	add := func(l line, p Percentiles) {
		for _, at := range p.At {
			rare := 1 / (1 - min(at.P, 1-1e-9))
			if rare > float64(p.Count) {
				break // a percentile of less than one value
			}
			if at.Value <= 0 {
				continue // nothing that a logarithm could show
			}
			l.x, l.y = append(l.x, rare), append(l.y, float64(at.Value)/1000)
			rarest = max(rarest, rare)
			low, top = min(low, l.y[len(l.y)-1]), max(top, l.y[len(l.y)-1])
		}
		if len(l.x) > 0 {
			lines = append(lines, l)
		}
	}
	g.drawn(func(t Target, r *Run) {
		add(line{name: t.Name, label: t.Name, colour: colour(t.Name)}, r.Latency[name])
		add(line{name: t.Name + ": without a flood", colour: colour(t.Name), dashed: true}, r.Latency[HistCalm])
	})
	if top == 0 {
		return picture{}, false
	}
	x := decades("percentile, in %", 1, rarest, nines)
	y := decades("", low, top, Figure{Unit: "time"}.round)
	return picture{title, about + "of the run in the middle; both scales are logarithmic", curves(x, y, lines)}, true
}

// nines names a tick of the axis 1/(1-p): 1 is the least value, 100 is 99 %.
func nines(v float64) string {
	switch n := int(math.Round(math.Log10(v))); n {
	case 0:
		return "min"
	case 1, 2:
		return strings.Repeat("9", n) + strings.Repeat("0", 2-n)
	default:
		return "99." + strings.Repeat("9", n-2)
	}
}

// plain shows a tick with the digits that it has.
func plain(v float64) string {
	if math.Abs(v) >= 1000 {
		return thousands(v)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// round shows a tick without digits behind the point.
func (f Figure) round(v float64) string {
	return strings.NewReplacer(".00", "", ".0 ", " ").Replace(f.Show(v))
}

func (g Group) rate(colour func(string) int) (picture, bool) {
	what := "messages per second over time"
	switch g.Settings.Scenario {
	case load.Login, load.Roster, load.Resume:
		what = "logins per second over time"
	case load.Presence:
		what = "deliveries per second over time"
	}
	return g.series(what, colour, func(s Sample) float64 { return s.Rate })
}

func (g Group) cores(colour func(string) int) (picture, bool) {
	return g.series("server CPU over time, in cores", colour, func(s Sample) float64 { return s.Server })
}

// series is a curve over the time of a run.
func (g Group) series(title string, colour func(string) int, of func(Sample) float64) (picture, bool) {
	var lines []line
	first, last, top := 0.0, 0.0, 0.0
	g.drawn(func(t Target, r *Run) {
		l := line{name: t.Name, label: t.Name, colour: colour(t.Name)}
		for _, s := range r.Series {
			l.x, l.y = append(l.x, s.At), append(l.y, of(s))
			first, last, top = min(first, s.At), max(last, s.At), max(top, of(s))
		}
		lines = append(lines, l)
	})
	if top == 0 || g.Settings.Scenario == load.Idle {
		return picture{}, false
	}
	label := "seconds; the window that counts begins at 0"
	if g.Settings.Scenario == load.Offline {
		label = "seconds; first messages are stored, then fetched"
	}
	x := linear(label, math.Floor(first), last, plain)
	y := linear("", 0, top, plain)
	return picture{title, "of the run in the middle", curves(x, y, lines)}, true
}

// memory is a curve over the number of sessions.
func (g Group) memory(colour func(string) int) (picture, bool) {
	var lines []line
	most, top := 0.0, 0.0
	g.drawn(func(t Target, r *Run) {
		pss := line{name: t.Name + ": PSS", label: t.Name, colour: colour(t.Name)}
		kernel := line{name: t.Name + ": kernel", colour: colour(t.Name), dashed: true}
		for _, s := range r.Memory {
			n := float64(s.Sessions)
			pss.x, pss.y = append(pss.x, n), append(pss.y, float64(s.PSS)/(1<<20))
			kernel.x, kernel.y = append(kernel.x, n), append(kernel.y, float64(s.Kernel)/(1<<20))
			most, top = max(most, n), max(top, float64(s.PSS)/(1<<20), float64(s.Kernel)/(1<<20))
		}
		if len(r.Memory) > 1 {
			lines = append(lines, pss, kernel)
		}
	})
	if len(lines) == 0 {
		return picture{}, false
	}
	mib := func(v float64) string { return plain(v) + " MiB" }
	return picture{"memory over sessions", "above the empty server; dashed: the kernel's, both ends of each connection",
		curves(linear("sessions", 0, most, plain), linear("", 0, top, mib), lines)}, true
}
