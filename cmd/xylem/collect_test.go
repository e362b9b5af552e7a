package main

import (
	"runtime/debug"
	"testing"
)

func TestCollectorPace(t *testing.T) {
	const mb = 1 << 20
	var c collectorPace
	look := func(name string, flooded bool, live uint64, want int) {
		t.Helper()
		if got := c.pace(flooded, live); got != want {
			t.Errorf("%s: %d per cent, want %d", name, got, want)
		} else {
			c.percent = got
		}
	}
	look("no flood", false, 50*mb, 0)
	look("a flood", true, 50*mb, 500)
	look("what is in use has grown", true, 150*mb, 150)
	look("so far that nothing is gained", true, 2000*mb, 100)
	look("and shrunk", true, 64*mb, 400)
	look("it is over", false, 64*mb, 100)
	look("and stays so", false, 64*mb, 100)
	look("another one, nothing in use", true, 0, 6400)
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
		c.look(true)
		if got := now(); test.many != 0 && got != test.many || test.many == 0 && got <= 100 {
			t.Errorf("GOGC=%q: %d per cent in a flood", test.gogc, got)
		}
		if c.end(); now() != test.last {
			t.Errorf("GOGC=%q: %d per cent at the end", test.gogc, now())
		}
	}
}
