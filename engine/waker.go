package engine

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// waker wakes a loop from any goroutine, by an eventfd. This path is taken once per
// hand-over between loops. The loop is told of each write and need not read the
// counter, which no number of wake-ups fills. Safe for concurrent use.
type waker struct{ sharedDescriptor }

// wakeOne is 1 in the order of the machine.
var wakeOne = binary.NativeEndian.AppendUint64(nil, 1)

// wake does nothing once the waker is closed.
func (w *waker) wake() {
	if w.use() {
		_, _ = unix.Write(w.fd, wakeOne)
	}
	w.done()
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
