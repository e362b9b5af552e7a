package engine

import (
	"fmt"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/s2s"
)

// startTLS makes the connection speak TLS from its next byte on. The filter
// is stepped by a worker, one step at a time; what comes in meanwhile waits in
// conn.partial. A light step is done here: the way to a worker and back takes
// longer.
func (c *conn) startTLS() {
	c.phase = phaseHandshake
	c.dropPartial()
	c.loop.stats.handshakes.Add(1)
	if c.peer == nil {
		c.tls = xtls.Server(c.loop.engine.listenerOf(c).tlsConfig(c.session.Domain()))
		c.tls.RunOn(&c.loop.engine.coroutines)
		return
	}
	c.tls = c.peerFilter()
	c.tls.RunOn(&c.loop.engine.coroutines)
	if c.peer.domain != nil { // we speak first
		c.partial = c.loop.engine.buffers.Get()
		c.step()
	}
}

// handshakeInput passes ciphertext to a worker, or keeps it while one runs.
func (c *conn) handshakeInput(b []byte) {
	if c.partial == nil {
		c.partial = c.loop.engine.buffers.Get()
	}
	c.partial.B = append(c.partial.B, b...)
	if len(c.partial.B) > xtls.MaxHeld {
		c.abort(ErrHandshake)
		return
	}
	if !c.stepping {
		c.step()
	}
}

// step hands what has come to a worker, unless that is a light step.
func (c *conn) step() {
	filter, in := c.tls, c.partial
	c.partial = nil
	e, to := c.loop.engine, c.mailbox()
	if c.peer == nil && filter.Light() {
		s := stepped{filter: filter}
		s.out, s.done, s.err = filter.Step(in.B)
		e.buffers.Put(in)
		s.apply(c.loop, c)
		return
	}
	c.stepping = true
	isPeer, isServer := c.peer != nil, c.peer != nil && c.peer.domain != nil
	queued := c.loop.work(func() {
		s := &stepped{filter: filter}
		s.out, s.done, s.err = filter.Step(in.B)
		e.buffers.Put(in)
		if s.done && s.err == nil && isPeer {
			s.proof = e.judge(filter, isServer)
		}
		e.send(to, s)
	})
	if !queued {
		c.stepping = false
		e.buffers.Put(in)
		c.abort(ErrHandshake)
	}
}

// stepped is what a worker found out in one handshake step.
type stepped struct {
	filter *xtls.Filter
	out    []byte
	done   bool
	err    error
	proof  s2s.Proof // with done: what another server's certificate proves
}

func (s *stepped) apply(l *loop, c *conn) {
	if c == nil || c.tls != s.filter {
		s.filter.Close() // the connection went away in the meantime
		return
	}
	c.stepping = false
	if c.phase != phaseHandshake {
		return // being closed; transportClosed releases the filter
	}
	if len(s.out) > 0 {
		c.transmit([][]byte{s.out})
	}
	switch {
	case c.phase != phaseHandshake:
		return
	case s.err != nil && c.peer != nil:
		c.abort(handshakeError(s.err))
	case s.err != nil:
		c.abort(fmt.Errorf("%w: %w", ErrHandshake, s.err))
	case s.done:
		l.stats.handshakes.Add(-1)
		c.handshaken = true
		early := c.partial // came while the last step ran
		c.partial = nil
		if ds := c.domainStream(); ds != nil {
			ds.secured(c, s.proof)
		} else {
			c.secured()
		}
		if early != nil {
			if c.phase == phaseStream {
				c.decrypt(early.B)
			}
			l.engine.buffers.Put(early)
		}
	case c.partial != nil && len(c.partial.B) > 0:
		c.step()
	}
}
