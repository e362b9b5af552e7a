package main

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// lowered is by how much the nice value of threads without a loop is raised where they
	// are below loops: one of them has a fifth of what a loop has of a core then, where
	// both want it, which is more than the store needs for what a loop gives it.
	lowered   = 7
	mostNice  = 19
	longSlice = 2 * shortSlice // of those threads
	mostLoops = 1024           // as server.loops

	restoreLooks = 4 // after a flood: a thread may have begun, or a loop been about to lower one
)

// Where the threads without a loop are, in a flood.
const (
	besideLoops int32 = iota // with a longer slice
	belowLoops               // with a higher nice value, too
	behindLoops              // they have a core when no other thread wants it: SCHED_IDLE
)

// loopsAhead lets event loops on before all other threads of the process while clients
// are flooded. A thread that has had its share of a core waits for the others to have
// theirs, and Linux looks for that each 4 ms: so long did a loop wait while the store
// wrote a table or garbage was marked, with a higher nice value for those threads, too.
// One of the policy SCHED_IDLE leaves the core at once to a loop that wakes. As it may
// also get nothing at all of a core that is busy throughout, there is the nice value
// while a loop does not rest, and when it starves all the same, see starvation: with that
// it has its part. Goroutines change threads, so each loop looks which one it is on.
//
// A process may leave SCHED_IDLE and lower a nice value again only with CAP_SYS_NICE or
// a limit that allows it (RLIMIT_NICE); without, there are the slices alone.
type loopsAhead struct {
	slices  *timeSlices
	process processThreads
	on      atomic.Bool
	place   atomic.Int32 // of threads without a loop, in a flood
	loops   [mostLoops]loopThread
	asked   bool  // whether there is leave
	best    int32 // place, by that
	restore int   // looks that restore what was before

	looked   atomic.Int64            // when look was called last, by the clock of process
	lowered  atomic.Pointer[[]int32] // threads that arrange has seen
	restless atomic.Bool             // a loop that did not rest has let them forward
	hunger   starvation
	mercy    mercy
}

// loopThread is a loop as loopsAhead knows it.
type loopThread struct {
	id atomic.Int32 // of its thread, in a flood; 0: not known

	// Loop only.
	asked int64 // when it was last asked how often it has rested, by the clock of process
	rests int64 // its answer
}

// processThreads is what loopsAhead knows of the process.
type processThreads interface {
	now() int64                                      // nanoseconds, of a clock that goes on
	rests() int64                                    // how often the caller has slept
	ids() []int32                                    // of all threads
	times(id int32) (ran, waited uint64, known bool) // for a core, in nanoseconds since the thread began
}

// look is called four times a second.
func (a *loopsAhead) look(flooded bool) {
	switch {
	case a.slices.usual == 0: // the kernel knows no slices, and picks who is next by other rules
	case flooded && !a.on.Load():
		a.begin()
	case flooded:
		a.looked.Store(a.process.now())
		a.feed()
		a.arrange()
	case a.on.Load():
		a.end()
	case a.restore > 0:
		a.restore--
		a.slices.restore(a.process.ids())
	}
}

func (a *loopsAhead) begin() {
	if !a.asked {
		a.asked = true
		a.best = a.bestPlace()
	}
	a.looked.Store(a.process.now())
	a.mercy = mercy{}
	a.goTo(a.best)
	a.on.Store(true)
	a.arrange()
}

// bestPlace is by what the kernel grants.
func (a *loopsAhead) bestPlace() int32 {
	switch _, _, known := a.process.times(int32(unix.Getpid())); {
	case !a.slices.mayReturn():
		return besideLoops
	case !known: // whether threads starve
		return belowLoops
	}
	return behindLoops
}

// goTo has the threads that are arranged from now on be at a place.
func (a *loopsAhead) goTo(place int32) {
	a.hunger.forget()
	a.place.Store(place)
}

// feed lets threads that starve behind the loops come forward, and has them go back
// after a while. Those that a loop has let forward go back at once: if it still does not rest,
// they have the core for most of the time until the next look.
func (a *loopsAhead) feed() {
	switch {
	case a.best != behindLoops:
	case a.place.Load() == behindLoops:
		if a.hunger.look(a.process, a.hasLoop) {
			a.goTo(belowLoops)
		}
	case a.restless.Swap(false), a.mercy.isOver():
		a.goTo(behindLoops)
	}
}

// arrange is for threads that have begun since, and for what loops that changed
// theirs at the same time have done to each other.
func (a *loopsAhead) arrange() {
	ids := a.process.ids()
	a.lowered.Store(&ids)
	for _, id := range ids {
		a.set(id)
	}
}

// end leaves all threads as they were.
func (a *loopsAhead) end() {
	if !a.on.Swap(false) {
		return
	}
	for i := range a.loops {
		a.loops[i].id.Store(0)
	}
	a.restore = restoreLooks
	a.slices.restore(a.process.ids())
}

// round is called by each loop at the beginning of a round.
func (a *loopsAhead) round(loop int) {
	if !a.on.Load() || loop >= mostLoops {
		return
	}
	l, id := &a.loops[loop], int32(unix.Gettid())
	if old := l.id.Load(); old != id {
		l.id.Store(id)
		a.set(id)
		if old != 0 {
			a.set(old)
		}
	}
	if a.place.Load() == behindLoops {
		a.mind(l)
	}
}

const (
	// lateLook is how long after a look the next one is so late that who should look
	// starves itself.
	lateLook = 2 * floodPause

	// longWork is how long a loop may go on before it must have slept, for others to be
	// left behind it. One that ends ten thousand sessions at once works for half a second,
	// and the store had the limit of 16,384 waiting operations by then.
	longWork = 20 * time.Millisecond
)

// mind has a loop let the other threads forward if it keeps them from the core.
func (a *loopsAhead) mind(l *loopThread) {
	now := a.process.now()
	if now-a.looked.Load() > int64(lateLook) {
		a.letForward()
	} else if now-l.asked > int64(longWork) {
		rests := a.process.rests()
		if rests == l.rests && a.letForward() {
			a.restless.Store(true)
		}
		l.asked, l.rests = now, rests
	}
}

// letForward does not ask the kernel which threads there are now, as a loop does not
// wait; those that began since the last look are found by the next one. It tells whether
// they were behind still.
func (a *loopsAhead) letForward() bool {
	if !a.place.CompareAndSwap(behindLoops, belowLoops) {
		return false // another loop does it
	}
	if ids := a.lowered.Load(); ids != nil {
		for _, id := range *ids {
			a.set(id)
		}
	}
	return true
}

// set is for one thread, by whether it is a loop's.
func (a *loopsAhead) set(id int32) {
	place := a.place.Load()
	setThread(int(id), func(t *unix.SchedAttr) {
		switch {
		case a.hasLoop(id):
			t.Policy, t.Nice, t.Runtime = a.slices.policy, a.slices.nice, uint64(shortSlice)
		case place == behindLoops: // where nice values and slices do not count
			t.Policy = unix.SCHED_IDLE
		case place == belowLoops:
			t.Policy, t.Nice, t.Runtime = a.slices.policy, min(a.slices.nice+lowered, mostNice), uint64(longSlice)
		default:
			t.Runtime = uint64(longSlice)
		}
	})
}

func (a *loopsAhead) hasLoop(id int32) bool {
	for i := range a.loops {
		if a.loops[i].id.Load() == id {
			return true
		}
	}
	return false
}
