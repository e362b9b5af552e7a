package report

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/bench/measure"
)

//go:embed page.html
var page string

// pageGroup is a Group as the page shows it.
type pageGroup struct {
	Anchor  string
	Title   string
	Glance  glance
	Targets []Target
	Rows    []Row
	Bars    []picture
	Curves  []picture
	Remarks []string
}

// WriteHTML makes the page: one file, without scripts, that refers to nothing
// outside of itself.
func (r *Report) WriteHTML(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(r.HTML(f), f.Close())
}

// shell writes arguments as a shell takes them.
func shell(args []string) string {
	var out []string
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`!*?[](){}<>|&;#~") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}

// HTML writes the page to w.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"join": shell,
		"size": Figure{Unit: "bytes"}.Show,
		"real": func(n int64) float64 { return float64(n) },
	}).Parse(page)
	if err != nil {
		return err
	}
	type target struct {
		Name, Version  string
		Colour         int
		Configurations []configuration
	}
	data := struct {
		*Report
		Heading  string
		Settings string // of the kernel
		Targets  []target
		Growth   []picture
		Groups   []pageGroup
		Figures  []Figure
	}{Report: r, Heading: "XMPP servers measured over the wire", Settings: kernelSettings(r.Machine)}
	if len(r.Runs) > 0 && !slices.ContainsFunc(r.Runs, func(run Run) bool { return run.Settings.Scenario != InProcess }) {
		data.Heading = "xylem measured in one process"
	}
	colour := r.colours()
	for _, name := range r.Order {
		t := target{Name: name, Version: r.Versions[name], Colour: colour(name)}
		for _, text := range r.Configurations[name] {
			t.Configurations = append(t.Configurations, configuration{name, text})
		}
		data.Targets = append(data.Targets, t)
	}
	data.Growth = r.growth(colour)
	for i, g := range r.Groups() {
		data.Groups = append(data.Groups, pageGroup{fmt.Sprintf("m%d", i+1), g.Title, g.glance(r.Order), g.Targets, g.Rows(), g.bars(colour), g.curves(colour), g.Remarks()})
	}
	for _, f := range Figures() {
		if f.About != "" {
			data.Figures = append(data.Figures, f)
		}
	}
	return t.Execute(w, data)
}

// configuration is what a target was started with.
type configuration struct{ Name, Text string }

// kernelSettings are those that figures depend on, as far as they are known.
func kernelSettings(m measure.Machine) string {
	var list []string
	for _, s := range []struct{ what, value string }{
		{"governor", m.Governor}, {"huge pages", m.HugePages}, {"file system", m.Disk.FileSystem},
	} {
		if s.value != "" {
			list = append(list, s.what+" "+s.value)
		}
	}
	if n := readAhead(m.Disk); n != "" {
		list = append(list, n+" KiB read ahead")
	}
	return strings.Join(list, ", ")
}

// colours numbers a target the same way on the whole page, and the floor as that
// of every page.
func (r *Report) colours() func(name string) int {
	const floor = "relay"
	number := map[string]int{floor: 0}
	for _, name := range r.Order {
		if _, ok := number[name]; !ok {
			number[name] = 1 + (len(number)-1)%(colours-1)
		}
	}
	return func(name string) int { return number[name] }
}

// glance is the one figure that a group is about, as the page begins with it.
type glance struct {
	Figure  string   // "": there is none
	Medians []string // of each target of the report, in its order
}

// glance is the first figure that the group is about and that any target has.
func (g Group) glance(order []string) (line glance) {
	all := Figures()
	for _, key := range headline(g.Settings.Scenario) {
		f := all[slices.IndexFunc(all, func(f Figure) bool { return f.Key == key })].in(g.Settings.Scenario)
		has := false
		line = glance{Figure: f.Title}
		for _, name := range order {
			i := slices.IndexFunc(g.Targets, func(t Target) bool { return t.Name == name })
			text := "–"
			if i >= 0 {
				if s := g.Targets[i].Of(key); s.N > 0 {
					text, has = f.Show(s.Median), true
				}
			}
			line.Medians = append(line.Medians, text)
		}
		if has {
			return line
		}
	}
	line.Figure = ""
	return line
}
