package main

import (
	"bytes"
	"testing"
	"time"

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
	var clock time.Time
	p.now = func() time.Time { return clock }
	for _, g := range []bench.Progress{{What: "one", Done: 0.1, State: "5/s"}, {What: "one", Done: 0.2}, {What: "one", Done: 0.3, State: "7/s"},
		{What: "one", Done: 0.5}, {What: "two", Done: -1}, {What: "two", Done: -1, State: "8 accounts"}, {What: "two", Done: -1}} {
		p.show(g)
		clock = clock.Add(lineEvery / 2)
	}
	p.end()
	if want := "one\none, 30 %, 7/s\ntwo\ntwo\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	if n := columns(&out); n != 120 {
		t.Errorf("%d columns without a terminal", n)
	}
}
