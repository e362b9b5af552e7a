package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Listeners are called by numbers below 0, among the events of sockets.
func TestEventsOfListenersAreNotSockets(t *testing.T) {
	var e Engine
	e.sockets.add(3, &socket{})
	for fd, want := range map[int]bool{3: true, 4: false, listenerNumber: false, listenerNumber - 1: false, 1 << 20: false} {
		if s := e.sockets.find(fd); (s != nil) != want {
			t.Errorf("descriptor %d: %v", fd, s)
		}
	}
	l := &loop{engine: &e}
	l.slots.table = make([]slot, warmFrom)
	l.warmEvents([]unix.EpollEvent{{Fd: listenerNumber}, {Fd: listenerNumber - 1}})
}
