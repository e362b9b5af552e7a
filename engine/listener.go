package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// listener is one address and what its connections have in common. The engine
// accepts by itself and enrols into gnet, because an accept of gnet that fails
// (no file descriptor left) ends the whole gnet engine, and because a port of
// 0 can be asked for that way.
type listener struct {
	Listener
	engine  *Engine
	session *session.Config
	tlsFor  func(domain string) *tls.Config
	net     net.Listener // nil in-process

	closed sync.Once
	mu     sync.Mutex
	spare  *os.File // a descriptor to give up when there is none left
	stop   chan struct{}
}

func (ln *listener) tlsConfig(domain string) *tls.Config { return ln.tlsFor(domain) }

// listen opens the address.
func (ln *listener) listen() error {
	l, err := net.Listen("tcp", ln.Address)
	if err != nil {
		return fmt.Errorf("engine: listener %s: %w", ln.Name, err)
	}
	ln.net = l
	ln.reserve()
	return nil
}

// serve accepts until the listener is closed.
func (ln *listener) serve() {
	for {
		c, err := ln.net.Accept()
		switch {
		case err == nil:
			ln.take(c)
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
			ln.outOfFiles()
		default:
			ln.engine.log.Warn("accept failed", "listener", ln.Name, "error", err)
			ln.pause()
		}
	}
}

// take admits a connection and gives it to a loop.
func (ln *listener) take(c net.Conn) {
	switch {
	case ln.engine.draining.Load() || !ln.engine.admission.admit():
		ln.refuse(c, "too many connections")
	case len(ln.Proxies) > 0:
		go ln.takeProxied(c)
	default:
		ln.admit(c, c.RemoteAddr(), nil, nil)
	}
}

// admit gives a connection from remote, which has a place, to a loop: with what
// a proxy said of it, and what was read of it already.
func (ln *listener) admit(c net.Conn, remote, behind net.Addr, early []byte) {
	a := &ln.engine.admission
	from, ok := a.enter(remote)
	if !ok {
		a.release()
		ln.refuse(c, "too many connections from this address")
		return
	}
	if behind != nil {
		if from == nil {
			from = &origin{}
		}
		from.remote = behind
	}
	if _, err := ln.engine.client.EnrollContext(c, &arrival{ln, from, early}); err != nil {
		a.leave(from)
		a.release()
		a.refused.Add(1)
		ln.engine.log.Warn("connection not taken", "listener", ln.Name, "error", err)
		_ = c.Close()
	}
}

// arrival is a connection on its way to its loop.
type arrival struct {
	listener *listener
	from     *origin
	early    []byte // input that was read before
}

func (a *arrival) opened(l *loop, c gnet.Conn) {
	opened := l.openAs(socket{c, a.from}, a.listener)
	c.SetContext(opened)
	if len(a.early) > 0 {
		opened.input(a.early)
	}
}

// refuse says why, where that can be said without TLS, and closes.
func (ln *listener) refuse(c net.Conn, why string) {
	if !ln.TLS {
		e := stanza.StreamError{Condition: stanza.StreamResourceConstraint, Text: why}
		if ln.engine.draining.Load() {
			e = stanza.StreamError{Condition: stanza.StreamSystemShutdown}
		}
		b := append([]byte(nil), "<?xml version='1.0'?><stream:stream xmlns='"+ln.Role.namespace()+
			"' xmlns:stream='"+stanza.NSStream+"' version='1.0' xml:lang='en'>"...)
		b = append(e.Append(b), "</stream:stream>"...)
		_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = c.Write(b) // a peer that does not listen loses nothing but the reason
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
	if d, ok := ln.net.(*net.TCPListener); ok {
		_ = d.SetDeadline(time.Now().Add(10 * time.Millisecond))
		if c, err := ln.net.Accept(); err == nil {
			ln.refuse(c, "too many connections")
		}
		_ = d.SetDeadline(time.Time{})
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
