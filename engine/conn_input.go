package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/xylem-im/xylem/internal/invariants"
	"github.com/xylem-im/xylem/session"
)

// input takes bytes from the transport. They are overwritten or reused after
// it returns.
func (c *conn) input(b []byte) {
	c.loop.stats.bytesIn.Add(uint64(len(b)))
	switch {
	case c.phase == phaseHandshake:
		c.handshakeInput(b)
	case c.phase == phaseStream && c.tls == nil:
		c.clear(b)
	case c.phase == phaseStream:
		c.decrypt(b)
	}
}

// decrypt opens what came and passes the plaintext on.
func (c *conn) decrypt(b []byte) {
	l := c.loop
	plain, err := c.tls.Decrypt(b, l.plain[:0])
	l.keepPlain(plain)
	if alert := c.tls.Pending(); alert != nil {
		c.transmit([][]byte{alert})
	}
	if len(plain) > 0 && c.phase == phaseStream {
		c.clear(plain)
	}
	switch {
	case err == nil || c.phase != phaseStream:
	case errors.Is(err, io.EOF): // close_notify: the peer will send nothing more
		c.endOfInput()
	default:
		c.lose(fmt.Errorf("%w: %w", ErrDirty, err))
	}
}

// endOfInput is the peer's end of the TLS stream.
func (c *conn) endOfInput() {
	if c.mayDetach() {
		shell := c.shed()
		c.detach()
		shell.finish()
		return
	}
	c.sessionEnded(ErrPeerClosed)
	c.finish()
}

// clear takes what is not encrypted (any more).
func (c *conn) clear(b []byte) {
	if c.zip != nil {
		c.unpack(b)
		return
	}
	c.plain(b)
}

// plain feeds the session with plaintext, after what was left of earlier input.
func (c *conn) plain(b []byte) {
	if c.partial == nil {
		c.keep(b, c.feed(b))
		return
	}
	c.partial.B = append(c.partial.B, b...)
	c.resume()
}

// resume feeds the session with what was kept.
func (c *conn) resume() {
	if c.phase != phaseStream {
		return
	}
	if c.partial != nil {
		if n := c.feed(c.partial.B); c.partial != nil {
			c.keep(c.partial.B, n)
		}
	}
	c.unpackMore()
	if c.phase == phaseStream && !c.holdsBack() {
		c.unpause()
	}
}

// waits tells whether input must wait for something that is under way.
func (c *conn) waits() bool {
	return c.session.Waiting() || c.loop.burstBlocks(c) || c.heldTooMany() && !c.unstored || c.order().full() ||
		c.peer != nil && c.peer.leaving
}

// holdsBack tells whether input is left aside for now.
func (c *conn) holdsBack() bool { return c.waits() || c.stalled || c.throttled }

// feed passes in to the stream, element by element, and carries out what it asks
// for. It returns the bytes consumed.
func (c *conn) feed(in []byte) (consumed int) {
	c.loop.lane.conn = nil // it ends with the read
	domain := c.domainStream()
	for consumed < len(in) && c.phase == phaseStream && c.takes(domain, in[consumed:]) {
		n := c.feedElement(domain, in[consumed:])
		consumed += n
		if n == 0 {
			break
		}
	}
	if c.phase != phaseStream {
		return len(in) // after STARTTLS what follows in the clear is void, RFC 6120 §5.3.4
	}
	return consumed
}

// takes tells whether the element that in begins with is for now. domain is what
// domainStream says. A server or a
// component is read although it is behind with reading, unlike a client: two
// servers that waited for each other to read would wait for ever, and what a
// component is sent meanwhile goes back to the senders.
func (c *conn) takes(domain domainStream, in []byte) bool {
	switch {
	case domain != nil:
		return !c.waits()
	case c.heldTooMany() && !c.unstored:
		return false
	case c.behindTooFar():
		c.stalled = true
		return false
	case c.mustWait(in):
		return false
	case c.aheadOfTime():
		c.slowDown()
		return false
	}
	return true
}

// feedElement passes on one element at most.
func (c *conn) feedElement(domain domainStream, in []byte) (consumed int) {
	if domain != nil {
		return domain.feed(c, in)
	}
	l := c.loop
	out := l.begin()
	n := c.session.Feed(l.now, in, out)
	if n > 0 {
		l.engine.pace.pay(c, n)
	}
	if out.HasStanza { // nothing else is to be done, and no deadline has changed
		invariants.Assert(len(out.Bytes) == 0 && out.Op.Kind == session.OpNone && !out.Close, "a session asks for more than its stanza")
		l.sent = out.Stanza // out is used again for what the dispatch answers
		l.lane.pays = n < len(in)
		l.dispatch(c, &l.sent)
		return n
	}
	compressed := out.Compress
	c.perform(out)
	if compressed { // what follows is
		c.keepPacked(in[n:])
		l.postControl(c.mailbox(), unpacking{})
		return len(in)
	}
	return n
}

// keep holds what the session did not consume until there is more.
func (c *conn) keep(in []byte, consumed int) {
	rest := in[consumed:]
	switch {
	case len(rest) == 0:
		c.dropPartial()
	case c.holdsBack() && len(rest) > c.loop.engine.limits.InboundBytes:
		c.abort(ErrInboundBound)
	case c.partial == nil:
		c.partial = c.loop.engine.buffers.Get()
		c.partial.B = append(c.partial.B, rest...)
	case consumed > 0:
		c.partial.B = c.partial.B[:copy(c.partial.B, rest)]
	}
	if c.holdsBack() && len(rest) >= pauseAt {
		c.pause()
	}
}

func (c *conn) dropPartial() {
	if c.partial == nil {
		return
	}
	invariants.Poison(c.partial.B)
	c.loop.engine.buffers.Put(c.partial)
	c.partial = nil
}
