package report

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

// An axis has few ticks and holds its values, whatever they are. One that was
// asked for the logarithm of 0 once took all memory.
func TestAxesAreBounded(t *testing.T) {
	values := []float64{0, -1, 1, -1e300, 1e300, 1e-300, 0.1, 3, 7.3, 99, 12345, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, low := range values {
		for _, top := range values {
			a := linear("", low, top, number)
			if n := len(a.ticks); n < 2 || n > 12 {
				t.Errorf("linear from %g to %g has %d ticks", low, top, n)
			}
			if top > low && math.Abs(top) < 1e15 && math.Abs(low) < 1e15 && (a.top < top-1e-6*math.Abs(top-low) || a.low > low) {
				t.Errorf("linear from %g to %g goes from %g to %g", low, top, a.low, a.top)
			}
			if n := len(decades("", low, top, number).ticks); n < 2 || n > 40 {
				t.Errorf("decades from %g to %g have %d ticks", low, top, n)
			}
		}
	}
}

func TestNines(t *testing.T) {
	for v, want := range map[float64]string{1: "min", 10: "90", 100: "99", 1000: "99.9", 1e4: "99.99", 1e5: "99.999"} {
		if got := nines(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

// Names at the ends of curves do not lie upon each other, nor beside the drawing.
func TestLabelsAreApart(t *testing.T) {
	for _, test := range []struct{ wanted, want []float64 }{
		{nil, nil},
		{[]float64{100, 50}, []float64{100, 50}},
		{[]float64{100, 101, 99}, []float64{113, 127, 99}},
		{[]float64{200, 200}, []float64{186, 200}},
		{[]float64{-5, 0}, []float64{10, 24}},
	} {
		got := apart(test.wanted, 10, 200)
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v is moved to %v, want %v", test.wanted, got, test.want)
		}
	}
	if got := short("prosody-tuned"); got != "prosody-tuned" {
		t.Errorf("%q is cut", got)
	}
	if got := short("127.0.0.1:5222 and more"); got != "127.0.…d more" {
		t.Errorf("cut to %q", got)
	}
}

// Labels below an axis do not lie upon each other.
func TestTicksHaveRoom(t *testing.T) {
	style := newDrawing().X.Tick.Label
	for _, top := range []float64{1, 40, 1000, 65000, 1e6, 1.7e9, 1e14} {
		for _, room := range []vg.Length{60, 150, 250, 330} {
			all := linear("", 0, top, plain).ticks
			list := thin(all, style, room)
			if len(list) == 0 || list[0] != all[0] || room > 300 && top <= 1e6 && len(list) < 3 {
				t.Fatalf("0 to %g in %v: %v", top, room, list)
			}
			at := func(i int) vg.Length { return room * vg.Length(list[i].Value/all[len(all)-1].Value) }
			for i := 1; i < len(list); i++ {
				if w := (style.Width(list[i-1].Label) + style.Width(list[i].Label)) / 2; w > at(i)-at(i-1) {
					t.Errorf("0 to %g in %v: %q and %q touch", top, room, list[i-1].Label, list[i].Label)
				}
			}
		}
	}
}
