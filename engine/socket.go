package engine

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/internal/invariants"
)

// socket is the transport of a connection over the network. It has no buffers and
// takes 48 bytes, and it says when a peer that was behind can be written to again.
// Loop only.
type socket struct {
	loop  *loop
	conn  *conn   // whose transport it is; nil only on its way in or out
	from  *origin // nil: not counted, and no proxy
	fd    int32
	port  uint16 // of the peer, and its address: see remote
	asked interest
	ended bool // closed, or moved to another loop
	addr  [16]byte
}

// interest is what epoll is asked to report.
type interest uint8

const (
	reads interest = 1 << iota
	writes
)

// events is the same in epoll's terms.
func (i interest) events() (events uint32) {
	if i&reads != 0 {
		events |= readEvents
	}
	if i&writes != 0 {
		events |= writeEvents
	}
	if i == reads {
		events |= unix.EPOLLET // see readAgain
	}
	return events
}

// newSocket takes over a descriptor that does not block. remote may be nil, then
// the socket is asked.
func newSocket(fd int, remote net.Addr, from *origin) *socket {
	s := &socket{fd: int32(fd), from: from}
	address, fits := addressOf(remote)
	if !fits {
		if s.from == nil {
			s.from = &origin{}
		}
		if s.from.remote == nil {
			s.from.remote = remote
		}
	}
	s.addr, s.port = address.Addr().As16(), address.Port()
	return s
}

// addressOf is the address of a peer; fits is false when that does not say all.
func addressOf(remote net.Addr) (a netip.AddrPort, fits bool) {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), 0), false
	}
	a = tcp.AddrPort()
	if !a.Addr().IsValid() {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), a.Port()), false
	}
	return a, a.Addr().Zone() == ""
}

// open has the loop watch the socket. In the same turn, use says whose it is.
func (s *socket) open(l *loop) error {
	s.loop = l
	l.load.Add(1)
	l.engine.sockets.add(int(s.fd), s)
	err := s.watch(reads)
	if err != nil {
		s.close()
	}
	return err
}

// read is a turn's input. A peer that has closed its side is gone; isLast tells
// that epoll has seen that.
func (s *socket) read(isLast bool) {
	if s.ended {
		return
	}
	l := s.loop
	n, err := receive(s.fd, l.in)
	switch {
	case err == unix.EAGAIN:
	case err == unix.EINTR:
		s.readAgain()
	case err != nil || n == 0:
		s.close()
	default:
		l.inputs++
		l.inputBytes += n
		s.conn.input(l.in[:n])
		invariants.Poison(l.in[:n]) // it was lent for this call only
		if isLast || n == len(l.in) {
			s.readAgain()
		}
	}
}

// readAgain has a socket reported once more that was not read to its end. While
// nothing else is wanted than input epoll tells of it once, and need not look at each
// socket again to see that all was taken.
func (s *socket) readAgain() {
	if s.ended || s.asked != reads {
		return
	}
	if err := s.loop.poller.control(unix.EPOLL_CTL_MOD, int(s.fd), s.asked.events()); err != nil {
		s.unwatched(err)
	}
}

// writable goes on with what the peer has not taken.
func (s *socket) writable() {
	if s.ended {
		return
	}
	if c := s.conn; c.blocked && c.refillNow() {
		return
	}
	s.want(s.asked &^ writes)
}

func (s *socket) write(pieces [][]byte, last bool) (taken int) {
	if s.ended {
		return 0
	}
	var err error
	for {
		switch {
		case len(pieces) > 1:
			taken, err = unix.Writev(int(s.fd), pieces)
		case last: // one packet with the end of the stream
			taken, err = send(s.fd, pieces[0], unix.MSG_MORE)
		default:
			taken, err = send(s.fd, pieces[0], 0)
		}
		if err != unix.EINTR {
			break
		}
	}
	switch err {
	case nil:
		return taken
	case unix.EAGAIN:
	default:
		s.close()
	}
	return 0
}

// want changes what is watched; where that fails the connection ends with the turn.
func (s *socket) want(what interest) {
	if err := s.watch(what); err != nil {
		s.unwatched(err)
	}
}

func (s *socket) unwatched(err error) {
	s.loop.engine.log.Warn("connection cannot be watched", "remote", addrString(s.remote()), "error", err)
	s.loop.cutLater(s.conn)
}

// watch tells epoll. A socket of which nothing is wanted is not in its set, as
// an end of the connection would be reported again and again.
func (s *socket) watch(what interest) (err error) {
	if s.ended || what == s.asked {
		return nil
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case s.asked == 0:
		op = unix.EPOLL_CTL_ADD
	case what == 0:
		op = unix.EPOLL_CTL_DEL
	}
	err = s.loop.poller.control(op, int(s.fd), what.events())
	if err == nil {
		s.asked = what
	}
	return err
}

// awaitRoom has writable called when the peer takes more.
func (s *socket) awaitRoom() bool {
	s.want(s.asked | writes)
	return true
}

func (s *socket) pause() bool {
	s.want(s.asked &^ reads)
	return true
}

func (s *socket) unpause() { s.want(s.asked | reads) }

func (s *socket) buffered() int   { return 0 }
func (s *socket) closeWrite()     { _ = unix.Shutdown(int(s.fd), unix.SHUT_WR) }
func (s *socket) use(c *conn)     { s.conn = c }
func (s *socket) origin() *origin { return s.from }

func (s *socket) close() {
	if s.ended {
		return
	}
	s.leave()
	_ = unix.Close(int(s.fd)) // epoll forgets it by that
	if s.conn != nil {
		s.conn.transportClosed()
	}
}

// abandon closes a socket that no loop has opened.
func (s *socket) abandon() {
	if s.loop == nil {
		_ = unix.Close(int(s.fd))
	}
}

// leave makes the loop forget the socket.
func (s *socket) leave() {
	s.ended = true
	s.loop.engine.sockets.remove(int(s.fd))
	s.loop.load.Add(-1)
}

// moved takes the socket away from its loop, for another one to open.
func (s *socket) moved() (*socket, error) {
	if err := s.watch(0); err != nil {
		return nil, err
	}
	s.leave()
	return &socket{fd: s.fd, from: s.from, addr: s.addr, port: s.port}, nil
}

func (s *socket) remote() net.Addr {
	if s.from != nil && s.from.remote != nil {
		return s.from.remote
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom16(s.addr).Unmap(), s.port))
}
