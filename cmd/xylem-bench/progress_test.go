package main

import (
	"bytes"
	"testing"

	"github.com/xylem-im/xylem/bench"
)

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text, want string
		columns    int
	}{
		{"µs here", "µs here", 7}, {"µs here", "µs he…", 6}, {"µs", "µs", 80}, {"µs", "…", 1}, {"µs", "…", -5},
	} {
		if got := cut(test.text, test.columns); got != test.want {
			t.Errorf("%q in %d columns: %q, want %q", test.text, test.columns, got, test.want)
		}
	}
}

// Where there is no terminal, each step is a line; no bar and no control
// characters.
func TestProgressWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(t.Context(), &out, false)
	for _, g := range []bench.Progress{{What: "one", Done: 0.1, State: "5/s"}, {What: "one", Done: 0.9}, {What: "two", Done: -1}} {
		p.show(g)
	}
	p.end()
	if want := "one\ntwo\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if n := columns(&out); n != 120 {
		t.Errorf("%d columns without a terminal", n)
	}
}
