package report

import (
	"fmt"
	"io"
	"slices"
)

// Compare writes, for each target and settings that both reports have, the
// medians of a and b, what they lie between, and b as a ratio of a; and then what
// only one of them has. A difference inside the spread of the runs is marked as
// such: it may be noise. width is that of the terminal, in columns.
func Compare(w io.Writer, a, b *Report, width int) error {
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
			if err := compareTarget(w, ga, ta, tb, a.Versions[ta.Name], b.Versions[tb.Name], width); err != nil {
				return err
			}
		}
	}
	if common == 0 {
		return fmt.Errorf("the reports have no target with equal settings in common")
	}
	for _, line := range slices.Concat(a.without(b, "A", "B"), b.without(a, "B", "A")) {
		if _, err := fmt.Fprintln(w, "!", line); err != nil {
			return err
		}
	}
	return nil
}

// unlike is what makes two reports hard to compare.
func unlike(a, b *Report) (list []string) {
	if a.Machine != b.Machine {
		list = append(list, "the reports come from different machines, kernels or Go versions; ratios between targets of one report are safer")
	}
	if a.Server != b.Server || a.Client != b.Client {
		list = append(list, fmt.Sprintf("servers and generators had other cores: %s and %s in A, %s and %s in B",
			cores(a.Server), cores(a.Client), cores(b.Server), cores(b.Client)))
	}
	return list
}

func cores(list string) string {
	if list == "" {
		return "all"
	}
	return list
}

// find returns the target of that name in the group with the settings of g.
func (r *Report) find(g Group, name string) (Target, bool) {
	for _, o := range r.Groups() {
		if o.Settings != g.Settings {
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
				list = append(list, fmt.Sprintf("only in %s: %s: %s", name, t.Name, g.Title))
			case len(o.Runs) == 0:
				list = append(list, fmt.Sprintf("failed in %s: %s: %s", otherName, t.Name, g.Title))
			}
		}
	}
	return list
}

func compareTarget(w io.Writer, g Group, a, b Target, versionA, versionB string, width int) error {
	fmt.Fprintf(w, "%s: %s\n", b.Name, g.Title)
	if versionA != versionB {
		fmt.Fprintf(w, "  A is %s, B is %s\n", versionA, versionB)
	}
	t := grid{head: []string{"A", "B", "B/A", ""}, whole: true}
	for _, f := range Figures() {
		sa, sb := a.Of(f.Key), b.Of(f.Key)
		if sa.N == 0 && sb.N == 0 || f.Fault && sa.Max == 0 && sb.Max == 0 {
			continue
		}
		ratio := "–"
		if sa.Median != 0 && sb.N > 0 {
			ratio = fmt.Sprintf("%.2f", sb.Median/sa.Median)
		}
		row := Row{Figure: f.in(g.Settings.Scenario)}
		t.add(row.Figure.Title, row.cell(sa), row.cell(sb), cell{main: ratio}, cell{main: verdict(f, sa, sb)})
	}
	if err := t.write(w, width); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// verdict says whether b is better, and whether that may be noise: one run tells
// nothing about it, and of several the ranges must not overlap.
func verdict(f Figure, a, b Spread) string {
	word := "worse"
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
