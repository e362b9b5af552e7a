package report

import (
	"fmt"
	"math"
	"testing"
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
	for v, want := range map[float64]string{1: "min", 10: "90 %", 100: "99 %", 1000: "99.9 %", 1e4: "99.99 %", 1e5: "99.999 %"} {
		if got := nines(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}

func TestShow(t *testing.T) {
	for _, test := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"time", 0, "0 µs"}, {"time", 12.34, "12.3 µs"}, {"time", 1500, "1.50 ms"}, {"time", 2.5e6, "2.50 s"},
		{"bytes", 1536, "1.50 KiB"}, {"bytes", -3 << 20, "-3.00 MiB"}, {"%", 0.5, "50.0 %"}, {"/s", 1234567, "1,234,567 /s"}, {"", 3, "3"}, {"", 13999, "13,999"}, {"", 2.5, "2.50"},
	} {
		if got := (Figure{Unit: test.unit}).Show(test.value); got != test.want {
			t.Errorf("%g %s is shown as %q, want %q", test.value, test.unit, got, test.want)
		}
	}
}

func TestShell(t *testing.T) {
	got := shell([]string{"run", "--note", "it's $HOME", "", "a=b,c"})
	if want := `run --note 'it'\''s $HOME' '' a=b,c`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Names at the ends of curves do not lie upon each other, nor beside the drawing.
func TestLabelsAreApart(t *testing.T) {
	none := math.NaN()
	for _, test := range []struct{ wanted, want []float64 }{
		{nil, nil},
		{[]float64{100, none, 50}, []float64{100, none, 50}},
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

func TestVerdict(t *testing.T) {
	one, low, high := Spread{5, 5, 5, 1}, Spread{1, 2, 3, 3}, Spread{2, 4, 6, 3}
	far := Spread{7, 8, 9, 3}
	for _, test := range []struct {
		f    Figure
		a, b Spread
		want string
	}{
		{Figure{}, low, far, "worse"}, {Figure{}, far, low, "better"}, {Figure{Higher: true}, low, far, "better"}, {Figure{Higher: true}, far, low, "worse"},
		{Figure{}, low, high, "worse? (ranges overlap)"}, {Figure{Higher: true}, low, high, "better? (ranges overlap)"},
		{Figure{}, one, low, "better? (one run)"}, {Figure{}, low, low, "same"}, {Figure{Plain: true}, low, far, ""},
	} {
		if got := verdict(test.f, test.a, test.b); got != test.want {
			t.Errorf("%+v: from %v to %v is %q, want %q", test.f, test.a, test.b, got, test.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 20, ""}, {"a few words", 20, "a few words"}, {"a few words", 9, "a few\n  words"}, {"a few words", 8, "a few\n  words"},
		{"µs wörds", 7, "µs\n  wörds"}, {"unbreakable", 5, "unbreakable"}, {"it ended:\nlast words here", 14, "it ended:\n  last words\n  here"}, {"a  b", 20, "a  b"},
	} {
		if got := wrap(test.text, test.width, "  "); got != test.want {
			t.Errorf("%q in %d columns: %q, want %q", test.text, test.width, got, test.want)
		}
	}
}
