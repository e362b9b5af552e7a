package engine

import (
	"reflect"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// A client that sends faster than its session can go on (it waits for the
// disk, say) is held back by TCP: its socket is not read until the session has
// caught up. gnet has no call for that, so the readable event is taken out of
// the loop's epoll set and put in again, with what gnet itself registers.
const (
	// pauseAt is the input held for a waiting session at which reading stops.
	pauseAt = 32 << 10
	// readEvents is what gnet asks epoll for (netpoll.ReadEvents).
	readEvents = unix.EPOLLIN | unix.EPOLLPRI
)

// epollOf finds the epoll descriptor of an event loop, -1 when gnet keeps it
// elsewhere than expected; connections are then not paused but closed when they
// pass Limits.InboundBytes.
func epollOf(el gnet.EventLoop) (fd int) {
	v := reflect.Indirect(reflect.ValueOf(el))
	if v.Kind() != reflect.Struct {
		return -1
	}
	poller := v.FieldByName("poller")
	if poller.Kind() != reflect.Pointer || poller.IsNil() || poller.Elem().Kind() != reflect.Struct {
		return -1
	}
	epfd := poller.Elem().FieldByName("fd")
	if epfd.Kind() != reflect.Int {
		return -1
	}
	return int(epfd.Int())
}

// pause stops reading while much is held; resumed by unpause.
func (c *conn) pause() {
	if !c.paused {
		c.paused = c.transport.pause(c.loop)
	}
}

func (c *conn) unpause() {
	if c.paused {
		c.paused = false
		c.transport.unpause(c.loop)
	}
}

func (s socket) pause(l *loop) bool { return s.watch(l, 0) }

func (s socket) unpause(l *loop) { s.watch(l, readEvents) }

// watch replaces the events that epoll reports for the socket; it tells
// whether that was possible. While gnet holds unsent bytes it has its own set,
// which includes reading, so such a connection is not paused.
func (s socket) watch(l *loop, events uint32) bool {
	if l.epoll < 0 || s.c.OutboundBuffered() > 0 {
		return false
	}
	fd := s.c.Fd()
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Fd: int32(fd), Events: events}) == nil
}

// An in-process peer is held back by what it may leave pending.

func (t wireTransport) pause(*loop) bool {
	t.w.holding = true
	return true
}

func (t wireTransport) unpause(*loop) {
	t.w.holding = false
	t.taken(0)
}
