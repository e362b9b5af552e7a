package engine

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// waker wakes a loop from any goroutine, by an eventfd. This path is taken once per
// hand-over between loops. The loop is told of each write and need not read the
// counter, which no number of wake-ups fills. Safe for concurrent use.
type waker struct {
	fd    int
	users atomic.Int32 // writers inside wake; far below zero once closed
}

const wakerClosed = -1 << 30

// wakeOne is 1 in the order of the machine.
var wakeOne = binary.NativeEndian.AppendUint64(nil, 1)

func (w *waker) wake() {
	if w.users.Add(1) > 0 {
		_, _ = unix.Write(w.fd, wakeOne)
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

// open makes the descriptor, which poller reports.
func (w *waker) open(p *poller) error {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("engine: waker: %w", err)
	}
	if err := p.control(unix.EPOLL_CTL_ADD, fd, wakeEvents); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("engine: waker: %w", err)
	}
	w.fd = fd
	return nil
}
