package main

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// onThread runs functions on a thread of its own, one after the other.
func onThread(t *testing.T) (id int, run func(func())) {
	t.Helper()
	work, done := make(chan func()), make(chan int)
	go func() { // ends with its thread
		runtime.LockOSThread()
		done <- unix.Gettid()
		for f := range work {
			f()
			done <- 0
		}
		close(done)
	}()
	t.Cleanup(func() {
		close(work)
		<-done
	})
	return <-done, func(f func()) {
		work <- f
		<-done
	}
}

// TestLoopsAhead: in a flood all threads are behind those of loops, which may change
// theirs; afterwards all is as before. A kernel that knows no slices has none of it.
func TestLoopsAhead(t *testing.T) {
	var s timeSlices
	a := loopsAhead{slices: &s}
	defer s.shorten()()
	first, onFirst := onThread(t)
	second, onSecond := onThread(t)
	before := attributes(t, first)
	expect := func(when string, thread int, nice int32, slice uint64) {
		t.Helper()
		want := before
		if want.Nice = nice; want.Runtime != 0 {
			want.Runtime = slice
		}
		if got := attributes(t, thread); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	usual, short, long := before.Nice, uint64(shortSlice), uint64(longSlice)
	onFirst(func() { a.round(0) })
	expect("no flood", first, usual, short)

	a.look(true)
	lower := usual
	if before.Runtime != 0 {
		lower = a.nice.Load()
	}
	if mayLower(usual) && before.Runtime != 0 && usual < mostNice && lower <= usual {
		t.Errorf("nice value %d for threads without a loop, usually %d", lower, usual)
	}
	expect("a flood", first, lower, long)
	onFirst(func() { a.round(0) })
	expect("the thread of a loop", first, usual, short)
	expect("another one", second, lower, long)
	onSecond(func() { a.round(1) })
	expect("the other loop's", second, usual, short)
	onSecond(func() { a.round(0) })
	expect("both loops on one thread", second, usual, short)
	expect("the thread that one has left", first, lower, long)
	setThread(first, func(t *unix.SchedAttr) { t.Runtime = short })
	a.look(true)
	expect("a thread that began in the flood", first, lower, long)
	expect("the loops, still", second, usual, short)

	a.look(false)
	expect("after the flood", first, usual, short)
	setThread(first, func(t *unix.SchedAttr) { t.Nice = lower }) // by a loop that was about to
	a.look(false)
	expect("a moment later", first, usual, short)
	onSecond(func() { a.round(1) })
	expect("a loop on its way", second, usual, short)
	a.look(true)
	a.end()
	expect("at the end", first, usual, short)
}
