package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/bench/load"
	"github.com/xylem-im/xylem/bench/measure"
)

// Compare writes, for each target and settings that both reports have, the
// medians of a and b, what they lie between, and b as a ratio of a; and then what
// only one of them has. A difference inside the spread of the runs is marked as
// such: it may be noise. width is that of the terminal, in columns. worse names what
// is worse in b by more than tolerance, a share of the figure in a, and not by noise.
func Compare(w io.Writer, a, b *Report, width int, tolerance float64) (worse []string, err error) {
	for _, line := range unlike(a, b) {
		fmt.Fprintln(w, "!", line)
	}
	common := 0
	for _, ga := range a.Groups() {
		for _, ta := range ga.Targets {
			tb, ok := b.find(ga, ta.Name)
			if !ok || len(ta.Runs) == 0 || len(tb.Runs) == 0 {
				continue
			}
			common++
			list, err := compareTarget(w, ga, ta, tb, a.Versions[ta.Name], b.Versions[tb.Name], width, tolerance)
			if err != nil {
				return nil, err
			}
			for _, figure := range list {
				worse = append(worse, fmt.Sprintf("%s: %s: %s", tb.Name, ga.Title, figure))
			}
		}
	}
	if common == 0 {
		near := slices.DeleteFunc(a.without(b, "A", "B"), func(line string) bool { return !strings.Contains(line, instead) })
		hint := ""
		if len(near) > 0 {
			hint = "; " + near[0]
		}
		return nil, fmt.Errorf("the reports have no target with equal settings in common: A has %s; B has %s%s", a.contents(), b.contents(), hint)
	}
	for _, line := range slices.Concat(a.without(b, "A", "B"), b.without(a, "B", "A")) {
		if _, err := fmt.Fprintln(w, "!", line); err != nil {
			return nil, err
		}
	}
	return worse, nil
}

