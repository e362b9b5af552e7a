package report

import (
	"html/template"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// bar is one value with what it lies between.
type bar struct {
	name   string
	colour int
	spread Spread
	text   string
}

// Of bars.
const (
	barRow    = 30
	barHeight = 20
	leastBar  = 0.008 // of the greatest value; less could not be seen
)

// bars draws values side by side, from 0.
func bars(list []bar) template.HTML {
	d := newDrawing()
	top := 0.0
	for _, v := range list {
		top = max(top, v.spread.Max)
	}
	if top == 0 {
		top = 1
	}
	whisker := d.line(1.3, inkText+";stroke-opacity:.65", "")
	value, none := d.text(inkText), d.text(inkSoft)
	var names []plot.Tick
	for i, v := range list {
		row := float64(-i) // the first is at the top
		names = append(names, plot.Tick{Value: row, Label: short(v.name)})
		if v.spread.N == 0 {
			d.Add(beside(0, row, "–", none))
			continue
		}
		length := max(v.spread.Median, leastBar*top)
		d.Add(&plotter.BarChart{Values: plotter.Values{length}, XMin: row, Horizontal: true, Width: barHeight, Color: d.ink(inkOf(v.colour), "")})
		if s := v.spread; s.Max > s.Min {
			low, high := max(s.Min, 0), max(s.Max, 0)
			d.Add(&plotter.XErrorBars{XYs: plotter.XYs{{X: low, Y: row}}, XErrors: plotter.XErrors{{High: high - low}}, LineStyle: whisker, CapWidth: 8})
		}
		d.Add(beside(max(length, v.spread.Max), row, v.text, value))
	}
	d.HideX()
	d.X.Padding, d.Y.Padding = 0, 6
	d.Y.Tick.Marker = plot.ConstantTicks(names)
	d.Y.Tick.Label.Color = d.ink(inkText+atEnd+bold, "")
	d.X.Min, d.X.Max, d.Y.Min, d.Y.Max = 0, top, 0.5-float64(len(list)), 0.5
	return d.svg(vg.Length(barRow*len(list) + 4))
}

// beside is a text to the right of a value.
func beside(x, y float64, s string, style text.Style) *plotter.Labels {
	style.YAlign = draw.YCenter
	return &plotter.Labels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{s}, TextStyle: []text.Style{style}, Offset: vg.Point{X: besides, Y: below(style)}}
}
