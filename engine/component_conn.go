package engine

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/component"
	"github.com/xylem-im/xylem/stanza"
)

// probeTime is how long a component's stream has to show that it is alive when
// another one wants its place.
const probeTime = 10 * time.Second

// componentConn is what a connection has instead of a client's session when a
// component is at its other end.
type componentConn struct {
	stream component.Stream
	domain *componentDomain // that it holds; nil: none
	order  order
	ended  bool
}

// configureComponents derives what the streams of components share and enters
// the configured ones.
func (e *Engine) configureComponents() (faults []error) {
	e.componentStreams = component.Config{
		Secret: func(domain string) (string, bool) {
			d := e.components.find(domain)
			if d == nil {
				return "", false
			}
			return d.secret, true
		},
		PingFrom:      e.pingFrom,
		Random:        rand.Reader,
		PreAuth:       e.sessions.PreAuth,
		Bound:         e.sessions.Bound,
		HandshakeTime: int64(e.limits.PreAuthTime),
		IdleTime:      int64(e.limits.IdleTime),
		PingTime:      int64(max(e.limits.PingTime, 0)),
		ProbeTime:     int64(probeTime),
	}
	e.inprocComponent = &listener{Listener: Listener{Name: "in-process", Role: RoleComponent}, engine: e}
	for i, c := range e.cfg.Components {
		if err := e.AddComponent(c); err != nil {
			faults = append(faults, componentFault(i, c.Domain, err))
		}
	}
	return faults
}

// openComponent adds a connection that a component has opened.
func (l *loop) openComponent(t transport, ln *listener) *conn {
	c := l.newConn(t)
	c.listener, c.more().component = ln.index, &componentConn{}
	c.slot, c.generation = l.slots.add(c)
	l.stats.accepted.Add(1)
	c.component.stream.Accept(&l.engine.componentStreams, l.now)
	if ln.TLS {
		c.startTLS()
	}
	c.rearm()
	return c
}

func (s *componentConn) secured(c *conn, _ s2s.Proof) {
	c.phase = phaseStream
	c.tls.Forget()
	c.decrypt(nil) // data may have come with the last flight
}

func (s *componentConn) feed(c *conn, in []byte) (consumed int) {
	out := c.loop.beginComponent()
	consumed = s.stream.Feed(c.loop.now, in, out)
	c.performComponent(out)
	return consumed
}

func (s *componentConn) deadline() int64 { return s.stream.Deadline() }

func (s *componentConn) tick(c *conn) {
	out := c.loop.beginComponent()
	s.stream.Tick(c.loop.now, out)
	c.performComponent(out)
}

func (s *componentConn) fail(c *conn, e stanza.StreamError) {
	out := c.loop.beginComponent()
	s.stream.Fail(e, out)
	c.performComponent(out)
}

func (s *componentConn) release(l *loop) { s.stream.Release(&l.componentOut) }

func (s *componentConn) accountOrder() *order { return &s.order }

func (s *componentConn) outboundBytes(e *Engine) int {
	return max(e.limits.OutboundBytes, 2*e.limits.ComponentBytes+2*e.limits.StanzaBytes)
}

// overfull tells whether no more may be written to the component before it has
// read: what comes meanwhile is returned to its sender.
func (s *componentConn) overfull(c *conn) bool {
	return c.waitingBytes() > c.loop.engine.limits.ComponentBytes
}

// beginComponent prepares the loop's Out for a call of a component's stream.
func (l *loop) beginComponent() *component.Out {
	l.componentOut.Reset(l.tail)
	return &l.componentOut
}

// performComponent carries out what a stream has listed.
func (c *conn) performComponent(out *component.Out) {
	l := c.loop
	proved, secret, end, reason := out.Proved, out.Secret, out.Close, out.Reason
	if len(out.Bytes) > 0 {
		c.write(out.Bytes)
	}
	l.advance(out.Bytes)
	take(&out.StreamErrors, &l.stats.streamErrors)
	if out.HasStanza {
		l.fromComponent(c, out)
	}
	if proved {
		c.claim(secret)
	}
	if end {
		c.sessionEnded(reason)
		c.finish()
	}
	c.rearm()
}

// claim gives the domain to a stream that has proved itself by secret, unless another one
// has it. That is asked for a sign of life at once: where a component comes back
// after its machine, or the network, went away, its next attempt succeeds.
func (c *conn) claim(secret string) {
	l, mb := c.loop, c.mailbox()
	stream := &c.component.stream
	d := l.engine.components.find(stream.Domain())
	if d == nil || d.secret != secret { // changed in this moment
		c.fail(stanza.StreamError{Condition: stanza.StreamReset})
		return
	}
	if other, ok := d.take(mb); !ok {
		l.postControl(other, probing{})
		c.fail(stanza.StreamError{Condition: stanza.StreamConflict, Text: "the component is connected already"})
		return
	}
	if d.removed.Load() { // while it was taken
		d.leave(mb)
		c.fail(stanza.StreamError{Condition: stanza.StreamReset})
		return
	}
	c.component.domain = d
	d.came(l.now, addrString(c.transport.remote()))
	l.stats.authSuccess.Add(1)
	l.engine.log.Info("component connected", "domain", d.name, "remote", addrString(c.transport.remote()))
	out := l.beginComponent()
	stream.Accepted(l.now, out)
	c.performComponent(out)
}

