package engine

import (
	"errors"

	"github.com/valyala/bytebufferpool"

	"github.com/xylem-im/xylem/engine/compress"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// compression is the filter of a compressed stream (XEP-0138), between TLS and
// the session. Loop only.
type compression struct {
	in    compress.Inflater
	held  *bytebufferpool.ByteBuffer // compressed input that was not looked at; nil most of the time
	more  bool                       // the decoder has more to give without input
	busy  bool                       // unpack is at work
	began bool                       // something was written
}

const (
	unpackBytes = 16 << 10 // of plaintext at a time
	unpackRatio = 100      // more comes of bombs only
)

// compressed goes on compressed, behind what was written so far.
func (c *conn) compressed() {
	c.flush()
	c.more().zip = &compression{}
	c.zip.in.Bound = compress.Bound{Free: 4 * int64(c.loop.engine.limits.StanzaBytes), Ratio: unpackRatio}
}

// unpack passes on what comes of compressed input, after what was left of
// earlier input, as long as the session takes it.
func (c *conn) unpack(b []byte) {
	z, l := c.zip, c.loop
	if z.busy {
		return // the session goes on in the middle of it
	}
	if z.held != nil {
		z.held.B = append(z.held.B, b...)
		b = z.held.B
	}
	buf, used := l.unpacked, 0
	l.unpacked = nil
	z.busy, z.more = true, true
	for z.more && c.phase == phaseStream && c.zip == z && !c.holdsBack() {
		plain, n, err := z.in.Inflate(buf[:0], b[used:], unpackBytes)
		buf, used = plain, used+n
		z.more = used < len(b) || len(plain) >= unpackBytes
		if len(plain) > 0 {
			c.plain(plain)
		}
		if err != nil {
			c.fail(unpackError(err))
			break
		}
	}
	z.busy, l.unpacked = false, buf
	if c.zip == z {
		c.keepPacked(b[used:])
	}
}

func unpackError(err error) stanza.StreamError {
	if errors.Is(err, compress.ErrBomb) {
		return stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "too much comes of what was sent compressed"}
	}
	return session.CompressionFailed
}

// keepPacked holds compressed input until the session goes on.
func (c *conn) keepPacked(rest []byte) {
	z := c.zip
	switch {
	case len(rest) == 0 || c.phase != phaseStream:
		c.dropPacked()
	case len(rest) > c.loop.engine.limits.InboundBytes:
		c.abort(ErrInboundBound)
	case z.held == nil:
		z.held = c.loop.engine.buffers.Get()
		z.held.B = append(z.held.B, rest...)
	default:
		z.held.B = z.held.B[:copy(z.held.B, rest)]
	}
	if len(rest) >= pauseAt {
		c.pause()
	}
}

func (c *conn) dropPacked() {
	if c.zip != nil && c.zip.held != nil {
		c.loop.engine.buffers.Put(c.zip.held)
		c.zip.held = nil
	}
}

// unpackMore goes on with compressed input that was left aside.
func (c *conn) unpackMore() {
	if z := c.zip; z != nil && (z.held != nil || z.more) && c.phase == phaseStream && !c.holdsBack() {
		c.unpack(nil)
	}
}

// unpacking is unpackMore in its turn.
type unpacking struct{}

func (unpacking) apply(_ *loop, c *conn) {
	if c != nil {
		c.unpackMore()
	}
}

// pack compresses the pieces into one, which is valid until the next call on
// this loop.
func (c *conn) pack(pieces [][]byte) ([]byte, error) {
	l := c.loop
	plain := pieces[0]
	if len(pieces) > 1 {
		plain = l.gather(pieces)
	}
	b := l.packed[:0]
	if !c.zip.began {
		c.zip.began = true
		b = append(b, compress.Header...)
	}
	b, err := compress.Deflate(b, plain)
	if cap(b) <= keepBatchBytes {
		l.packed = b[:0]
	}
	return b, err
}
