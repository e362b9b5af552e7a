package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"regexp"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A drawing is a plot in the making. gonum.org/v1/plot draws in fixed colours; the
// page has a light and a dark theme. So a colour is only the number of an ink here,
// and when the SVG is written the ink's CSS takes its place.
type drawing struct {
	*plot.Plot
	inks []ink
}

// ink is how a line, an area or a text is painted.
type ink struct {
	css   string // of stroke or fill, and what else belongs to the style
	title string // shown by the browser over it; "": nothing
}

const (
	// drawingWidth is so much that three stand side by side, and so little that text is
	// legible on a telephone.
	drawingWidth = 400 // user units, of 1 px where the drawing is not scaled
	textSize     = 12
	// wider is what the page's font takes at most for a line of text, bold included, as a
	// multiple of the font that the layout is made with.
	wider = 1.3
)

// Inks of what all drawings have.
const (
	inkText  = "var(--ink)"
	inkSoft  = "var(--soft)"
	inkRule  = "var(--rule)"
	atMiddle = ";text-anchor:middle"
	atEnd    = ";text-anchor:end"
	bold     = ";font-weight:600"
)

// newDrawing makes an empty plot without frame, in the page's look.
func newDrawing() *drawing {
	d := &drawing{Plot: plot.New()}
	d.BackgroundColor = nil
	for _, a := range []*plot.Axis{&d.X, &d.Y} {
		a.LineStyle.Width, a.Tick.Length, a.Padding, a.Label.Padding = 0, 0, 6, 3
	}
	d.X.Tick.Label, d.Y.Tick.Label = d.text(inkText+atMiddle), d.text(inkText+atEnd)
	d.X.Tick.Label.XAlign, d.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	d.Y.Tick.Label.XAlign, d.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	d.X.Label.TextStyle = d.text(inkSoft + atMiddle)
	d.X.Label.TextStyle.XAlign, d.X.Label.TextStyle.YAlign = draw.XCenter, draw.YBottom
	return d
}

// ink is a colour that is painted as the CSS says.
func (d *drawing) ink(css, title string) color.Color {
	d.inks = append(d.inks, ink{css, title})
	n := len(d.inks) // from 1: vgsvg leaves black away
	return color.RGBA{byte(n >> 16), byte(n >> 8), byte(n), 255}
}

// line is the style of a line of that width.
func (d *drawing) line(width vg.Length, css, title string) draw.LineStyle {
	return draw.LineStyle{Color: d.ink(css, title), Width: width}
}

// text is the style of a text. Its ink says, too, where the text is anchored, see anchored.
func (d *drawing) text(css string) text.Style {
	return text.Style{Color: d.ink(css, ""), Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: textSize},
		Handler: anchored{text.Plain{Fonts: font.DefaultCache}}}
}

// anchored lays text out for a font that it does not know: that of the page. It leaves
// room for a wide one, and leaves it to the browser where a text begins that is
// centred or ends somewhere. Figures and most names have nothing below the line, so
// what is centred beside a value goes down by half of that.
type anchored struct{ text.Plain }

func (h anchored) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	width, height, depth = h.Plain.Box(txt, f)
	return width * wider, height, depth
}

func (h anchored) Draw(c vg.Canvas, txt string, sty text.Style, at vg.Point) {
	if sty.XAlign = draw.XLeft; sty.YAlign == draw.YCenter {
		at.Y -= below(sty) / 2
	}
	h.Plain.Draw(c, txt, sty, at)
}

// below is what a line of text has below itself.
func below(sty text.Style) vg.Length { return sty.FontExtents().Descent }

// styled finds what vgsvg says of the style of an element, with the end of one that is
// empty. Texts of others cannot look like it: their quotes are escaped.
var (
	styled = regexp.MustCompile(`style="([^"]*)"( ?/>)?`)
	inked  = regexp.MustCompile(`(fill|stroke):#([0-9A-F]{6})`)
	faces  = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;font-weight:[^;]*;font-style:[^;]*;`)
)

// svg draws it on a canvas of that height, which the page scales.
func (d *drawing) svg(height vg.Length) template.HTML {
	c := vgsvg.New(drawingWidth, height)
	d.Draw(draw.New(c))
	var b bytes.Buffer
	_, _ = c.WriteTo(&b) // a buffer takes all
	_, body, _ := strings.Cut(b.String(), `xlink">`)
	body = styled.ReplaceAllStringFunc(body, d.paint)
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %d %.4g">`, drawingWidth, height) + body)
}

// paint puts inks in the place of their numbers.
func (d *drawing) paint(style string) string {
	title := ""
	style = inked.ReplaceAllStringFunc(faces.ReplaceAllString(style, ""), func(s string) string {
		what, number, _ := strings.Cut(s, ":#")
		n, _ := strconv.ParseUint(number, 16, 32) // the pattern says that it is one
		if n == 0 || n > uint64(len(d.inks)) {
			return s
		}
		title = d.inks[n-1].title
		return what + ":" + d.inks[n-1].css
	})
	if before, empty := strings.CutSuffix(style, "/>"); empty && title != "" {
		return before + "><title>" + html.EscapeString(title) + "</title></path>"
	}
	return style
}
