package report

import (
	_ "embed"
	"errors"
	"html/template"
	"io"
	"os"
	"strings"
)

//go:embed page.html
var page string

// pageGroup is a Group as the page shows it.
type pageGroup struct {
	Title   string
	Targets []Target
	Rows    []Row
	Bars    []plot
	Curves  []plot
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
		Name, Version string
		Colour        int
	}
	data := struct {
		*Report
		Targets []target
		Growth  []plot
		Groups  []pageGroup
		Figures []Figure
	}{Report: r}
	colour := func(name string) int {
		for i, other := range r.Order {
			if other == name {
				return i % colours
			}
		}
		return 0
	}
	for _, name := range r.Order {
		data.Targets = append(data.Targets, target{name, r.Versions[name], colour(name)})
	}
	data.Growth = r.growth(colour)
	for _, g := range r.Groups() {
		data.Groups = append(data.Groups, pageGroup{g.Title, g.Targets, g.Rows(), g.bars(colour), g.curves(colour), g.Remarks()})
	}
	for _, f := range Figures() {
		if f.About != "" {
			data.Figures = append(data.Figures, f)
		}
	}
	return t.Execute(w, data)
}
