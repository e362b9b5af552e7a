package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// listener is one address and what its connections have in common. It accepts by
// itself, so that a failed accept (no file descriptor left) is an error to be
// handled and a connection beyond the bounds is told why.
type listener struct {
	Listener
	engine  *Engine
	index   uint8 // see listenerOf
	session *session.Config
	tlsFor  func(domain string) *tls.Config
	net     net.Listener    // nil in-process
	file    *os.File        // a second descriptor of net, which can be waited for
	raw     syscall.RawConn // of file

	closed sync.Once
	mu     sync.Mutex
	spare  *os.File // a descriptor to give up when there is none left
	stop   chan struct{}
}

// listenerOf is where a connection came in.
func (e *Engine) listenerOf(c *conn) *listener {
	if c.listener == 0 {
		return e.inproc
	}
	return e.listeners[c.listener-1]
}

func (ln *listener) tlsConfig(domain string) *tls.Config { return ln.tlsFor(domain) }

// listen opens the address.
func (ln *listener) listen() error {
	var cfg net.ListenConfig
	cfg.SetMultipathTCP(false) // Go's default; its sockets do not take all options
	l, err := cfg.Listen(context.Background(), "tcp", ln.Address)
	if err != nil {
		return fmt.Errorf("engine: listener %s: %w", ln.Name, err)
	}
	if ln.file, err = l.(*net.TCPListener).File(); err == nil {
		ln.raw, err = ln.file.SyscallConn()
	}
	if err == nil {
		err = setOptions(ln.raw)
	}
	ln.net = l
	if err != nil {
		return fmt.Errorf("engine: listener %s: %w", ln.Name, err)
	}
	ln.reserve()
	return nil
}

// serve accepts until the listener is closed.
func (ln *listener) serve() {
	for {
		err := ln.acceptOne()
		switch {
		case err == nil:
		case ln.isClosed():
			return
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			ln.outOfFiles()
		default:
			ln.engine.log.Warn("accept failed", "listener", ln.Name, "error", err)
			ln.pause()
		}
	}
}

func (ln *listener) isClosed() bool {
	select {
	case <-ln.stop:
		return true
	default:
		return false
	}
}

// acceptOne waits for a connection and gives it to a loop, or refuses it. What a
// proxy says first is read with package net.
func (ln *listener) acceptOne() error {
	if len(ln.Proxies) > 0 {
		c, err := ln.net.Accept()
		if err == nil && ln.admits(c) {
			go ln.takeProxied(c)
		}
		return err
	}
	fd, remote, err := accept(ln.raw)
	if err == nil && ln.admits(descriptor(fd)) {
		ln.admit(fd, remote, nil, nil)
	}
	return err
}

// admits takes a place for a connection, or refuses it.
func (ln *listener) admits(c io.WriteCloser) bool {
	if ln.engine.draining.Load() && ln.Role != RolePeer || !ln.engine.admission.admit() {
		ln.refuse(c, "too many connections")
		return false
	}
	return true
}

// admit gives a connection from remote, which has a place, to a loop: with what
// a proxy said of it, and what was read of it already.
func (ln *listener) admit(fd int, remote, behind net.Addr, early []byte) {
	a := &ln.engine.admission
	from, ok := a.enter(remote)
	if !ok {
		a.release()
		ln.refuse(descriptor(fd), "too many connections from this address")
		return
	}
	if behind != nil {
		if from == nil {
			from = &origin{}
		}
		from.remote = behind
	}
	ln.engine.sendLoop(ln.engine.leastLoaded().index, &arrival{ln, newSocket(fd, remote, from), early})
}

// arrival is a connection on its way to its loop.
type arrival struct {
	listener *listener
	socket   *socket
	early    []byte // input that was read before
}

func (a *arrival) apply(l *loop, _ *conn) {
	if err := a.socket.open(l); err != nil {
		a.listener.notTaken(a.socket, err)
		return
	}
	c := l.openAs(a.socket, a.listener)
	a.socket.use(c)
	if len(a.early) > 0 {
		c.input(a.early)
	}
}

// notTaken gives back what a connection has that no loop could take.
func (ln *listener) notTaken(s *socket, err error) {
	a := &ln.engine.admission
	a.leave(s.from)
	a.release()
	a.refused.Add(1)
	ln.engine.log.Warn("connection not taken", "listener", ln.Name, "error", err)
}

// refuse says why, where that can be said without TLS, and closes.
func (ln *listener) refuse(c io.WriteCloser, why string) {
	if !ln.TLS {
		e := stanza.StreamError{Condition: stanza.StreamResourceConstraint, Text: why}
		if ln.engine.draining.Load() {
			e = stanza.StreamError{Condition: stanza.StreamSystemShutdown}
		}
		b := append([]byte(nil), "<?xml version='1.0'?><stream:stream xmlns='"+ln.Role.namespace()+
			"' xmlns:stream='"+stanza.NSStream+"' version='1.0' xml:lang='en'>"...)
		b = append(e.Append(b), "</stream:stream>"...)
		_, _ = c.Write(b) // nothing was sent before, so there is room
	}
	_ = c.Close()
}

// reserve keeps one descriptor for outOfFiles.
func (ln *listener) reserve() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.spare == nil {
		ln.spare, _ = os.Open(os.DevNull) // without it outOfFiles only waits
	}
}

// outOfFiles gives up the spare descriptor to take one connection out of the
// queue and refuse it, so that its peer does not wait in vain.
func (ln *listener) outOfFiles() {
	ln.engine.admission.refused.Add(1)
	ln.mu.Lock()
	if ln.spare != nil {
		_ = ln.spare.Close()
		ln.spare = nil
	}
	ln.mu.Unlock()
	if fd, err := acceptWaiting(ln.raw); err == nil {
		ln.refuse(descriptor(fd), "too many connections")
	}
	ln.reserve()
	ln.pause()
}

// pause keeps a failing accept from spinning.
func (ln *listener) pause() {
	select {
	case <-ln.stop:
	case <-time.After(20 * time.Millisecond):
	}
}

func (ln *listener) close() {
	ln.closed.Do(func() {
		close(ln.stop)
		if ln.file != nil {
			_ = ln.file.Close() // first, as this one is waited for
		}
		_ = ln.net.Close()
		ln.mu.Lock()
		defer ln.mu.Unlock()
		if ln.spare != nil {
			_ = ln.spare.Close()
		}
	})
}

// addr is where it really listens.
func (ln *listener) addr() Addr {
	return Addr{Name: ln.Name, Role: ln.Role, TLS: ln.TLS, Addr: ln.net.Addr()}
}
