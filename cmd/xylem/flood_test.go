package main

import "testing"

func TestFloodWatch(t *testing.T) {
	var f floodWatch
	look := func(name string, kept uint64, want bool) {
		t.Helper()
		if got := f.look(kept); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	look("few messages are kept", floodLook-1, false)
	look("many", 2*floodLook-1, true)
	for range floodLooks - 1 {
		look("a pause", 2*floodLook, true)
	}
	look("it is over", 2*floodLook, false)
	look("and stays so", 2*floodLook+1, false)
	look("another one", 1000, true)
	look("goes on", 1001, true)
}
