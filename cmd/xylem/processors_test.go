package main

import (
	"runtime"
	"testing"
)

func TestSpareThreads(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	t.Setenv("GOMAXPROCS", "")
	undo := spareThreads()
	if got := runtime.GOMAXPROCS(0); got != before+spareProcessors {
		t.Errorf("%d processors, want %d more than %d", got, spareProcessors, before)
	}
	if undo(); runtime.GOMAXPROCS(0) != before {
		t.Errorf("%d processors afterwards, want %d", runtime.GOMAXPROCS(0), before)
	}
	t.Setenv("GOMAXPROCS", "3")
	runtime.GOMAXPROCS(3)
	undo = spareThreads()
	undo()
	if got := runtime.GOMAXPROCS(0); got != 3 {
		t.Errorf("%d processors, want the 3 of the environment", got)
	}
}
