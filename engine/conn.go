package engine

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/valyala/bytebufferpool"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/internal/invariants"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

// conn is one connection: a transport, perhaps TLS, and the session on top.
// It belongs to one loop for its whole life. What only few connections have, or
// for a short time, is in rare: there are a million of these. Make it with newConn.
// Loop only.
type conn struct {
	loop      *loop
	transport transport
	session   session.Session

	tls      *xtls.Filter               // nil in the clear
	partial  *bytebufferpool.ByteBuffer // input that was not consumed yet; nil most of the time
	out      *outList                   // what this turn writes; nil when nothing
	receipts *receipts                  // of what the client has not acknowledged; nil: none
	*rare                               // read it freely; see more

	slot, generation     uint32
	wheelNext, wheelPrev *conn  // see wheel
	paidTo               int64  // what the client has sent takes until then, Unix nanoseconds; see pace
	armed                uint32 // the tick at which the wheel calls; 0: never

	marks      xep.Mark // what the routing table says of the session
	listener   uint8    // see Engine.listenerOf
	phase      phase
	handshaken bool // the handshake is over and was counted
	touched    bool // in loop.dirty: flush at the end of the turn
	entered    bool // in the routing table
	stepping   bool // a handshake step runs on a worker
	paused     bool // the transport is not read
	throttled  bool // input waits in partial until paidTo, see pace
	stalled    bool // input waits in partial until the peer has read, see behindTooFar
}

// rare is what most connections do without. They share one that is empty and is
// never written to: who writes asks for more.
type rare struct {
	peer      *peer          // another server's stream, instead of a session
	component *componentConn // a component's, the same
	zip       *compression

	backlog  backlog   // what the peer has not taken
	awaiting []*parcel // those whose acknowledgement is waited for, oldest first
	parcels  *parcel   // those that wait for the backlog

	// Of a connection that comes to its end or is resumed.
	lingerTo           int64           // when it is cut (phaseClosing) or its session ends (phaseDetached), Unix nanoseconds
	resumer            *resumption     // the connection that is to have the session; nil: none
	movedTo, movedFrom routing.Mailbox // phaseMoved: who has the transport; and on its side

	blocked  bool // the backlog waits for room
	shut     bool // our side of the transport is closed
	notified bool // close_notify was sent
	saving   bool // on its way into the store, for the time after a restart
	unstored bool // what is held for the client could not be stored
}

// newConn makes a connection without a slot.
func (l *loop) newConn(t transport) *conn { return &conn{loop: l, transport: t, rare: &l.none} }

// more is rare to be written to.
func (c *conn) more() *rare {
	if c.rare == &c.loop.none {
		c.rare = &rare{}
	}
	return c.rare
}

// less gives rare back once there is nothing in it.
func (c *conn) less() {
	r := c.rare
	if r != &c.loop.none && r.isEmpty() {
		c.rare = &c.loop.none
	}
}

func (r *rare) isEmpty() bool {
	return r.peer == nil && r.component == nil && r.zip == nil && r.backlog.size() == 0 && r.awaiting == nil && r.parcels == nil &&
		r.lingerTo == 0 && r.resumer == nil && r.movedTo == 0 && r.movedFrom == 0 &&
		!r.blocked && !r.shut && !r.notified && !r.saving && !r.unstored
}

// phase is what a connection's input means.
type phase uint8

const (
	phaseStream    phase = iota // XML, in TLS when conn.tls is set
	phaseHandshake              // TLS handshake
	phaseClosing                // our side is closed; input is thrown away
	phaseDetached               // no transport; the session waits for a resumption
	phaseMoved                  // the in-process transport belongs to movedTo
	phaseClosed                 // nothing may be touched any more
)

// Errors that end a session beside stream errors.
var (
	// ErrPeerClosed: the connection ended without </stream:stream>.
	ErrPeerClosed = errors.New("engine: connection closed by the peer")
	// ErrSlowConsumer: more than Limits.OutboundBytes waited for the peer.
	ErrSlowConsumer = errors.New("engine: peer reads too slowly")
	// ErrSilent: the peer said nothing for Limits.PingTime when asked for a sign of life.
	ErrSilent = errors.New("engine: no sign of life from the peer")
	// ErrInboundBound: more than Limits.InboundBytes came while the session waited.
	ErrInboundBound = errors.New("engine: peer sent too much while its session waited")
	// ErrHandshake: the TLS handshake failed.
	ErrHandshake = errors.New("engine: TLS handshake failed")
	// ErrDirty: the TLS stream is broken or was cut off.
	ErrDirty = errors.New("engine: TLS stream broken")
)

