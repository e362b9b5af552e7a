package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/parser"
)

// Session is one client's stream. Receive belongs to one goroutine; the other
// methods are safe for concurrent use.
type Session struct {
	Account Account
	JID     string // full JID that the server bound

	opts   *Options
	tcp    *wire
	conn   net.Conn // tcp, or TLS over it
	stream parser.Stream
	buf    []byte // read buffer; buf[at:end] is not consumed yet
	at     int
	end    int

	sendMu sync.Mutex // order of writes from several goroutines

	managed bool   // XEP-0198 is on
	resumed bool   // the session is that of an earlier connection
	resume  string // by which it can be resumed; "": it cannot
	handled uint32 // stanzas received since then; receiving goroutine only
	closing atomic.Bool
	timings Timings
	replies []byte // what Receive's handler queued
	ended   error  // the server's stream error
}

// Handler takes what a session receives. The frame is valid until it returns.
type Handler interface {
	// Stanza is called for each stanza. at is when the read that completed it
	// returned. Use s.Queue to answer: all answers to one read leave together.
	Stanza(s *Session, f *parser.Frame, at time.Time)
}

// Send writes stanzas to the server without waiting for it. Errors: ErrBacklog,
// or what the connection returned.
func (s *Session) Send(xml []byte) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	_, err := s.conn.Write(xml)
	return err
}

// Queue returns the buffer of answers, to be appended to and given back to
// SetQueue. Only inside a Handler.
func (s *Session) Queue() []byte { return s.replies }

// SetQueue gives the buffer of answers back. Only inside a Handler.
func (s *Session) SetQueue(b []byte) { s.replies = b }

// Timings are the parts of the login, each from the end of the one before.
func (s *Session) Timings() Timings { return s.timings }

// ErrEnded is returned by Receive when the server ended the stream by itself.
var ErrEnded = errors.New("client: the server ended the stream")

// Receive reads until the stream ends and gives every stanza to h. It returns
// nil when it ended after Close or Abort, and otherwise why: ErrEnded with the
// stream error that came before it, or what the connection returned.
func (s *Session) Receive(h Handler) error {
	for {
		at := time.Now()
		done, err := s.scan(func(f *parser.Frame) bool {
			switch {
			case f.Kind() == parser.StreamClose:
				return false
			case s.manage(f):
			case string(f.Namespace()) == nsStream:
				s.ended = fmt.Errorf("%w: %s", ErrEnded, f.Raw())
			default:
				h.Stanza(s, f, at)
			}
			return true
		})
		if len(s.replies) > 0 {
			if sendErr := s.Send(s.replies); err == nil {
				err = sendErr
			}
			s.replies = s.replies[:0]
		}
		if err == nil && !done {
			err = s.fill()
		}
		if done || err != nil {
			_ = s.tcp.Close() // the stream is over
			return s.reason(err)
		}
	}
}

// reason is why the stream ended, err being what the last read returned.
func (s *Session) reason(err error) error {
	switch {
	case s.closing.Load():
		return nil
	case s.ended != nil:
		return s.ended
	case err == nil:
		return ErrEnded
	}
	return err
}

// scan consumes the whole frames that were read and gives each to take until
// it returns false. done tells that it did.
func (s *Session) scan(take func(*parser.Frame) bool) (done bool, err error) {
	sc := s.opts.scanner()
	defer s.opts.scanners.Put(sc)
	for s.at < s.end {
		f, n, err := sc.Next(&s.stream, s.buf[s.at:s.end])
		s.at += n
		if err != nil {
			return false, fmt.Errorf("server's stream: %w", err)
		}
		if f == nil {
			return false, nil
		}
		if !take(f) {
			return true, nil
		}
	}
	return false, nil
}

// fill reads once. What was not consumed moves to the front, and the buffer
// grows when a stanza does not fit.
func (s *Session) fill() error {
	if s.buf == nil {
		s.buf = make([]byte, max(s.opts.BufferBytes, 4096))
	}
	if s.at > 0 {
		s.end = copy(s.buf, s.buf[s.at:s.end])
		s.at = 0
	}
	if s.end == len(s.buf) {
		s.buf = slices.Grow(s.buf, len(s.buf))
		s.buf = s.buf[:cap(s.buf)]
	}
	n, err := s.conn.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF // a stream ends by its closing tag
	}
	return err
}

// manage counts stanzas and answers requests for acknowledgement (XEP-0198
// §4). It reports whether f was none of the user's.
func (s *Session) manage(f *parser.Frame) bool {
	if !s.managed {
		return false
	}
	if string(f.Namespace()) != nsManagement {
		s.handled++
		return false
	}
	if string(f.Local()) == "r" {
		s.replies = fmt.Appendf(s.replies, "<a xmlns='%s' h='%d'/>", nsManagement, s.handled)
	}
	return true
}

// Close ends the stream: Receive returns nil when the server has answered, or
// after Abort.
func (s *Session) Close() error {
	s.closing.Store(true)
	if s.opts.Relay {
		return s.tcp.Close()
	}
	err := s.Send([]byte("</stream:stream>"))
	if err != nil {
		_ = s.tcp.Close() // broken already
	}
	return err
}

// Abort closes the connection without a word.
func (s *Session) Abort() {
	s.closing.Store(true)
	_ = s.tcp.Close() // closing is all that is left to do
}

// TCP is the socket below, for tests of the server's reaction to what no
// client should do. Reading from it takes the stream apart.
func (s *Session) TCP() net.Conn { return s.tcp.Conn }
