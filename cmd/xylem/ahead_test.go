package main

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

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

// fewThreads is a process whose clock and statistics are a test's.
type fewThreads struct {
	clock   int64
	slept   int64
	threads []int32
	spent   map[int32]threadTimes
	blind   bool // nothing is known of them
}

func (f *fewThreads) now() int64   { return f.clock }
func (f *fewThreads) rests() int64 { return f.slept }
func (f *fewThreads) ids() []int32 { return f.threads }
func (f *fewThreads) times(id int32) (ran, waited uint64, known bool) {
	return f.spent[id].ran, f.spent[id].waited, !f.blind
}

// flooded is a process of two threads, and what looks at it does.
type flooded struct {
	*testing.T
	slices  timeSlices
	ahead   loopsAhead
	process fewThreads
	first   int
	second  int
	on      [2]func(func()) // each of them
	usual   unix.SchedAttr
}

func newFlooded(t *testing.T) *flooded {
	f := &flooded{T: t}
	f.first, f.on[0] = onThread(t)
	f.second, f.on[1] = onThread(t)
	f.usual = attributes(t, f.first)
	if f.usual.Runtime != 0 {
		f.slices = timeSlices{usual: f.usual.Runtime, nice: f.usual.Nice, policy: f.usual.Policy}
	}
	f.process = fewThreads{slept: 1, threads: []int32{int32(f.first), int32(f.second)}, spent: map[int32]threadTimes{}}
	f.ahead.slices, f.ahead.process = &f.slices, &f.process
	f.slices.restore(f.process.threads)
	return f
}

// look is one, a quarter of a second after the last one.
func (f *flooded) look(flood bool) {
	f.process.clock += int64(floodPause)
	f.ahead.look(flood)
}

// expect compares how a thread is scheduled: as that of a loop, or at a place.
func (f *flooded) expect(when string, thread int, want string) {
	f.Helper()
	got := attributes(f.T, thread)
	is := "as a loop"
	switch nice := min(f.usual.Nice+lowered, mostNice); {
	case f.usual.Runtime == 0:
		is = want // there are no slices, so nothing changes
		if got != f.usual {
			is = "changed"
		}
	case got.Policy == unix.SCHED_IDLE:
		is = "behind"
	case got.Policy != f.usual.Policy:
		is = "otherwise"
	case got.Runtime == uint64(longSlice) && got.Nice == nice:
		is = "below"
	case got.Runtime == uint64(longSlice) && got.Nice == f.usual.Nice:
		is = "beside"
	case got.Runtime != uint64(shortSlice) || got.Nice != f.usual.Nice:
		is = "otherwise"
	}
	if is != want {
		f.Errorf("%s: thread is %s (%+v), want %s", when, is, got, want)
	}
}

// places are what threads without a loop are at, at best and when they starve, by the
// leave that there is.
func (f *flooded) places() (best, fed string) {
	if f.usual.Runtime != 0 && !f.slices.mayReturn() {
		return "beside", "beside"
	}
	return "behind", "below"
}

// TestLoopsAhead: in a flood all threads are behind those of loops, which may change
// theirs; afterwards all is as before. A kernel that knows no slices has none of it.
func TestLoopsAhead(t *testing.T) {
	f := newFlooded(t)
	a, best := &f.ahead, ""
	best, _ = f.places()
	f.on[0](func() { a.round(0) })
	f.expect("no flood", f.first, "as a loop")

	f.look(true)
	f.expect("a flood", f.first, best)
	f.on[0](func() { a.round(0) })
	f.expect("the thread of a loop", f.first, "as a loop")
	f.expect("another one", f.second, best)
	f.on[1](func() { a.round(1) })
	f.expect("the other loop's", f.second, "as a loop")
	f.on[1](func() { a.round(0) })
	f.expect("both loops on one thread", f.second, "as a loop")
	f.expect("the thread that one has left", f.first, best)
	f.slices.set(f.first, uint64(shortSlice))
	f.look(true)
	f.expect("a thread that began in the flood", f.first, best)
	f.expect("the loops, still", f.second, "as a loop")

	f.look(false)
	f.expect("after the flood", f.first, "as a loop")
	setThread(f.first, func(t *unix.SchedAttr) { t.Runtime = uint64(longSlice) }) // by a loop that was about to
	f.look(false)
	f.expect("a moment later", f.first, "as a loop")
	f.on[1](func() { a.round(1) })
	f.expect("a loop on its way", f.second, "as a loop")
	f.look(true)
	a.end()
	f.expect("at the end", f.first, "as a loop")
}

