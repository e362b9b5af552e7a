package report

import (
	"math"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
)

// growth draws figures of runs in one process over the number of sessions.
// It is empty when there are not two sizes.
func (r *Report) growth(colour func(string) int) (list []picture) {
	for _, f := range []struct {
		title, about string
		unit         string
		of           float64
		full, dashed string
	}{
		{"cost over sessions: CPU per message", "medians; dashed: only 1,000 of the sessions write", "µs", 1, CPUPerMessage, HotCPU},
		{"memory over sessions: of each", "medians; heap after a collection; dashed: resident memory", "KiB", 1024, HeapPerSession, RSSPerSession},
		{"latency over sessions: p99 of users beside a flood", "medians; dashed: without it", "ms", 1000, BesideP99, CalmP99},
	} {
		if p, ok := r.grown(f.title, f.about, f.unit, f.of, f.full, f.dashed, colour); ok {
			list = append(list, p)
		}
	}
	return list
}

// grown draws two figures of each target, the second one dashed, in a unit of so much.
func (r *Report) grown(title, about, unit string, of float64, full, dashed string, colour func(string) int) (picture, bool) {
	var lines []line
	type key struct {
		target, figure string
		load.Settings
	}
	index := map[key]int{}
	low, most, top := math.Inf(1), 0.0, 0.0
	sizes := r.sizes()
	for _, g := range r.Groups() {
		same := ButSize(g.Settings)
		if sizes[same] < 2 {
			continue
		}
		for _, t := range g.Targets {
			for _, figure := range []string{full, dashed} {
				s, k := t.Of(figure), key{t.Name, figure, same}
				if s.N == 0 {
					continue
				}
				i, ok := index[k]
				if !ok {
					i = len(lines)
					index[k] = i
					l := line{name: strings.TrimPrefix(same.Name+": ", ": ") + t.Name + ": " + figure, colour: colour(t.Name), dashed: figure == dashed}
					if !l.dashed {
						l.label = t.Name
						if len(sizes) > 1 {
							l.label = strings.TrimSpace(t.Name + " " + same.Name)
						}
					}
					lines = append(lines, l)
				}
				n := float64(g.Settings.Sessions)
				lines[i].x, lines[i].y = append(lines[i].x, n), append(lines[i].y, s.Median/of)
				low, most, top = min(low, n), max(most, n), max(top, s.Median/of)
			}
		}
	}
	if top <= 0 {
		return picture{}, false
	}
	return picture{title, about, curves(decades("sessions", low, most, plain), linear("", 0, top, func(v float64) string { return plain(v) + " " + unit }), lines)}, true
}

// sizes is of how many sizes there are measurements in one process, by what else they were
// made with; one that is alone does not grow.
func (r *Report) sizes() map[load.Settings]int {
	n := map[load.Settings]int{}
	for _, g := range r.Groups() {
		if g.Settings.Scenario == InProcess {
			n[ButSize(g.Settings)]++
		}
	}
	for s, sizes := range n {
		if sizes < 2 {
			delete(n, s)
		}
	}
	return n
}