// probing asks the stream of a component whether it is still there.
type probing struct{}

func (probing) apply(l *loop, c *conn) {
	if c != nil && c.component != nil && c.phase == phaseStream {
		out := l.beginComponent()
		c.component.stream.Probe(l.now, out)
		c.performComponent(out)
	}
}

// fromComponent routes a stanza of a component as if a client had sent it.
func (l *loop) fromComponent(c *conn, out *component.Out) {
	c.component.domain.in.Add(1)
	l.stats.componentIn.Add(1)
	fw := stanza.Forward{From: out.From, Lang: c.component.stream.Lang()}
	src := source{waits: waiter{mailbox: c.mailbox()}, stream: c}
	l.routeInOrder(&src, &out.Stanza, out.To, &fw)
}

// sendComponent hands a stanza for a component's domain to the stream that has
// it.
func (l *loop) sendComponent(src *source, d *componentDomain, v *stanza.View, to jid.View, fw *stanza.Forward) {
	mb := routing.Mailbox(d.holder.Load())
	if mb == 0 {
		d.returned.Add(1)
		l.bounceTo(src, v, to, fw.From, d.away())
		return
	}
	b := l.batchFor(mailboxLoop(mb))
	off := len(b.data)
	b.data = stanza.AppendForward(b.data, v, fw)
	b.entries = append(b.entries, entry{to: mb, kind: entryComponent, off: uint32(off), end: uint32(len(b.data)), ctl: d})
}

// postComponent hands a rendered stanza to it.
func (l *loop) postComponent(d *componentDomain, st []byte) {
	mb := routing.Mailbox(d.holder.Load())
	if mb == 0 {
		d.returned.Add(1)
		l.bounceRemote(st, receipt{}, d.away())
		return
	}
	b := l.batchFor(mailboxLoop(mb))
	off := len(b.data)
	b.data = append(b.data, st...)
	b.entries = append(b.entries, entry{to: mb, kind: entryComponent, off: uint32(off), end: uint32(len(b.data)), ctl: d})
}

// away is what the sender of a stanza for a component without a stream gets. The
// service is known and may be back soon, so it is not service-unavailable or
// remote-server-not-found, whose types say that trying again is of no use: it
// "was resolved but communications could not be established" (RFC 6120
// §8.3.3.17).
func (d *componentDomain) away() stanza.Error {
	return stanza.Error{Condition: stanza.RemoteServerTimeout, Text: "the service " + d.name + " is not connected to its server at the moment"}
}

// toComponent gives a stanza to the stream. What was on its way to one that has
// ended goes back: a stream that came meanwhile may have got later ones, which
// must not be overtaken.
func (l *loop) toComponent(c *conn, d *componentDomain, st []byte) {
	switch {
	case c == nil || c.component == nil || c.phase != phaseStream:
	case c.component.overfull(c):
		d.returned.Add(1)
		l.bounceRemote(st, receipt{}, stanza.Error{Condition: stanza.ResourceConstraint, Text: "the service " + d.name + " does not keep up with what it is sent"})
		return
	default:
		out := l.beginComponent()
		taken := c.component.stream.Deliver(st, out)
		if len(out.Bytes) > 0 {
			c.write(out.Bytes)
		}
		l.advance(out.Bytes)
		if out.Pass {
			c.write(st)
		}
		if taken {
			d.out.Add(1)
			l.stats.componentOut.Add(1)
			return
		}
	}
	d.returned.Add(1)
	l.bounceRemote(st, receipt{}, d.away())
}

// end gives the domain back and keeps for operators why.
func (s *componentConn) end(c *conn, reason error) {
	l := c.loop
	if s.ended {
		return
	}
	s.ended = true
	address := addrString(c.transport.remote())
	if d := s.domain; d != nil {
		if d.leave(c.mailbox()) {
			d.left(l.now)
		}
		if reason != nil {
			d.failed(l.now, reason)
		}
		l.engine.log.Info("component disconnected", "domain", d.name, "remote", address, "reason", reasonText(reason))
		return
	}
	if reason == nil {
		return
	}
	if errors.Is(reason, stanza.StreamError{Condition: stanza.StreamNotAuthorized}) {
		l.stats.authFailure.Add(1)
	}
	d := l.engine.components.find(s.stream.Domain())
	if d == nil { // of whoever looks at open ports
		l.engine.log.Debug("component refused", "remote", address, "reason", reason)
		return
	}
	d.failed(l.now, refusal{address, reason})
	l.engine.log.Warn("component refused", "domain", s.stream.Domain(), "remote", address, "reason", reason)
}

func reasonText(err error) string {
	if err == nil {
		return "it closed its stream"
	}
	return err.Error()
}

// refusal is why a connection did not get the domain.
type refusal struct {
	address string
	reason  error
}

func (r refusal) Error() string {
	return "connection from " + r.address + " refused: " + r.reason.Error()
}
func (r refusal) Unwrap() error { return r.reason }
