package main

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// lowered is by how much the nice value of threads without a loop is raised in a
	// flood: one of them has a fifth of what a loop has of a core then, where both want
	// it, which is more than the store needs for what a loop gives it.
	lowered   = 7
	mostNice  = 19
	longSlice = 2 * shortSlice // of those threads
	mostLoops = 1024           // as server.loops
)

// loopsAhead lets event loops on before all other threads of the process while clients
// are flooded. A thread that has had its share of a core waits for the others to have
// theirs, and Linux looks for that each 4 ms: so long did a loop wait while the store
// wrote a table or garbage was marked. So the other threads get a higher nice value, and
// slices that are longer than those of loops. Goroutines change threads, so each loop
// looks which one it is on.
//
// A process may lower a nice value again only with CAP_SYS_NICE or a limit that allows
// it (RLIMIT_NICE); without, there are the slices alone.
type loopsAhead struct {
	slices  *timeSlices
	on      atomic.Bool
	nice    atomic.Int32            // of threads without a loop, in a flood
	loops   [mostLoops]atomic.Int32 // the threads of loops, in a flood; 0: not known
	asked   bool                    // whether nice values may be lowered
	restore int                     // looks that restore what was before
}

// look is called four times a second.
func (a *loopsAhead) look(flooded bool) {
	switch {
	case a.slices.usual == 0: // the kernel knows no slices, and picks who is next by other rules
	case flooded && !a.on.Load():
		a.begin()
	case flooded:
		a.arrange()
	case a.on.Load():
		a.end()
	case a.restore > 0: // a loop may have been about to lower a thread
		a.restore--
		a.slices.restore()
	}
}

func (a *loopsAhead) begin() {
	if !a.asked {
		a.asked = true
		if nice := min(a.slices.nice+lowered, mostNice); mayLower(a.slices.nice) {
			a.nice.Store(nice)
		} else {
			a.nice.Store(a.slices.nice)
		}
	}
	a.on.Store(true)
	a.arrange()
}

// arrange is for threads that have begun since, and for what loops that changed
// theirs at the same time have done to each other.
func (a *loopsAhead) arrange() {
	eachThread(func(id int) { a.set(int32(id)) })
}

// end leaves all threads as they were.
func (a *loopsAhead) end() {
	if !a.on.Swap(false) {
		return
	}
	for i := range a.loops {
		a.loops[i].Store(0)
	}
	a.restore = 1
	a.slices.restore()
}

// round is called by each loop at the beginning of a round.
func (a *loopsAhead) round(loop int) {
	if !a.on.Load() || loop >= mostLoops {
		return
	}
	id, known := int32(unix.Gettid()), &a.loops[loop]
	if old := known.Load(); old != id {
		known.Store(id)
		a.set(id)
		if old != 0 {
			a.set(old)
		}
	}
}

// set is for one thread, by whether it is a loop's.
func (a *loopsAhead) set(id int32) {
	nice, slice := a.nice.Load(), uint64(longSlice)
	if a.hasLoop(id) {
		nice, slice = a.slices.nice, uint64(shortSlice)
	}
	setThread(int(id), func(t *unix.SchedAttr) { t.Nice, t.Runtime = nice, slice })
}

func (a *loopsAhead) hasLoop(id int32) bool {
	for i := range a.loops {
		if a.loops[i].Load() == id {
			return true
		}
	}
	return false
}

// mayLower tells whether a thread gets its nice value back once it is higher. One that does
// not ends.
func mayLower(nice int32) bool {
	answer := make(chan bool)
	go func() {
		runtime.LockOSThread()
		setThread(0, func(t *unix.SchedAttr) { t.Nice = min(nice+1, mostNice) })
		setThread(0, func(t *unix.SchedAttr) { t.Nice = nice })
		t, err := unix.SchedGetAttr(0, 0)
		back := err == nil && t.Nice == nice
		if back {
			runtime.UnlockOSThread()
		}
		answer <- back
	}()
	return <-answer
}