// contents names what a report has.
func (r *Report) contents() string {
	var list []string
	for _, g := range r.Groups() {
		for _, t := range g.Targets {
			what := t.Name + ": " + g.Title
			if len(t.Runs) == 0 {
				what += " (failed)"
			}
			list = append(list, what)
		}
	}
	const most = 6
	switch n := len(list); {
	case n == 0:
		return "nothing"
	case n > most:
		list = append(list[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(list, "; ")
}

// unlike is what makes two reports hard to compare.
func unlike(a, b *Report) (list []string) {
	if d := difference(a.Machine, b.Machine); d != "" {
		list = append(list, "the reports come from different machines or systems ("+d+"); ratios between targets of one report are safer")
	}
	if a.Harness != b.Harness && a.Harness != "" && b.Harness != "" {
		list = append(list, fmt.Sprintf("they come from different xylem-bench: %s in A, %s in B", a.Harness, b.Harness))
	}
	if a.Server != b.Server || a.Client != b.Client {
		list = append(list, fmt.Sprintf("servers and generators had other cores: %s and %s in A, %s and %s in B",
			cores(a.Server), cores(a.Client), cores(b.Server), cores(b.Client)))
	}
	for _, name := range a.Order {
		if d := reconfigured(a.Configurations[name], b.Configurations[name]); d != "" {
			list = append(list, name+" was configured otherwise: "+d)
		}
	}
	return list
}

// difference says in what machines differ, "" when in nothing that both reports tell:
// those of older harnesses tell less.
func difference(a, b measure.Machine) string {
	var list []string
	for _, f := range []struct{ a, b string }{
		{a.CPU, b.CPU}, {fmt.Sprintf("%d cores", a.Cores), fmt.Sprintf("%d cores", b.Cores)},
		{Figure{Unit: "bytes"}.Show(float64(a.Memory)), Figure{Unit: "bytes"}.Show(float64(b.Memory))},
		{a.System, b.System}, {a.Kernel, b.Kernel}, {a.Arch, b.Arch}, {a.Go, b.Go},
	} {
		if f.a != f.b {
			list = append(list, fmt.Sprintf("%s and %s", cmp.Or(f.a, "unknown"), cmp.Or(f.b, "unknown")))
		}
	}
	for _, f := range []struct{ what, a, b string }{
		{"governor", a.Governor, b.Governor}, {"huge pages", a.HugePages, b.HugePages}, {"file system", a.Disk.FileSystem, b.Disk.FileSystem},
		{"KiB read ahead", readAhead(a.Disk), readAhead(b.Disk)},
	} {
		if f.a != f.b && f.a != "" && f.b != "" {
			list = append(list, fmt.Sprintf("%s %s and %s", f.what, f.a, f.b))
		}
	}
	return strings.Join(list, ", ")
}

// readAhead is what is read ahead of a program, "" if it is not known.
func readAhead(d measure.Disk) string {
	if d.FileSystem == "" {
		return ""
	}
	return fmt.Sprint(d.ReadAhead)
}

func cores(list string) string {
	if list == "" {
		return "all"
	}
	return list
}

// alike tells whether measurements are made in the same way, whatever people call
// them.
func alike(a, b load.Settings) bool {
	a.Name, b.Name = "", ""
	return a == b
}

// find returns the target of that name in the group with the settings of g.
func (r *Report) find(g Group, name string) (Target, bool) {
	for _, o := range r.Groups() {
		if !alike(o.Settings, g.Settings) {
			continue
		}
		for _, t := range o.Targets {
			if t.Name == name {
				return t, true
			}
		}
	}
	return Target{}, false
}

// without lists the targets of r for which other has no figures, or only failed
// runs.
func (r *Report) without(other *Report, name, otherName string) (list []string) {
	for _, g := range r.Groups() {
		for _, t := range g.Targets {
			o, ok := other.find(g, t.Name)
			switch {
			case !ok:
				list = append(list, fmt.Sprintf("only in %s: %s: %s", name, t.Name, g.Title)+other.instead(g, t.Name, otherName))
			case len(o.Runs) == 0:
				list = append(list, fmt.Sprintf("failed in %s: %s: %s", otherName, t.Name, g.Title))
			}
		}
	}
	return list
}

func compareTarget(w io.Writer, g Group, a, b Target, versionA, versionB string, width int, tolerance float64) (worse []string, err error) {
	fmt.Fprintf(w, "%s: %s\n", b.Name, g.Title)
	if versionA != versionB {
		fmt.Fprintf(w, "  A is %s, B is %s\n", cmp.Or(versionA, "unknown"), cmp.Or(versionB, "unknown"))
	}
	t := grid{head: []string{"A", "B", "B/A", ""}, whole: true}
	for _, f := range Figures() {
		sa, sb := a.Of(f.Key), b.Of(f.Key)
		if sa.N == 0 && sb.N == 0 || f.Fault && sa.Max == 0 && sb.Max == 0 {
			continue
		}
		row := Row{Figure: f.in(g.Settings.Scenario)}
		if verdict(f, sa, sb) == isWorse && (sa.Median == 0 || math.Abs(sb.Median/sa.Median-1) > tolerance) {
			worse = append(worse, row.Figure.Title)
		}
		t.add(row.Figure.Title, row.cell(sa), row.cell(sb), ratio(sa, sb), cell{main: verdict(f, sa, sb)})
	}
	if err := t.write(w, width); err != nil {
		return nil, err
	}
	for _, side := range []struct {
		name string
		t    Target
	}{{"A", a}, {"B", b}} {
		for _, line := range (Group{Targets: []Target{side.t}}).remarks(false) {
			fmt.Fprintln(w, "  ! in", side.name+":", wrap(line, width, "    "))
		}
	}
	_, err = fmt.Fprintln(w)
	return worse, err
}

// ratio is b over a: of the medians, and what it may be between with any run of each.
func ratio(a, b Spread) cell {
	switch {
	case a.N == 0 || b.N == 0 || a.Median == 0:
		return cell{main: "–"}
	case a.N == 1 && b.N == 1 || a.Min <= 0:
		return cell{main: fmt.Sprintf("%.2f", b.Median/a.Median)}
	}
	return cell{fmt.Sprintf("%.2f", b.Median/a.Median), fmt.Sprintf("%.2f … %.2f", b.Min/a.Max, b.Max/a.Min)}
}

// isWorse is the verdict that a check looks for.
const isWorse = "worse"

// verdict says whether b is better, and whether that may be noise: one run tells
// nothing about it, and of several the ranges must not overlap.
func verdict(f Figure, a, b Spread) string {
	word := isWorse
	if (b.Median > a.Median) == f.Higher {
		word = "better"
	}
	switch {
	case a.N == 0:
		return "only in B"
	case b.N == 0:
		return "only in A"
	case a.Median == b.Median:
		return "same"
	case f.Plain:
		return ""
	case a.N < 2 || b.N < 2:
		return word + "? (one run)"
	case a.Min <= b.Max && b.Min <= a.Max:
		return word + "? (ranges overlap)"
	}
	return word
}
