package report

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
)

// A plot is drawn in user units of 1 px; colours are classes of the page's
// style sheet, so that it follows the reader's light or dark theme.
const (
	plotWidth  = 460 // three stand side by side, and text is legible on a telephone
	plotHeight = 290
	plotLeft   = 64
	plotRight  = 106 // with the names of the curves
	plotTop    = 12
	plotBottom = 44
	colours    = 8
)

// line is one curve.
type line struct {
	name   string // in full, shown by the browser over the curve
	label  string // shown at its end; "": none
	colour int
	dashed bool
	x, y   []float64
}

// axis maps values to a range of the drawing.
type axis struct {
	label    string
	low, top float64
	log      bool
	show     func(float64) string
	ticks    []float64
}

// at returns where v is drawn; what is beyond the axis, at its end.
func (a axis) at(v, from, to float64) float64 {
	low, top := a.low, a.top
	v = min(max(v, low), top)
	if a.log {
		v, low, top = math.Log10(v), math.Log10(low), math.Log10(top)
	}
	if top == low {
		return from
	}
	return from + (v-low)/(top-low)*(to-from)
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
	a := axis{label: label, low: low, show: show}
	for i := range int(math.Ceil((top-low)/step-1e-9)) + 1 {
		a.top = low + float64(i)*step
		a.ticks = append(a.ticks, a.top)
	}
	return a
}

// decades makes a logarithmic axis over whole powers of ten. low and top must
// be positive; what is out of all proportion is cut off.
func decades(label string, low, top float64, show func(float64) string) axis {
	a := axis{label: label, log: true, show: show}
	if !(low > 1e-9 && low < 1e15) {
		low = 1e-9
	}
	if !(top > low && top < 1e15) {
		top = low * 10
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(top))
	to = max(to, from+1)
	for e := from; e <= to; e++ {
		a.ticks = append(a.ticks, math.Pow(10, e))
	}
	a.low, a.top = math.Pow(10, from), math.Pow(10, to)
	return a
}

// curves draws lines over two axes.
func curves(x, y axis, lines []line) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img">`, plotWidth, plotHeight)
	const right, bottom = plotWidth - plotRight, plotHeight - plotBottom
	for _, v := range y.ticks {
		at := y.at(v, bottom, plotTop)
		fmt.Fprintf(&b, `<path class="grid" d="M%d %.1fH%d"/><text class="end" x="%d" y="%.1f">%s</text>`,
			plotLeft, at, right, plotLeft-6, at+4, html.EscapeString(y.show(v)))
	}
	for _, v := range x.ticks {
		at := x.at(v, plotLeft, right)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %dV%d"/><text class="mid" x="%.1f" y="%d">%s</text>`,
			at, plotTop, bottom, at, bottom+18, html.EscapeString(x.show(v)))
	}
	fmt.Fprintf(&b, `<text class="mid label" x="%d" y="%d">%s</text>`, (plotLeft+right)/2, plotHeight-8, html.EscapeString(x.label))
	for _, l := range lines {
		class := fmt.Sprintf("c%d", l.colour%colours)
		if l.dashed {
			class += " dashed"
		}
		fmt.Fprintf(&b, `<path class="line %s" d="`, class)
		for i := range l.x {
			fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], x.at(l.x[i], plotLeft, right), y.at(l.y[i], bottom, plotTop))
		}
		fmt.Fprintf(&b, `"><title>%s</title></path>`, html.EscapeString(l.name))
	}
	for i, at := range apart(ends(lines, func(v float64) float64 { return y.at(v, bottom, plotTop) }), plotTop+4, bottom) {
		if l := lines[i]; l.label != "" && len(l.x) > 0 {
			fmt.Fprintf(&b, `<text class="at c%d" x="%.1f" y="%.1f">%s</text>`, l.colour%colours, right+6.0, at+4, html.EscapeString(short(l.label)))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // built of numbers and escaped text
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

// ends is where the labels of lines would best be; not a number for those that
// have none.
func ends(lines []line, at func(float64) float64) []float64 {
	list := make([]float64, len(lines))
	for i, l := range lines {
		if list[i] = math.NaN(); l.label != "" && len(l.y) > 0 {
			list[i] = at(l.y[len(l.y)-1])
		}
	}
	return list
}

// apart moves positions so that no two are nearer than a line of text, and all
// between low and high if there is room. Their order stays.
func apart(wanted []float64, low, high float64) []float64 {
	const least = 14.0
	var order []int
	for i, v := range wanted {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
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

// bar is one value with what it lies between.
type bar struct {
	name   string
	colour int
	spread Spread
	text   string
}

// bars draws values side by side, from 0.
func bars(list []bar) template.HTML {
	const width, row, name, value = 400, 30, 116, 88 // narrower than curves, as three stand side by side
	top := 0.0
	for _, v := range list {
		top = max(top, v.spread.Max)
	}
	if top == 0 {
		top = 1
	}
	scale := func(v float64) float64 { return max(0, v) / top * (width - name - value) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img">`, width, row*len(list)+4)
	for i, v := range list {
		y := i*row + 4
		fmt.Fprintf(&b, `<text class="end name" x="%d" y="%d">%s</text>`, name-8, y+16, html.EscapeString(short(v.name)))
		if v.spread.N == 0 {
			fmt.Fprintf(&b, `<text class="label" x="%d" y="%d">–</text>`, name, y+16)
			continue
		}
		w := max(1.5, scale(v.spread.Median))
		fmt.Fprintf(&b, `<rect class="bar c%d" x="%d" y="%d" width="%.1f" height="20" rx="2"/>`, v.colour%colours, name, y, w)
		if v.spread.Max > v.spread.Min {
			low, high := name+scale(v.spread.Min), name+scale(v.spread.Max)
			fmt.Fprintf(&b, `<path class="whisker" d="M%.1f %dH%.1fM%.1f %dv8M%.1f %dv8"/>`, low, y+10, high, low, y+6, high, y+6)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`, name+max(w, scale(v.spread.Max))+8, y+15, html.EscapeString(v.text))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // built of numbers and escaped text
}
