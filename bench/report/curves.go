package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	curvesHeight = 270
	colours      = 8 // of the page's style sheet
)

// line is one curve.
type line struct {
	name   string // in full, shown by the browser over the curve
	label  string // shown at its end; "": none
	colour int
	dashed bool
	x, y   []float64
}

// points are those of l, what is beyond the axes at their ends.
func (l line) points(x, y axis) plotter.XYs {
	list := make(plotter.XYs, len(l.x))
	for i := range list {
		list[i] = plotter.XY{X: min(max(l.x[i], x.low), x.top), Y: min(max(l.y[i], y.low), y.top)}
	}
	return list
}

// inkOf is the CSS of one of the colours.
func inkOf(n int) string { return fmt.Sprintf("var(--c%d)", n%colours) }

// curves draws lines over two axes.
func curves(x, y axis, lines []line) template.HTML {
	d := newDrawing()
	grid := d.line(1, inkRule, "")
	d.Add(&plotter.Grid{Vertical: grid, Horizontal: grid})
	n := &names{}
	for _, l := range lines {
		if len(l.x) == 0 {
			continue
		}
		curve := &plotter.Line{XYs: l.points(x, y), LineStyle: d.line(2, inkOf(l.colour), l.name)}
		if l.dashed {
			curve.Dashes = []vg.Length{4, 4}
		}
		d.Add(curve)
		if l.label != "" {
			n.add(short(l.label), curve.XYs[len(l.x)-1].Y, d.text(inkOf(l.colour)+bold))
		}
	}
	d.Add(n)
	x.set(&d.X) // not before, as adding a curve widens axes
	y.set(&d.Y)
	d.X.Tick.Marker = plot.ConstantTicks(thin(x.ticks, d.X.Tick.Label, d.room()))
	return d.svg(curvesHeight)
}

// room is the width between the labels of the axis and the names of the curves.
func (d *drawing) room() vg.Length {
	size := vg.Rectangle{Max: vg.Point{X: drawingWidth, Y: curvesHeight}}
	return d.DataCanvas(draw.Canvas{Rectangle: size}).Size().X
}

// thin leaves out ticks so that the labels of those that are left have room, but for
// the first one.
func thin(ticks []plot.Tick, style text.Style, room vg.Length) (list []plot.Tick) {
	const gap = 4
	widest := vg.Length(0)
	for _, t := range ticks {
		widest = max(widest, style.Width(t.Label)+gap)
	}
	step := max(1, int(math.Ceil(float64(widest*vg.Length(len(ticks)-1)/room))))
	for i := 0; i < len(ticks); i += step {
		list = append(list, ticks[i])
	}
	return list
}

// names are texts beside the drawing, each at the height of a value.
type names struct {
	text   []string
	at     []float64
	styles []text.Style
}

func (n *names) add(text string, at float64, style text.Style) {
	style.YAlign = draw.YCenter
	n.text, n.at, n.styles = append(n.text, text), append(n.at, at), append(n.styles, style)
}

const besides = 8 // from what is drawn to the text beside it

// Plot implements plot.Plotter.
func (n *names) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	wanted := make([]float64, len(n.at))
	for i, v := range n.at {
		wanted[i] = float64(y(v))
	}
	for i, at := range apart(wanted, float64(c.Min.Y), float64(c.Max.Y)) {
		c.FillText(n.styles[i], vg.Point{X: c.Max.X + besides, Y: vg.Length(at) + below(n.styles[i])}, n.text[i])
	}
}

// GlyphBoxes implements plot.GlyphBoxer: the room that the names need.
func (n *names) GlyphBoxes(*plot.Plot) (list []plot.GlyphBox) {
	for i, t := range n.text {
		list = append(list, plot.GlyphBox{X: 1, Rectangle: vg.Rectangle{Max: vg.Point{X: besides + n.styles[i].Width(t)}}})
	}
	return list
}

// apart moves positions so that no two are nearer than a line of text, and all
// between low and high if there is room. Their order stays.
func apart(wanted []float64, low, high float64) []float64 {
	const least = 14.0
	order := make([]int, len(wanted))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(wanted[a], wanted[b]) })
	list := slices.Clone(wanted)
	next := low
	for _, i := range order {
		list[i] = max(list[i], next)
		next = list[i] + least
	}
	next = high
	for _, i := range slices.Backward(order) {
		list[i] = min(list[i], next)
		next = list[i] - least
	}
	return list
}

// short cuts a name that has no room beside a drawing, in its middle: addresses
// differ at the end.
func short(name string) string {
	const most, tail = 13, 6
	if r := []rune(name); len(r) > most {
		return string(r[:most-tail-1]) + "…" + string(r[len(r)-tail:])
	}
	return name
}

// axis is one axis of curves.
type axis struct {
	label    string
	low, top float64
	scale    plot.Normalizer
	ticks    []plot.Tick
}

func (a axis) set(to *plot.Axis) {
	to.Min, to.Max, to.Scale = a.low, a.top, a.scale
	to.Label.Text, to.Tick.Marker = a.label, plot.ConstantTicks(a.ticks)
}

// linear makes an axis from 0 (or low) to a round value above top.
func linear(label string, low, top float64, show func(float64) string) axis {
	if !(top > low) || !(math.Abs(top) < 1e15) || !(math.Abs(low) < 1e15) { // also when one is not a number
		low, top = 0, 1
	}
	step := math.Pow(10, math.Floor(math.Log10((top-low)/4)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if (top-low)/(step*m) <= 5 {
			step *= m
			break
		}
	}
	a := axis{label: label, low: low, scale: plot.LinearScale{}}
	for i := range int(math.Ceil((top-low)/step-1e-9)) + 1 {
		a.top = low + float64(i)*step
		a.ticks = append(a.ticks, plot.Tick{Value: a.top, Label: show(a.top)})
	}
	return a
}

// decades makes a logarithmic axis over whole powers of ten. low and top must
// be positive; what is out of all proportion is cut off.
func decades(label string, low, top float64, show func(float64) string) axis {
	a := axis{label: label, scale: plot.LogScale{}}
	if !(low > 1e-9 && low < 1e15) {
		low = 1e-9
	}
	if !(top > low && top < 1e15) {
		top = low * 10
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(top))
	to = max(to, from+1)
	for e := from; e <= to; e++ {
		v := math.Pow(10, e)
		a.ticks = append(a.ticks, plot.Tick{Value: v, Label: show(v)})
	}
	a.low, a.top = math.Pow(10, from), math.Pow(10, to)
	return a
}
