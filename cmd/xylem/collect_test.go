package main

import (
	"runtime/debug"
	"testing"
)

func TestCollectorPace(t *testing.T) {
	const mb = 1 << 20
	var c collectorPace
	look := func(name string, kept, live uint64, want int) {
		t.Helper()
		if got := c.pace(kept, live); got != want {
			t.Errorf("%s: %d per cent, want %d", name, got, want)
		} else {
			c.percent = got
		}
	}
	look("few messages are kept", floodLook-1, 50*mb, 0)
	look("many", 2*floodLook-1, 50*mb, 500)
	look("what is in use has grown", 1000, 150*mb, 150)
	look("so far that nothing is gained", 2000, 2000*mb, 100)
	look("and shrunk", 3000, 64*mb, 400)
	for range floodLooks - 1 {
		look("a pause", 3001, 64*mb, 400)
	}
	look("it is over", 3001, 64*mb, 100)
	look("and stays so", 3001, 64*mb, 100)
	look("another one, nothing in use", 4000, 0, 6400)
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
