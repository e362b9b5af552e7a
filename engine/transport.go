package engine

import "net"

// transport is what carries a connection's bytes: a socket, or an in-process
// pipe. Loop only. A write that fails closes the connection, which
// calls conn.transportClosed before write returns.
type transport interface {
	// write sends the pieces in order, or copies them, and returns how many bytes
	// it took. What is last may wait for closeWrite, which is called then.
	write(pieces [][]byte, last bool) (taken int)
	// buffered is the number of bytes taken that the peer has not read, where
	// that is known.
	buffered() int
	// awaitRoom has conn.refillNow called when the peer takes more; false when
	// the transport does not learn of that.
	awaitRoom() bool
	// closeWrite tells the peer that nothing more comes.
	closeWrite()
	// close ends the connection at once and calls conn.transportClosed.
	close()
	// use makes another connection the one whose transportClosed is called.
	use(c *conn)
	// pause stops input until unpause; false when that cannot be done now.
	pause() bool
	unpause()
	// remote is the peer's address; nil in-process.
	remote() net.Addr
	// origin is what was counted of it; nil when nothing was.
	origin() *origin
}
