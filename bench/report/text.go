package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// number shows three digits that count, and thousands apart.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 100:
		return thousands(v)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.01:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// thousands shows a whole number; one that is out of all proportion as a power
// of ten.
func thousands(v float64) string {
	if !(math.Abs(v) < 1e15) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 {
		return "-" + s
	}
	return s
}

// A Row is one figure of a Group, with a cell for each target.
type Row struct {
	Figure Figure
	Cells  []Spread
}

// Rows returns the figures that any target of g has. Faults that are zero
// everywhere are left out but for loss.
func (g Group) Rows() []Row {
	var rows []Row
	for _, f := range Figures() {
		row := Row{Figure: f}
		has, trouble := false, false
		for _, t := range g.Targets {
			s := t.Of(f.Key)
			has = has || s.N > 0
			trouble = trouble || s.Max != 0
			row.Cells = append(row.Cells, s)
		}
		if has && (!f.Fault || trouble || f.Key == Lost) {
			rows = append(rows, row)
		}
	}
	return rows
}

// Cell shows a spread: the median, and what it lies between.
func (r Row) Cell(s Spread) string {
	switch {
	case s.N == 0:
		return "–"
	case s.N == 1 || s.Min == s.Max:
		return r.Figure.Show(s.Median)
	}
	return fmt.Sprintf("%s (%s)", r.Figure.Show(s.Median), r.Range(s))
}

// Range shows what a spread lies between, the unit once if both have the same.
func (r Row) Range(s Spread) string {
	low, high := r.Figure.Show(s.Min), r.Figure.Show(s.Max)
	if number, unit, ok := strings.Cut(low, " "); ok && strings.HasSuffix(high, " "+unit) {
		low = number
	}
	return low + " … " + high
}

// Table writes the summary for a terminal.
func (r *Report) Table(w io.Writer) error {
	for _, g := range r.Groups() {
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintf(t, "%s\t", Title(g.Settings))
		for _, target := range g.Targets {
			fmt.Fprintf(t, "%s\t", target.Name)
		}
		fmt.Fprintln(t)
		for _, row := range g.Rows() {
			fmt.Fprintf(t, "  %s\t", row.Figure.Title)
			for _, s := range row.Cells {
				fmt.Fprintf(t, "%s\t", row.Cell(s))
			}
			fmt.Fprintln(t)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, line := range g.Remarks() {
			fmt.Fprintln(w, "  !", line)
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}

// Remarks are the warnings and failures of a group, each once, with the targets
// that it is of.
func (g Group) Remarks() (list []string) {
	type remark struct {
		text    string
		targets []string
		runs    int
	}
	var all []*remark
	add := func(target, text string) {
		text = strings.TrimSpace(text)
		i := slices.IndexFunc(all, func(r *remark) bool { return r.text == text })
		if i < 0 {
			i = len(all)
			all = append(all, &remark{text: text})
		}
		r := all[i]
		if r.runs++; !slices.Contains(r.targets, target) {
			r.targets = append(r.targets, target)
		}
	}
	for _, t := range g.Targets {
		for _, run := range t.Bad {
			add(t.Name, "failed: "+run.Failed)
		}
		for _, run := range t.Runs {
			for _, warning := range run.Warnings {
				add(t.Name, warning)
			}
		}
	}
	for _, r := range all {
		s := strings.Join(r.targets, ", ") + ": " + r.text
		if r.runs > 1 {
			s += fmt.Sprintf(" (%d runs)", r.runs)
		}
		list = append(list, s)
	}
	return list
}
