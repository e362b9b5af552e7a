package main

import (
	"runtime/debug"
	"testing"
)

func TestCollectorPace(t *testing.T) {
	const mb = 1 << 20
	var c collectorPace
	for i, look := range []struct {
		name       string
		kept, live uint64
		want       int
	}{
		{"few messages are kept", 499, 50 * mb, 0},
		{"many", 999, 50 * mb, 400},
		{"what is in use has grown", 2000, 150 * mb, 150},
		{"so far that nothing is gained", 3000, 2000 * mb, 100},
		{"and shrunk", 4000, 64 * mb, 400},
		{"a pause", 4001, 64 * mb, 400},
		{"the second", 4001, 64 * mb, 400},
		{"the third", 4001, 64 * mb, 400},
		{"the fourth", 4001, 64 * mb, 400},
		{"it is over", 4001, 64 * mb, 100},
		{"and stays so", 4001, 64 * mb, 100},
		{"another one, nothing in use", 5000, 0, 400},
	} {
		got := c.pace(look.kept, look.live)
		if got != look.want {
			t.Errorf("look %d, %s: %d per cent, want %d", i, look.name, got, look.want)
		}
		c.percent = got
	}
}

func TestCollectorPaceIsSet(t *testing.T) {
	usual := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(usual) })
	now := func() int {
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	for _, test := range []struct {
		gogc       string
		many, last int
	}{{"", 0, 100}, {"100", 100, 100}} {
		t.Setenv("GOGC", test.gogc)
		var c collectorPace
		c.look(floodLook)
		if got := now(); test.many != 0 && got != test.many || test.many == 0 && got <= 100 {
			t.Errorf("GOGC=%q: %d per cent in a flood", test.gogc, got)
		}
		if c.end(); now() != test.last {
			t.Errorf("GOGC=%q: %d per cent at the end", test.gogc, now())
		}
	}
}
