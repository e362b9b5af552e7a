package report

import (
	"regexp"
	"strings"
	"testing"
)

// Drawings have the colours and the font of the page, titles over curves, and text of
// others as text.
func TestInks(t *testing.T) {
	const name = `a" style="fill:#000001"/><b>`
	list := []line{
		{name: name, label: name, colour: 2, x: []float64{0, 1, 2}, y: []float64{0, 2, 1}},
		{name: "other", colour: 2 + colours, dashed: true, x: []float64{0, 2}, y: []float64{1, 1}},
		{name: "nothing", label: "nothing"},
	}
	svg := string(curves(linear(name, 0, 2, plain), linear("", 0, 2, plain), list))
	for want, n := range map[string]int{
		"stroke:var(--c2)": 2, "stroke-dasharray:4,4": 1, "fill:var(--c2);text-anchor": 0, "fill:var(--c2);font-weight:600": 1,
		"<title>a&#34; style=&#34;fill:#000001&#34;/&gt;&lt;b&gt;</title></path>": 1, "<title>other</title></path>": 1, "<title>": 2,
		"font-family": 0, "<b>": 0, "nothing": 0, "fill:var(--soft);text-anchor:middle": 1,
	} {
		if got := strings.Count(svg, want); got != n {
			t.Errorf("%q is there %d times, want %d", want, got, n)
		}
	}
	if other := regexp.MustCompile(`style="[^"]*#[^"]*"`).FindString(svg); other != "" {
		t.Errorf("a colour of no ink: %s", other)
	}
	if again := string(curves(linear(name, 0, 2, plain), linear("", 0, 2, plain), list)); again != svg {
		t.Error("the same is drawn in another way")
	}
}

// More inks than a byte counts keep apart.
func TestManyInks(t *testing.T) {
	var list []line
	for i := range 700 {
		list = append(list, line{name: strings.Repeat("i", i+1), colour: i, x: []float64{0, 1}, y: []float64{0, 1}})
	}
	svg := string(curves(linear("", 0, 1, plain), linear("", 0, 1, plain), list))
	for i, l := range list {
		want := inkOf(l.colour) + `;stroke-width:2" ><title>` + l.name + "</title>"
		if !strings.Contains(svg, want) {
			t.Fatalf("curve %d is not drawn as %s", i, want)
		}
	}
}
