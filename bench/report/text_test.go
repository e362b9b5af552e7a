package report

import "testing"

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
