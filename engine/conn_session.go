package engine

import (
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/xep"
)

// perform carries out what a session put into out, which the calls it makes
// may use again; but for the stanza of a client, see feedElement.
func (c *conn) perform(out *session.Out) {
	l := c.loop
	if out.Ask {
		l.touch(c)
	}
	startTLS, compressed, lost, end, reason := out.StartTLS, out.Compress, out.Lost, out.Close, out.Reason
	var op *session.Op
	if out.Op.Kind != session.OpNone {
		asked := out.Op
		op = &asked
	}
	if len(out.Bytes) > 0 {
		c.write(out.Bytes)
	}
	if n := out.AuthFailures; n > 0 {
		l.engine.failures.add(c.transport.remote(), l.now, int(n))
		take(&out.AuthFailures, &l.stats.authFailure)
	}
	l.took(out)
	if op != nil {
		l.start(c, *op)
	}
	if startTLS {
		c.startTLS()
	}
	if compressed {
		c.compressed()
	}
	c.tellAcked()
	c.acknowledged()
	if c.entered && c.marks&xep.MarkManaged == 0 && c.session.Managed() {
		c.markManaged()
	}
	switch {
	case lost:
		c.lose(ErrSilent)
	case end:
		c.sessionEnded(reason)
		c.finish()
	}
	c.rearm()
}

// deliver gives a rendered stanza to the session; false when that has ended.
// b must stay unchanged until the end of the turn. rc is who waits for the
// client to acknowledge it, to the sessions that get it when this is not the only one.
func (c *conn) deliver(b []byte, how session.Delivery, rc receipt, to []routing.Mailbox) bool {
	if c.saving {
		return false // it takes no more
	}
	l := c.loop
	out := l.begin()
	if rc.wanted {
		how |= session.Awaited
	}
	c.session.Deliver(l.now, b, how, out)
	pass, end, reason, counted := out.Pass, out.Close, out.Reason, out.Counted
	taken := pass || out.Held
	if len(out.Bytes) > 0 { // what was held back until now, or last words
		c.write(out.Bytes)
		l.took(out)
	}
	if pass {
		l.delivered++
		c.write(b)
	}
	switch {
	case !taken:
	case !rc.wanted:
		if counted {
			c.journalGiven(rc.key)
		}
	case !counted: // without stream management, or held back until the client is active
		l.settleReceipt(rc)
	default:
		c.await(rc)
		c.journalGiven(rc.key)
		if c.phase == phaseDetached && !end {
			c.keepNow()
		}
	}
	if counted && len(to) > 1 {
		c.receiptList().add(c.session.Sent(), to)
	}
	if end {
		c.sessionEnded(reason)
		c.finish()
	}
	if c.session.Managed() {
		c.rearm()
	}
	return taken
}

// ask writes the <r/> for what the turn has given to the client.
func (c *conn) ask() {
	l := c.loop
	out := l.begin()
	c.session.Ask(l.now, out)
	c.write(out.Bytes)
	l.took(out)
	c.rearm()
}

// complete answers the operation that the session waits for.
func (c *conn) complete(res *session.Result) {
	if !c.receives() {
		return
	}
	out := c.loop.begin()
	c.session.Complete(c.loop.now, res, out)
	c.perform(out)
	if c.phase == phaseDetached && c.resumer != nil {
		c.grant(c.resumer)
	}
}

// secured goes on inside TLS after the handshake.
func (c *conn) secured() {
	c.phase = phaseStream
	info := c.tls.Info()
	var bindings []sasl.Binding
	if info.Exporter != nil {
		bindings = append(bindings, sasl.Binding{Type: sasl.TLSExporter, Derive: info.Exporter})
	}
	if info.Unique != nil {
		bindings = append(bindings, sasl.Binding{Type: sasl.TLSUnique, Data: info.Unique})
	}
	if info.EndPoint != nil {
		bindings = append(bindings, sasl.Binding{Type: sasl.TLSServerEndPoint, Data: info.EndPoint})
	}
	c.session.SetSecured(bindings)
	c.tls.KeepIn(&c.loop.warmth)
	c.tls.Forget() // the session has the bindings, and nobody asks for the rest
	c.decrypt(nil) // data may have come with the last flight
}
