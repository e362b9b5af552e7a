package engine

import (
	"net"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepAlive is how many seconds a connection is silent until TCP asks whether
// the peer is still there, and how often then; see also session.Config.IdleTime.
const (
	keepAlive       = 15
	keepAliveProbes = 9
)

// userTimeout bounds in the same way for how long TCP sends again what the peer does
// not acknowledge, or has no room for (RFC 5482): without it Linux goes on for a
// quarter of an hour, and asks nothing meanwhile. Milliseconds.
const userTimeout = keepAlive * (1 + keepAliveProbes) * 1000

// setOptions sets on a listening socket what Linux hands down to those that it
// accepts: nothing is held back to be sent with more, and dead peers are found.
func setOptions(fd int) error {
	for _, o := range [...]struct{ level, option, value int }{
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAlive},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAlive},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
		{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.option, o.value); err != nil {
			return err
		}
	}
	return nil
}

// accept takes a connection that waits on a listening socket. Its descriptor does
// not block. Errors: those of accept(2), among them EAGAIN when there is none (any
// more), and net.ErrClosed when the listener was closed.
func accept(listening *sharedDescriptor) (fd int, remote *net.TCPAddr, err error) {
	defer listening.done()
	if !listening.use() {
		return 0, nil, net.ErrClosed
	}
	// Not of package unix, which asks each time what kind of socket it got.
	fd, from, err := syscall.Accept4(listening.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return 0, nil, err
	}
	return fd, tcpAddr(from), nil
}

// tcpAddr is a peer's address as package net has it.
func tcpAddr(sa syscall.Sockaddr) *net.TCPAddr {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *syscall.SockaddrInet6:
		a := &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
		if sa.ZoneId != 0 { // a number: the name of the interface would have to be asked for
			a.Zone = strconv.FormatUint(uint64(sa.ZoneId), 10)
		}
		return a
	}
	return &net.TCPAddr{}
}
