package engine

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Pipe opens an in-process connection in the role of a client, as a net.Conn:
// for tests and for programs that speak to their own server. Errors:
// ErrNotRunning.
func (e *Engine) Pipe() (net.Conn, error) { return openPipe(e.Attach) }

// PipeComponent is Pipe in the role of a component: for a service that runs in
// the program itself.
func (e *Engine) PipeComponent() (net.Conn, error) { return openPipe(e.AttachComponent) }

func openPipe(attach func(Sink) (*Wire, error)) (net.Conn, error) {
	p := &pipe{}
	p.changed.L = &p.mu
	w, err := attach((*pipeSink)(p))
	if err != nil {
		return nil, err
	}
	p.wire = w
	return p, nil
}

// pipeWindow bounds what Write leaves for the server to look at, in bytes.
const pipeWindow = 256 << 10

// pipe is the client's end of a Wire.
type pipe struct {
	wire *Wire

	mu              sync.Mutex
	changed         sync.Cond
	unread          []byte
	eof             bool // the server sends nothing more
	closed          bool // by either side
	readBy, writeBy time.Time
}

// Read takes what the server has sent.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.unread) == 0 {
		switch {
		case p.eof || p.closed:
			return 0, io.EOF
		case over(p.readBy):
			return 0, os.ErrDeadlineExceeded
		}
		p.changed.Wait()
	}
	n := copy(b, p.unread)
	if p.unread = p.unread[n:]; len(p.unread) == 0 {
		p.unread = nil
	}
	return n, nil
}

// Write sends to the server. It waits while the server has pipeWindow bytes
// to look at.
func (p *pipe) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), pipeWindow)]
		if err := p.room(); err != nil {
			return n, err
		}
		p.wire.Send(part)
		n += len(part)
		b = b[len(part):]
	}
	return n, nil
}

func (p *pipe) room() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return io.ErrClosedPipe
		case p.wire.Pending() < pipeWindow:
			return nil
		case over(p.writeBy):
			return os.ErrDeadlineExceeded
		}
		p.changed.Wait()
	}
}

func over(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// Close cuts the connection.
func (p *pipe) Close() error {
	p.wire.Close()
	return nil
}

func (p *pipe) LocalAddr() net.Addr  { return pipeAddr{} }
func (p *pipe) RemoteAddr() net.Addr { return pipeAddr{} }

func (p *pipe) SetDeadline(t time.Time) error {
	p.set(func() { p.readBy, p.writeBy = t, t }, t)
	return nil
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.set(func() { p.readBy = t }, t)
	return nil
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.set(func() { p.writeBy = t }, t)
	return nil
}

// set changes deadlines and sees to it that who waits looks at them in time.
func (p *pipe) set(change func(), t time.Time) {
	p.mu.Lock()
	change()
	p.mu.Unlock()
	p.changed.Broadcast()
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), p.wake)
	}
}

// wake has all who wait look again. It takes the lock, so that none of them
// is between its look and its wait.
func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "in-process" }

// pipeSink is the server's view of a pipe.
type pipeSink pipe

func (s *pipeSink) Write(b []byte) {
	s.change(func() { s.unread = append(s.unread, b...) })
}

func (s *pipeSink) Buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unread)
}

func (s *pipeSink) CloseWrite() { s.change(func() { s.eof = true }) }
func (s *pipeSink) Closed()     { s.change(func() { s.closed = true }) }
func (s *pipeSink) taken()      { (*pipe)(s).wake() }

func (s *pipeSink) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.changed.Broadcast()
}
