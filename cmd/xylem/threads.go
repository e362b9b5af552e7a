package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ownThreads are those of this process.
type ownThreads struct{ began time.Time }

func (o ownThreads) now() int64 { return int64(time.Since(o.began)) }

// rests are the times that the thread has given its core away by itself.
func (ownThreads) rests() int64 {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage) // does not fail
	return usage.Nvcsw
}

// ids are the threads that there are, those included that begin meanwhile.
func (ownThreads) ids() (ids []int32) {
	found := map[int32]bool{}
	for more := true; more; {
		more = false
		threads, _ := os.ReadDir("/proc/self/task") // without it there is nothing to be found
		for _, t := range threads {
			if id, err := strconv.ParseInt(t.Name(), 10, 32); err == nil && !found[int32(id)] {
				found[int32(id)], more = true, true
				ids = append(ids, int32(id))
			}
		}
	}
	return ids
}

// times are those of the kernel's statistics; not known where it keeps none.
func (ownThreads) times(id int32) (ran, waited uint64, known bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/schedstat", id))
	if err != nil {
		return 0, 0, false // it has ended
	}
	var slices uint64
	_, err = fmt.Sscan(string(text), &ran, &waited, &slices)
	return ran, waited, err == nil && slices > 0
}

// setThread changes how one thread is scheduled, 0 being the caller's.
func setThread(id int, change func(*unix.SchedAttr)) {
	attr, err := unix.SchedGetAttr(id, 0)
	if err != nil || !isFair(attr.Policy) && attr.Policy != unix.SCHED_IDLE {
		return // it has ended, or an operator has chosen otherwise
	}
	before := *attr
	if change(attr); *attr != before {
		_ = unix.SchedSetAttr(id, attr, 0) // it is faster with it, and right without
	}
}

// isFair tells whether a policy knows nice values and slices.
func isFair(policy uint32) bool { return policy == unix.SCHED_NORMAL || policy == unix.SCHED_BATCH }
