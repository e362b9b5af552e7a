package client

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// MaxBacklog is how many bytes a Session keeps for a server that does not read.
const MaxBacklog = 4 << 20

// ErrBacklog ends a session whose server left MaxBacklog bytes unread.
var ErrBacklog = errors.New("client: the server does not read")

// wire is a TCP connection whose Write never waits. It stands below TLS, so
// records are written the same way.
type wire struct {
	net.Conn
	raw syscall.RawConn

	mu       sync.Mutex
	backlog  []byte // what the kernel did not take, oldest first
	draining bool   // drain runs and alone may write
	failed   error

	// Arguments and results of attempt, under mu; fields, because a closure
	// for each write would be an allocation for each.
	data    []byte
	taken   int
	problem error
	once    func(fd uintptr) bool
}

func newWire(c *net.TCPConn) (*wire, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: c, raw: raw}
	w.once = w.attempt
	return w, nil
}

// attempt is one write that does not wait, whatever comes of it.
func (w *wire) attempt(fd uintptr) bool {
	w.taken = 0
	for len(w.data) > 0 {
		n, err := syscall.Write(int(fd), w.data)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			w.problem = err
			return true
		}
		w.taken += n
		w.data = w.data[n:]
	}
	return true
}

// Write takes all of p or fails; p may be used again at once.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return 0, w.failed
	}
	if w.draining {
		return w.keep(p, 0)
	}
	w.data, w.problem = p, nil
	err := w.raw.Write(w.once)
	taken := w.taken
	w.data = nil
	if err == nil {
		err = w.problem
	}
	switch {
	case err != nil:
		w.failed = err
		return taken, err
	case taken < len(p):
		n, err := w.keep(p[taken:], taken)
		if err == nil {
			w.draining = true
			go w.drain()
		}
		return n, err
	}
	return len(p), nil
}

// keep adds rest to the backlog.
func (w *wire) keep(rest []byte, before int) (int, error) {
	if len(w.backlog)+len(rest) > MaxBacklog {
		w.failed = ErrBacklog
		_ = w.Close() // the reader learns of it
		return before, ErrBacklog
	}
	w.backlog = append(w.backlog, rest...)
	return before + len(rest), nil
}

// drain writes the backlog with writes that wait, until none is left.
func (w *wire) drain() {
	var chunk []byte
	for {
		w.mu.Lock()
		if len(w.backlog) == 0 || w.failed != nil {
			w.backlog, w.draining = nil, false
			w.mu.Unlock()
			return
		}
		chunk = append(chunk[:0], w.backlog[:min(len(w.backlog), 64<<10)]...)
		w.mu.Unlock()
		_, err := w.Conn.Write(chunk)
		w.mu.Lock()
		if err != nil {
			w.failed = err
		} else {
			w.backlog = append(w.backlog[:0], w.backlog[len(chunk):]...)
		}
		w.mu.Unlock()
	}
}

// SetWriteDeadline does nothing: writes do not wait. TLS sets one when it
// closes.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
