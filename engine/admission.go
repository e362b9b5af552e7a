package engine

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// admission counts connections and refuses those beyond the bound, so that
// the process never runs out of file descriptors. Safe for concurrent use.
type admission struct {
	limit   int64
	open    atomic.Int64
	refused atomic.Uint64
}

// admit takes a place; false when there is none.
func (a *admission) admit() bool {
	if a.open.Add(1) > a.limit {
		a.open.Add(-1)
		a.refused.Add(1)
		return false
	}
	return true
}

func (a *admission) release() { a.open.Add(-1) }

// defaultConnections is nine tenths of the file descriptors that the process
// may still open, less a few: enrolling a connection takes a second one for a
// moment, and the store opens files as it goes.
func defaultConnections() int {
	const (
		spare = 12
		least = 4
	)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1000
	}
	left := int(min(limit.Cur, 1<<30)) - openFiles() - spare
	return max(left*9/10, least)
}

// openFiles counts the descriptors in use; where that cannot be known, what a
// server usually has.
func openFiles() int {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return 24
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 24
	}
	return len(names)
}
