package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
// everywhere are left out but for the first that there can be: messages lost, or
// logins that failed.
func (g Group) Rows() []Row {
	var rows []Row
	shown := false // a fault
	for _, f := range Figures() {
		row := Row{Figure: f.in(g.Settings.Scenario)}
		has, trouble := false, false
		for _, t := range g.Targets {
			s := t.Of(f.Key)
			has = has || s.N > 0
			trouble = trouble || s.Max != 0
			row.Cells = append(row.Cells, s)
		}
		if has && (!f.Fault || trouble || !shown) {
			rows = append(rows, row)
		}
		shown = shown || has && f.Fault
	}
	return rows
}

// cell shows a spread: the median, and what it lies between.
func (r Row) cell(s Spread) cell {
	switch {
	case s.N == 0:
		return cell{main: "–"}
	case s.N == 1 || s.Min == s.Max:
		return cell{main: r.Figure.Show(s.Median)}
	}
	return cell{r.Figure.Show(s.Median), r.Range(s)}
}

// Range shows what a spread lies between, the unit once if both have the same.
func (r Row) Range(s Spread) string {
	low, high := r.Figure.Show(s.Min), r.Figure.Show(s.Max)
	if number, unit, ok := strings.Cut(low, " "); ok && strings.HasSuffix(high, " "+unit) {
		low = number
	}
	return low + " … " + high
}

// Table writes the summary for a terminal of that many columns.
func (r *Report) Table(w io.Writer, width int) error {
	for _, g := range r.Groups() {
		fmt.Fprintln(w, g.Title)
		var t grid
		for _, target := range g.Targets {
			t.head = append(t.head, target.Name)
		}
		for _, row := range g.Rows() {
			var cells []cell
			for _, s := range row.Cells {
				cells = append(cells, row.cell(s))
			}
			t.add(row.Figure.Title, cells...)
		}
		if len(t.rows) > 0 { // else all failed
			if err := t.write(w, width); err != nil {
				return err
			}
		}
		for _, line := range g.Remarks() {
			fmt.Fprintln(w, "  !", wrap(line, width, "    "))
		}
		fmt.Fprintln(w)
	}
	for _, line := range r.Remarks {
		fmt.Fprintln(w, "!", wrap(line, width, "  "))
	}
	_, err := io.WriteString(w, "")
	return err
}

// wrap breaks text between words so that it fits into width columns behind an
// indent; a word that is longer stays whole.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString("\n" + indent)
		}
		column := len(indent)
		for j, word := range strings.Split(line, " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case j == 0:
			case column+1+n > width:
				b.WriteString("\n" + indent)
				column = len(indent)
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
	}
	return b.String()
}

// Remarks are the warnings and failures of a group, each once, with the targets
// that it is of and the number of runs.
func (g Group) Remarks() []string { return g.remarks(true) }

// remarks names the targets if asked to.
func (g Group) remarks(targets bool) (list []string) {
	type remark struct {
		text    string
		targets []string
		runs    []*Run
	}
	var all []*remark
	add := func(run *Run, text string) {
		text = strings.TrimSpace(text)
		i := slices.IndexFunc(all, func(r *remark) bool { return r.text == text })
		if i < 0 {
			i = len(all)
			all = append(all, &remark{text: text})
		}
		r := all[i]
		if !slices.Contains(r.runs, run) {
			r.runs = append(r.runs, run)
		}
		if !slices.Contains(r.targets, run.Target) {
			r.targets = append(r.targets, run.Target)
		}
	}
	for _, t := range g.Targets {
		for _, run := range t.Bad {
			add(run, "failed: "+run.Failed)
		}
		for _, run := range t.Runs {
			for _, warning := range run.Warnings {
				add(run, warning)
			}
		}
	}
	for _, r := range all {
		s := r.text
		if targets {
			s = strings.Join(r.targets, ", ") + ": " + s
		}
		if n := len(r.runs); n > 1 {
			s += fmt.Sprintf(" (%d runs)", n)
		}
		list = append(list, s)
	}
	return list
}
