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
	// heldBackAt is the output that a client has not read at which it is not
	// read from either: what it sends would only be answered with more. Well
	// below Limits.OutboundBytes, which cuts it off.
	heldBackAt = 128 << 10
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

// behindTooFar tells whether the client must read before more of what it sends
// is looked at.
func (c *conn) behindTooFar() bool {
	n := c.backlog.size()
	if c.out != nil {
		n += c.out.bytes
	}
	return n >= heldBackAt
}

// unstall goes on with a client whose input was left aside while it was behind.
func (c *conn) unstall() {
	if c.stalled && c.phase == phaseStream && !c.behindTooFar() {
		c.stalled = false
		c.resume()
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
// whether that was possible. While gnet holds unsent bytes it waits for room,
// too; when they have gone it sets its own events, which include reading, and
// the next input is where the pause begins anew.
func (s socket) watch(l *loop, events uint32) bool {
	if l.epoll < 0 {
		return false
	}
	if s.c.OutboundBuffered() > 0 {
		events |= unix.EPOLLOUT
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
