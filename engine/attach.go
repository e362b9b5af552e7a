package engine

import (
	"net"
	"sync/atomic"

	"github.com/xylem-im/xylem/routing"
)

// Sink is the peer of an in-process connection. Its methods are called on an
// event loop: they may not block.
type Sink interface {
	// Write takes what the server sends; p is valid until it returns.
	Write(p []byte)
	// Buffered is the number of bytes taken by Write that the peer has not read
	// yet; what stays unread counts against Limits.OutboundBytes.
	Buffered() int
	// CloseWrite tells that the server sends nothing more.
	CloseWrite()
	// Closed is called once, last.
	Closed()
}

// Wire is an in-process connection: the sessions behind it are the same as
// behind a socket, without one. All methods are safe for concurrent use.
type Wire struct {
	engine  *Engine
	mailbox routing.Mailbox // of the connection that it was opened as
	pending atomic.Int64    // bytes sent and not yet taken by the loop
	conn    *conn           // loop only
	holding bool            // the session does not keep up; loop only
	held    int64           // bytes taken while holding; loop only
	sink    Sink
}

// Attach opens an in-process connection in the role of a client. It waits
// until a loop has taken it. Errors: ErrNotRunning.
func (e *Engine) Attach(sink Sink) (*Wire, error) { return e.attach(sink, e.inproc) }

// AttachComponent is Attach in the role of a component, which proves itself as
// over a socket.
func (e *Engine) AttachComponent(sink Sink) (*Wire, error) { return e.attach(sink, e.inprocComponent) }

func (e *Engine) attach(sink Sink, ln *listener) (*Wire, error) {
	select {
	case <-e.ready:
	default:
		return nil, ErrNotRunning
	}
	if e.draining.Load() {
		return nil, ErrNotRunning
	}
	w := &Wire{engine: e, sink: sink}
	done := make(chan struct{})
	index := e.nextLoop.Add(1) % uint32(len(e.loops))
	e.sendLoop(index, &attaching{wire: w, listener: ln, done: done})
	select {
	case <-done:
		return w, nil
	case <-e.stopped:
		return nil, ErrNotRunning
	}
}

type attaching struct {
	wire     *Wire
	listener *listener
	done     chan<- struct{}
}

func (a *attaching) apply(l *loop, _ *conn) {
	l.engine.admission.open.Add(1) // drain waits for it
	l.engine.admission.inside.Add(1)
	a.wire.conn = l.openAs(wireTransport{a.wire}, a.listener)
	a.wire.mailbox = a.wire.conn.mailbox()
	close(a.done)
}

// Send gives bytes to the server, as a client's socket would; they are copied.
// The caller keeps Pending within bounds.
func (w *Wire) Send(p []byte) {
	b := w.engine.pool.get()
	b.data = append(b.data, p...)
	b.entries = append(b.entries, entry{to: w.mailbox, kind: entryInput, end: uint32(len(p)), ctl: inputOf{w}})
	w.pending.Add(int64(len(p)))
	w.engine.loops[mailboxLoop(w.mailbox)].receive(b)
}

// Pending is the number of bytes sent that the server has not looked at yet.
func (w *Wire) Pending() int { return int(w.pending.Load()) }

// Close cuts the connection, as the end of a socket would.
func (w *Wire) Close() { w.engine.send(w.mailbox, hangUp{w}) }

// inputOf says which wire an entry's input came by: the session at its mailbox
// may have changed over to another one.
type inputOf struct{ wire *Wire }

func (inputOf) apply(*loop, *conn) {}

type hangUp struct{ wire *Wire }

func (h hangUp) apply(l *loop, c *conn) {
	if c == nil {
		return
	}
	if c.phase == phaseMoved {
		l.postControl(c.movedTo, h)
		return
	}
	// The session may have left the wire to a connection that only closes it.
	if owner := h.wire.conn; owner != nil && owner.loop == l && owner.connected() {
		owner.cut()
	}
}

// moveOver ends a connection whose wire has moved to another one and is closed.
type moveOver struct{}

func (moveOver) apply(l *loop, c *conn) {
	if c != nil && c.phase == phaseMoved {
		c.phase = phaseClosed
		l.slots.remove(c.slot)
	}
}

// wireTransport is the server's end of a Wire.
type wireTransport struct{ w *Wire }

func (t wireTransport) write(pieces [][]byte, _ bool) (taken int) {
	for _, p := range pieces {
		t.w.sink.Write(p)
		taken += len(p)
	}
	return taken
}

func (t wireTransport) buffered() int   { return t.w.sink.Buffered() }
func (t wireTransport) awaitRoom() bool { return false }
func (t wireTransport) closeWrite()     { t.w.sink.CloseWrite() }

func (t wireTransport) use(c *conn) { t.w.conn = c }

func (t wireTransport) close() {
	t.w.engine.admission.inside.Add(-1)
	t.w.conn.transportClosed()
	t.w.sink.Closed()
}

func (t wireTransport) remote() net.Addr { return nil }
func (t wireTransport) origin() *origin  { return nil }

// taken notes that the loop has looked at n bytes of input.
func (t wireTransport) taken(n int) {
	t.w.held += int64(n)
	if t.w.holding {
		return
	}
	t.w.pending.Add(-t.w.held)
	t.w.held = 0
	if p, ok := t.w.sink.(interface{ taken() }); ok {
		p.taken()
	}
}
