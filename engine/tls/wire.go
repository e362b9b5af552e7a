package tls

import (
	"net"
	"time"
)

const (
	headerSize = 5 // type, version, length: RFC 8446 §5.1
	// maxRecord is the longest record that crypto/tls accepts, without header:
	// 2^14 of plaintext and what TLS 1.2 allows on top (RFC 5246 §6.2.3).
	maxRecord = 16384 + 2048
)

// wire is the net.Conn under a tls.Conn. Input is what the Filter puts there,
// output is appended to a slice.
type wire struct {
	in  []byte     // not yet consumed by crypto/tls; after the handshake, whole records are cut out by Filter
	out []byte     // written by crypto/tls, not yet taken
	hs  *handshake // nil after the handshake
}

// again is what Read returns when there is nothing to read. crypto/tls does
// not keep an error that calls itself temporary.
type again struct{}

func (again) Error() string   { return "tls: no input" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

var errAgain net.Error = again{}

// Read gives crypto/tls at most the rest of one record, so that its own buffer
// never holds what comes behind: data behind Finished stays here. In the
// handshake it leaves the coroutine until there is input.
func (w *wire) Read(p []byte) (int, error) {
	for !w.readable() {
		if w.hs == nil {
			return 0, errAgain
		}
		if !w.hs.pause() {
			return 0, net.ErrClosed
		}
	}
	limit := len(w.in)
	if w.hs != nil {
		if w.hs.left == 0 {
			w.hs.left = headerSize + int(w.in[3])<<8 + int(w.in[4])
		}
		limit = min(limit, w.hs.left)
	}
	n := copy(p, w.in[:limit])
	w.in = w.in[n:]
	if w.hs != nil {
		w.hs.left -= n
	}
	return n, nil
}

// readable tells whether Read has something to give. The first bytes of a
// record are held back until its length is known.
func (w *wire) readable() bool {
	if w.hs != nil && w.hs.left == 0 {
		return len(w.in) >= headerSize
	}
	return len(w.in) > 0
}

func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return memoryAddr{} }
func (w *wire) RemoteAddr() net.Addr             { return memoryAddr{} }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
