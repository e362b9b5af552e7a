package report

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Compare writes, for each target and settings that both reports have, the
// medians of a and b, what they lie between, and b as a ratio of a. A difference
// inside the spread of the runs is marked as such: it may be noise.
func Compare(w io.Writer, a, b *Report) error {
	if a.Machine != b.Machine {
		fmt.Fprintln(w, "! the reports come from different machines or Go versions; ratios between targets of one report are safer")
	}
	common := 0
	for _, ga := range a.Groups() {
		for _, gb := range b.Groups() {
			if ga.Settings != gb.Settings {
				continue
			}
			for _, ta := range ga.Targets {
				for _, tb := range gb.Targets {
					if ta.Name == tb.Name {
						common++
						if err := compareTarget(w, ga, ta, tb, a.Versions[ta.Name], b.Versions[tb.Name]); err != nil {
							return err
						}
					}
				}
			}
		}
	}
	if common == 0 {
		return fmt.Errorf("the reports have no target with equal settings in common")
	}
	return nil
}

func compareTarget(w io.Writer, g Group, a, b Target, versionA, versionB string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "%s: %s\tA\tB\tB/A\t\n", b.Name, Title(g.Settings))
	if versionA != versionB {
		fmt.Fprintf(t, "  version\t%s\t%s\t\t\n", versionA, versionB)
	}
	for _, f := range Figures() {
		sa, sb := a.Of(f.Key), b.Of(f.Key)
		if sa.N == 0 || sb.N == 0 || f.Fault && sa.Max == 0 && sb.Max == 0 {
			continue
		}
		ratio := "–"
		if sa.Median != 0 {
			ratio = fmt.Sprintf("%.2f", sb.Median/sa.Median)
		}
		row := Row{Figure: f}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", f.Title, row.Cell(sa), row.Cell(sb), ratio, verdict(f, sa, sb))
	}
	fmt.Fprintln(t, "\t\t\t\t")
	return t.Flush()
}

// verdict says whether b is better, and whether that may be noise: one run tells
// nothing about it, and of several the ranges must not overlap.
func verdict(f Figure, a, b Spread) string {
	word := "worse"
	if (b.Median > a.Median) == f.Higher {
		word = "better"
	}
	switch {
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