func (c *conn) mailbox() routing.Mailbox { return mailboxOf(c.loop.index, c.slot, c.generation) }

// info describes the session to hooks.
func (c *conn) info() SessionInfo {
	return SessionInfo{JID: c.session.JID(), Remote: c.transport.remote(), TLS: c.tls != nil}
}

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
	for consumed < len(in) && c.phase == phaseStream && c.takes(in[consumed:]) {
		n := c.feedElement(in[consumed:])
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

// takes tells whether the element that in begins with is for now. A server or a
// component is read although it is behind with reading, unlike a client: two
// servers that waited for each other to read would wait for ever, and what a
// component is sent meanwhile goes back to the senders.
func (c *conn) takes(in []byte) bool {
	switch {
	case c.peer != nil || c.component != nil:
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
func (c *conn) feedElement(in []byte) (consumed int) {
	switch {
	case c.peer != nil:
		return c.feedPeer(in)
	case c.component != nil:
		return c.feedComponent(in)
	}
	l := c.loop
	out := l.begin()
	n := c.session.Feed(l.now, in, out)
	if n > 0 {
		l.engine.pace.pay(c, n)
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

// perform carries out what a session put into out, which the calls it makes
// may use again.
func (c *conn) perform(out *session.Out) {
	l := c.loop
	op, startTLS, compressed, lost, end, reason := out.Op, out.StartTLS, out.Compress, out.Lost, out.Close, out.Reason
	if len(out.Bytes) > 0 {
		c.write(out.Bytes)
	}
	if n := out.AuthFailures; n > 0 {
		l.engine.failures.add(c.transport.remote(), l.now, int(n))
	}
	l.took(out)
	if out.HasStanza {
		l.sent = out.Stanza // out is used again for what the dispatch answers
		l.dispatch(c, &l.sent)
	}
	if op.Kind != session.OpNone {
		l.start(c, op)
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

// rearm sets the timer to the next deadline.
func (c *conn) rearm() {
	if c.phase != phaseClosed && !c.loop.wheel.armedFor(c, c.deadline()) {
		c.loop.wheel.arm(c, c.deadline())
	}
}

// deliver gives a rendered stanza to the session; false when that has ended.
// b must stay unchanged until the end of the turn. rc is who waits for the
// client to acknowledge it.
func (c *conn) deliver(b []byte, how session.Delivery, rc receipt) bool {
	if c.saving {
		return false // it takes no more
	}
	l := c.loop
	out := l.begin()
	if rc.wanted {
		how |= session.Awaited
	}
	c.session.Deliver(l.now, b, how, out)
	pass, ask, end, reason, counted := out.Pass, out.Ask, out.Close, out.Reason, out.Counted
	taken := pass || out.Held
	if len(out.Bytes) > 0 { // what was held back until now, or last words
		c.write(out.Bytes)
		l.took(out)
	}
	if pass {
		l.stats.stanzasOut.Add(1)
		c.write(b)
	}
	if ask {
		c.write(askBytes)
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
	if end {
		c.sessionEnded(reason)
		c.finish()
	}
	if c.session.Managed() {
		c.rearm()
	}
	return taken
}

var askBytes = []byte(session.AckRequest)

// deadline is when tick wants to be called.
func (c *conn) deadline() int64 {
	switch {
	case c.phase == phaseClosing:
		return c.lingerTo
	case c.phase == phaseDetached && c.resumer != nil:
		return session.Earlier(session.Earlier(c.lingerTo, c.keepDue()), c.resumer.until)
	case c.phase == phaseDetached:
		return session.Earlier(c.lingerTo, c.keepDue())
	}
	switch {
	case c.peer != nil:
		return c.peer.stream.Deadline()
	case c.component != nil:
		return c.component.stream.Deadline()
	}
	deadline := session.Earlier(c.session.Deadline(), c.keepDue())
	if c.throttled && (deadline == 0 || c.paidTo < deadline) {
		return c.paidTo
	}
	return deadline
}

// tick acts on a deadline that is over.
func (c *conn) tick() {
	if due := c.keepDue(); due != 0 && c.loop.now >= due {
		c.keepNow()
	}
	switch c.phase {
	case phaseClosing:
		c.cut()
	case phaseDetached:
		if c.loop.now >= c.lingerTo {
			c.expire(ErrNotResumed)
		} else if c.resumer != nil {
			c.grant(c.resumer)
		}
	case phaseHandshake: // a stream error cannot be said yet
		c.abort(fmt.Errorf("%w: it did not end in time", ErrHandshake))
	case phaseStream:
		switch {
		case c.peer != nil:
			out := c.loop.beginPeer()
			c.peer.stream.Tick(c.loop.now, out)
			c.performPeer(out)
			return
		case c.component != nil:
			out := c.loop.beginComponent()
			c.component.stream.Tick(c.loop.now, out)
			c.performComponent(out)
			return
		}
		c.goOnInTime()
		if c.phase != phaseStream {
			return
		}
		out := c.loop.begin()
		c.session.Tick(c.loop.now, out)
		c.perform(out)
	}
}

// fail ends the session with a stream error.
func (c *conn) fail(e stanza.StreamError) {
	switch c.phase {
	case phaseHandshake:
		c.abort(e)
	case phaseStream, phaseDetached:
		switch {
		case c.peer != nil:
			out := c.loop.beginPeer()
			c.peer.stream.Fail(e, out)
			c.performPeer(out)
			return
		case c.component != nil:
			out := c.loop.beginComponent()
			c.component.stream.Fail(e, out)
			c.performComponent(out)
			return
		}
		out := c.loop.begin()
		c.session.Fail(e, out)
		c.perform(out)
	}
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
		bindings = append(bindings, sasl.Binding{Type: sasl.TLSExporter, Data: info.Exporter})
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

// sessionEnded takes the session out of the routing table, once.
func (c *conn) sessionEnded(reason error) {
	c.settle(false)
	switch {
	case c.peer != nil:
		c.peerEnded(reason)
	case c.component != nil:
		c.componentEnded(reason)
	}
	if !c.entered {
		return
	}
	c.entered = false
	handed := c.session.Managed() && c.giveBack()
	c.freeReceipts()
	c.loop.leave(c, handed, reason)
}

// abort ends the connection at once; what waits for the peer is lost.
func (c *conn) abort(reason error) {
	if c.phase == phaseClosed {
		return
	}
	if c.phase == phaseDetached {
		c.expire(reason)
		return
	}
	c.sessionEnded(reason)
	c.phase = phaseClosing
	c.loop.engine.log.Debug("connection aborted", "remote", c.transport.remote(), "reason", reason)
	c.more().lingerTo = c.loop.now
	c.dropOut()
	c.clearBacklog()
	c.loop.cutLater(c)
}

// finish closes our side after all output: TLS close_notify, then the end of
// the TCP stream. The peer's end, or the deadline, closes the connection; a
// close with unread input would reset it and destroy the last words.
func (c *conn) finish() {
	switch c.phase {
	case phaseClosed, phaseClosing:
		return
	case phaseDetached:
		c.dispose()
		return
	}
	c.phase = phaseClosing
	c.more().lingerTo = c.loop.now + lingerTime
	c.loop.wheel.arm(c, c.lingerTo)
	c.loop.touch(c)
}

// cut closes the transport now.
func (c *conn) cut() {
	switch c.phase {
	case phaseClosed, phaseMoved:
	case phaseDetached:
		c.expire(ErrPeerClosed)
	default:
		c.transport.close()
	}
}

// transportClosed is called once, when the transport has gone. Nothing of it
// may be touched afterwards: its descriptor may already be another user's.
func (c *conn) transportClosed() {
	if !c.connected() {
		return
	}
	l := c.loop
	if c.movedFrom != 0 {
		l.engine.send(c.movedFrom, moveOver{})
		c.movedFrom = 0
	}
	l.engine.admission.leave(c.transport.origin())
	if c.mayDetach() {
		filter := c.tls
		c.closeTLS(filter)
		c.detach()
		l.engine.admission.release()
		return
	}
	c.sessionEnded(ErrPeerClosed)
	c.phase = phaseClosed
	c.releaseAll()
	l.wheel.disarm(c)
	c.session.Release(&l.out)
	switch {
	case c.peer != nil:
		c.peer.stream.Release(&l.peerOut)
	case c.component != nil:
		c.component.stream.Release(&l.componentOut)
	}
	c.dropPartial()
	c.dropPacked()
	c.dropOut()
	c.clearBacklog()
	c.closeTLS(c.tls)
	l.slots.remove(c.slot)
	l.engine.admission.release()
}

func (c *conn) clearBacklog() {
	c.loop.stats.outbound.Add(-int64(c.backlog.size()))
	if c.backlog.size() > 0 {
		c.backlog.clear(&c.loop.engine.chunks)
	}
}

// addrString is the peer's address for the log.
func addrString(a net.Addr) string {
	if a == nil {
		return "in-process"
	}
	return a.String()
}
