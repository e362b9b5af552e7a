package engine

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// waker wakes a loop from any goroutine: one byte into a socket pair whose
// other end is a connection of the loop. gnet's own Execute does the same with
// an eventfd but allocates twice a call, and this path is taken once per
// hand-over between loops. Safe for concurrent use.
type waker struct {
	fd    int
	users atomic.Int32 // writers inside wake; far below zero once closed
}

const wakerClosed = -1 << 30

var wakeByte = []byte{0}

func (w *waker) wake() {
	if w.users.Add(1) > 0 {
		// EAGAIN means that the loop has wake-ups to read already.
		_, _ = unix.Write(w.fd, wakeByte)
	}
	w.users.Add(-1)
}

// close waits for those inside wake, so that none of them writes to a
// descriptor that is somebody else's by then. Later wakes do nothing.
func (w *waker) close() {
	for w.users.Add(wakerClosed) != wakerClosed {
		w.users.Add(-wakerClosed)
		runtime.Gosched()
	}
	_ = unix.Close(w.fd)
}

// connect makes the pair; the returned connection is for the loop.
func (w *waker) connect() (net.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("engine: waker: %w", err)
	}
	file := os.NewFile(uintptr(fds[1]), "waker")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		_ = unix.Close(fds[0])
		return nil, fmt.Errorf("engine: waker: %w", err)
	}
	w.fd = fds[0]
	return conn, nil
}
