package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/storage"
)

// shortSlice is how long a thread of the server has the core before one that wakes may
// take it: the least that Linux grants.
const shortSlice = 100 * time.Microsecond

// timeSlices has the kernel let event loops on sooner. Its scheduler leaves a thread on the
// core for a slice of 3 ms before one that wakes may have it, and the threads that write
// tables out and mark garbage use theirs. With short slices of all threads the loop that
// has input waits for 0.1 ms. The thread that commits keeps the usual slice: that it wakes
// interrupts nobody, and who wakes interrupts it; see loopsAhead for a flood. Linux before
// 6.12 knows no slices of threads; there nothing changes.
//
// 5,000 messages a second to 4,000 clients that read nothing, server on one core, two turns
// each: p99.9 of the users beside them 2.7 and 3.0 ms without, 1.6 and 1.8 ms with.
type timeSlices struct {
	usual   uint64       // nanoseconds; 0: the kernel tells none
	nice    int32        // of all threads
	policy  uint32       // of all threads, SCHED_NORMAL or SCHED_BATCH
	commits atomic.Int32 // the thread that commits; 0: none does yet
}

// shorten gives all threads of the process short slices, and so those that they start.
// What the kernel does not allow stays as it is, and so does a process with a policy
// that knows no slices. undo is for whoever runs a server and goes on without it.
func (s *timeSlices) shorten() (undo func()) {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || !isFair(attr.Policy) {
		return func() {}
	}
	s.usual, s.nice, s.policy = attr.Runtime, attr.Nice, attr.Policy
	s.restore(ownThreads{}.ids())
	return func() { s.setAll(ownThreads{}.ids(), s.usual) }
}

// restore is shorten again, for what was changed in a flood, too.
func (s *timeSlices) restore(threads []int32) {
	s.setAll(threads, uint64(shortSlice))
	if id := s.commits.Load(); id != 0 {
		s.set(int(id), s.usual)
	}
}

func (s *timeSlices) setAll(threads []int32, slice uint64) {
	for _, id := range threads {
		s.set(int(id), slice)
	}
}

func (s *timeSlices) set(thread int, slice uint64) {
	setThread(thread, func(t *unix.SchedAttr) { t.Policy, t.Nice, t.Runtime = s.policy, s.nice, slice })
}

// mayReturn tells whether a thread may be scheduled as usual again after SCHED_IDLE and
// a higher nice value. One that may not ends.
func (s *timeSlices) mayReturn() bool {
	answer := make(chan bool)
	go func() {
		runtime.LockOSThread()
		setThread(0, func(t *unix.SchedAttr) { t.Nice = min(s.nice+1, mostNice) })
		setThread(0, func(t *unix.SchedAttr) { t.Policy = unix.SCHED_IDLE })
		s.set(0, uint64(shortSlice))
		t, err := unix.SchedGetAttr(0, 0)
		back := err == nil && t.Policy == s.policy && t.Nice == s.nice
		if back {
			runtime.UnlockOSThread()
		}
		answer <- back
	}()
	return <-answer
}

// unhurried is a store whose commits have a thread of their own, with the usual slice.
type unhurried struct {
	storage.Driver
	slices *timeSlices
	once   sync.Once
}

// Apply is called by the one goroutine that commits.
func (u *unhurried) Apply(ops []*storage.Op, errs []error) {
	u.once.Do(func() {
		runtime.LockOSThread()
		u.slices.commits.Store(int32(unix.Gettid()))
		setThread(0, func(t *unix.SchedAttr) { t.Runtime = u.slices.usual })
	})
	u.Driver.Apply(ops, errs)
}
