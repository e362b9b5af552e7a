package engine

import (
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// domainStream is what a connection carries instead of a client's session: a
// stream on which a whole domain speaks, that of another server (peer) or of a
// component (componentConn). Loop only.
type domainStream interface {
	// feed passes on one element of in at most and returns the bytes consumed.
	feed(c *conn, in []byte) (consumed int)
	// deadline is when tick wants to be called, Unix nanoseconds; 0: never.
	deadline() int64
	tick(c *conn)
	// fail ends the stream with an error.
	fail(c *conn, e stanza.StreamError)
	// secured goes on inside TLS; proof is what the peer's certificate proves.
	secured(c *conn, proof s2s.Proof)
	// end tells whom it concerns that the stream has ended, once.
	end(c *conn, reason error)
	// release gives back what the stream holds of the loop's.
	release(l *loop)
	// accountOrder keeps the order of its stanzas.
	accountOrder() *order
	// outboundBytes is the bound of the backlog. It is further away than that of
	// overfull, which keeps it from being reached by stanzas.
	outboundBytes(e *Engine) int
}

// domainStream is the connection's, nil for a client's session.
func (c *conn) domainStream() domainStream {
	switch {
	case c.peer != nil:
		return c.peer
	case c.component != nil:
		return c.component
	}
	return nil
}
