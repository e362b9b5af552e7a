package main

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
)

// attributes are those of a thread; 0: of the caller's.
func attributes(t *testing.T, thread int) unix.SchedAttr {
	t.Helper()
	a, err := unix.SchedGetAttr(thread, 0)
	if err != nil {
		t.Fatal(err)
	}
	return *a
}

// TestTimeSlices: all threads get the short one, that of the commits the usual one, and
// nothing else changes. A kernel that knows no slices says 0 throughout.
func TestTimeSlices(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := attributes(t, 0)
	short := before
	if before.Runtime != 0 {
		short.Runtime = uint64(shortSlice)
	}
	var s timeSlices
	undo := s.shorten()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range threads {
		id, err := strconv.Atoi(one.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := unix.SchedGetAttr(id, 0); err == nil && got.Runtime != short.Runtime { // else it has ended
			t.Errorf("thread %d has a slice of %d ns, want %d", id, got.Runtime, short.Runtime)
		}
	}
	if got := attributes(t, 0); got != short {
		t.Errorf("short: %+v, want %+v", got, short)
	}

	committed := make(chan unix.SchedAttr)
	go func() { // ends with its thread
		store := &unhurried{Driver: memory.New(memory.Options{}), slices: &s}
		for range 2 {
			store.Apply([]*storage.Op{}, []error{})
			a, _ := unix.SchedGetAttr(0, 0)
			committed <- *a
		}
		close(committed)
	}()
	for got := range committed {
		if got != before {
			t.Errorf("of commits: %+v, want %+v", got, before)
		}
	}
	undo()
	if got := attributes(t, 0); got != before {
		t.Errorf("afterwards: %+v, want %+v", got, before)
	}
}