// TestThreadsStarve: threads behind loops that rest so seldom that they starve come
// forward, for longer each time.
func TestThreadsStarve(t *testing.T) {
	f := newFlooded(t)
	best, fed := f.places()
	f.look(true)
	round := func() {
		f.process.slept++
		f.on[0](func() { f.ahead.round(0) })
	}
	round()
	spend := func(ran, waited uint64) {
		now := f.process.spent[int32(f.second)]
		f.process.spent[int32(f.second)] = threadTimes{now.ran + ran, now.waited + waited}
		f.process.spent[int32(f.first)] = threadTimes{0, f.process.spent[int32(f.first)].waited + uint64(floodPause)}
		f.look(true)
	}
	spend(0, uint64(floodPause))
	f.expect("the first look that could compare", f.second, best)
	spend(uint64(hungry)/8, uint64(hungry))
	f.expect("it has its eighth", f.second, best)
	spend(0, uint64(hungry)-1)
	f.expect("it waited, not for long", f.second, best)
	spend(uint64(hungry)/8-1, uint64(hungry))
	f.expect("it starves", f.second, fed)
	f.expect("the loop", f.first, "as a loop")
	for range leastMercy - 1 {
		spend(0, uint64(floodPause))
	}
	f.expect("nearly ten seconds later", f.second, fed)
	spend(0, 0)
	f.expect("ten seconds later", f.second, best)

	f.process.clock += int64(lateLook)
	round()
	f.expect("no look yet, but it is not late", f.second, best)
	f.process.clock++
	round()
	f.expect("it is late", f.second, fed)
	for range 2*leastMercy - 1 {
		spend(0, 0)
	}
	f.expect("nearly twenty seconds later", f.second, fed)
	spend(0, 0)
	f.expect("twenty seconds later", f.second, best)
	f.look(false)
	f.expect("after the flood", f.second, "as a loop")
}

// TestLoopDoesNotRest: a loop that goes on and on lets the others forward until the next
// look.
func TestLoopDoesNotRest(t *testing.T) {
	f := newFlooded(t)
	best, fed := f.places()
	round := func(after time.Duration, rests int64) {
		f.process.clock += int64(after)
		f.process.slept += rests
		f.on[0](func() { f.ahead.round(0) })
	}
	f.look(true)
	round(time.Millisecond, 1)
	round(longWork+1, 1)
	f.expect("it has rested", f.second, best)
	round(longWork, 0)
	f.expect("it has not", f.second, best)
	round(1, 0)
	f.expect("it has not for longer than it may", f.second, fed)
	f.look(true)
	f.expect("the next look", f.second, best)
	round(1, 0)
	f.expect("it still has not", f.second, fed)
	f.look(true)
	round(longWork+1, 1)
	f.expect("it has", f.second, best)
}

// TestStarvationUnknown: where the kernel does not tell how long threads waited they have a
// nice value throughout.
func TestStarvationUnknown(t *testing.T) {
	f := newFlooded(t)
	_, fed := f.places()
	f.process.blind = true
	for range 2 * leastMercy {
		f.look(true)
		f.expect("in a flood", f.second, fed)
	}
	f.look(false)
	f.expect("after the flood", f.second, "as a loop")
}

func TestMercy(t *testing.T) {
	var m mercy
	for _, want := range []int{40, 80, 160, 320, 640, 1280, 1600, 1600} {
		got := 1
		for !m.isOver() {
			got++
		}
		if got != want {
			t.Errorf("%d looks, want %d", got, want)
		}
	}
}

// TestOwnThreads: what is asked of the kernel is known, where it keeps it.
func TestOwnThreads(t *testing.T) {
	id, on := onThread(t)
	o := ownThreads{began: time.Now()}
	if !slices.Contains(o.ids(), int32(id)) {
		t.Errorf("thread %d is not among %v", id, o.ids())
	}
	before := int64(0)
	on(func() { before = o.rests() })
	on(func() {
		pause := unix.Timespec{Nsec: 1}
		if err := unix.Nanosleep(&pause, nil); err != nil && err != unix.EINTR {
			t.Error(err)
		}
		if o.rests() <= before {
			t.Error("a thread that has slept has not rested")
		}
	})
	if text, err := os.ReadFile("/proc/self/schedstat"); err == nil && !strings.HasSuffix(string(text), " 0\n") {
		if ran, _, known := o.times(int32(id)); !known || ran == 0 {
			t.Errorf("thread %d ran for %d ns, known: %v", id, ran, known)
		}
	}
	if _, _, known := o.times(-1); known {
		t.Error("a thread that does not exist is known")
	}
}
