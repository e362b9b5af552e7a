package engine

import (
	"net"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// transport is what carries a connection's bytes: a socket of gnet, or an
// in-process pipe. Loop only. A write that fails closes the connection, which
// calls conn.transportClosed before write returns.
type transport interface {
	// write sends the pieces in order or keeps copies of them.
	write(pieces [][]byte)
	// buffered is the number of bytes that the peer has not taken yet.
	buffered() int
	// closeWrite tells the peer that nothing more comes.
	closeWrite()
	// close ends the connection at once and calls conn.transportClosed.
	close()
	// use makes another connection the one whose transportClosed is called.
	use(c *conn)
	// pause stops input until unpause; false when that cannot be done now.
	pause(l *loop) bool
	unpause(l *loop)
	// remote is the peer's address; nil in-process.
	remote() net.Addr
	// origin is what was counted of it; nil when nothing was.
	origin() *origin
}

// socket is the transport of a gnet connection.
type socket struct {
	c    gnet.Conn
	from *origin // nil: not counted, and no proxy
}

func (s socket) write(pieces [][]byte) {
	if len(pieces) == 1 {
		_, _ = s.c.Write(pieces[0]) // a failure closes the connection and says so in OnClose
		return
	}
	_, _ = s.c.Writev(pieces)
}

func (s socket) buffered() int   { return s.c.OutboundBuffered() }
func (s socket) closeWrite()     { _ = unix.Shutdown(s.c.Fd(), unix.SHUT_WR) }
func (s socket) close()          { _ = s.c.EventLoop().Close(s.c) }
func (s socket) use(c *conn)     { s.c.SetContext(c) }
func (s socket) origin() *origin { return s.from }

func (s socket) remote() net.Addr {
	if s.from != nil && s.from.remote != nil {
		return s.from.remote
	}
	return s.c.RemoteAddr()
}
