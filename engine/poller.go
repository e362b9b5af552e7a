package engine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// poller is epoll, of one loop. Loop only.
type poller struct {
	fd     int
	events [roundEvents]unix.EpollEvent
}

const (
	// roundEvents is how many descriptors are reported at once at most.
	roundEvents = 128

	readEvents  = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLRDHUP
	writeEvents = unix.EPOLLOUT
	errorEvents = unix.EPOLLERR | unix.EPOLLHUP
	endEvents   = errorEvents | unix.EPOLLRDHUP // what is read last is the end
	// acceptEvents wake one loop of those that sleep, and not all for one connection.
	acceptEvents = unix.EPOLLIN | unix.EPOLLEXCLUSIVE
	wakeEvents   = unix.EPOLLIN | unix.EPOLLET // each write is reported once, and nothing is read
)

func (p *poller) open() (err error) {
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("engine: event loop: %w", err)
	}
	return nil
}

func (p *poller) close() { _ = unix.Close(p.fd) }

// control changes what is reported of a descriptor; op is one of EPOLL_CTL_….
func (p *poller) control(op, fd int, events uint32) error { return p.controlAs(fd, op, fd, events) }

// controlAs has what is reported of a descriptor come under a number of its own.
func (p *poller) controlAs(number, op, fd int, events uint32) error {
	return unix.EpollCtl(p.fd, op, fd, &unix.EpollEvent{Fd: int32(number), Events: events})
}

// look returns what is there already, wait the first that comes. Both are valid until
// the next call.
func (p *poller) look() ([]unix.EpollEvent, error) { return p.report(0) }
func (p *poller) wait() ([]unix.EpollEvent, error) { return p.report(-1) }

// report is both, by the timeout of epoll_wait.
func (p *poller) report(timeout int) ([]unix.EpollEvent, error) {
	for {
		n, err := unix.EpollWait(p.fd, p.events[:], timeout)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, fmt.Errorf("engine: event loop: %w", err)
		default:
			return p.events[:max(n, 0)], nil
		}
	}
}
