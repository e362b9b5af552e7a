package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

// listener is one address and what its connections have in common. All loops watch
// it, and who is awake accepts. A failed accept (no file descriptor left) is an error
// to be handled, and a connection beyond the bounds is told why.
type listener struct {
	Listener
	engine  *Engine
	index   uint8 // see listenerOf
	session *session.Config
	tlsFor  func(domain string) *tls.Config
	at      net.Addr         // where it really listens; nil before, and in-process
	socket  sharedDescriptor // with at

	closed sync.Once
	mu     sync.Mutex
	spare  int // a descriptor to give up when there is none left; 0: there is none
}

// listenerOf is where a connection came in.
func (e *Engine) listenerOf(c *conn) *listener {
	if c.listener == 0 {
		return e.inproc
	}
	return e.listeners[c.listener-1]
}

func (ln *listener) tlsConfig(domain string) *tls.Config { return ln.tlsFor(domain) }

// listen opens the address. Package net does that, and goes on without the socket,
// so that its own poller is not woken by what our loops wait for.
func (ln *listener) listen() error {
	failed := func(err error) error { return fmt.Errorf("engine: listener %s: %w", ln.Name, err) }
	var cfg net.ListenConfig
	cfg.SetMultipathTCP(false) // Go's default; its sockets do not take all options
	l, err := cfg.Listen(context.Background(), "tcp", ln.Address)
	if err != nil {
		return failed(err)
	}
	at := l.Addr()
	if ln.socket.fd, err = descriptorOf(l); err != nil {
		return failed(err)
	}
	ln.at = at
	ln.reserve()
	return nil
}

// listenerNumber is under what epoll reports the listener with index 1; the others
// follow downwards. They are no numbers of descriptors.
const listenerNumber = -1

// serve has all loops accept.
func (ln *listener) serve() error {
	for _, l := range ln.engine.loops {
		if err := l.watch(ln); err != nil {
			return fmt.Errorf("engine: listener %s: %w", ln.Name, err)
		}
	}
	return nil
}

// watch has the loop accept, as long as the listener is open. Safe for concurrent use.
func (l *loop) watch(ln *listener) error {
	defer ln.socket.done()
	if !ln.socket.use() {
		return nil
	}
	number := listenerNumber - (int(ln.index) - 1)
	return l.poller.controlAs(number, unix.EPOLL_CTL_ADD, ln.socket.fd, acceptEvents)
}

// acceptPause is how long a loop on which accept fails leaves it to others.
const acceptPause = 20 * time.Millisecond

// pauseAccept keeps a failing accept from being reported over and over.
func (l *loop) pauseAccept(ln *listener) {
	if ln.socket.use() {
		_ = l.poller.control(unix.EPOLL_CTL_DEL, ln.socket.fd, 0)
	}
	ln.socket.done()
	time.AfterFunc(acceptPause, func() {
		if err := l.watch(ln); err != nil {
			ln.engine.log.Error("a loop accepts no more", "listener", ln.Name, "loop", l.index, "error", err)
		}
	})
}

// accept takes one connection and gives it to a loop, or refuses it. When more wait
// epoll says so again.
func (l *loop) accept(ln *listener) {
	fd, remote, err := accept(&ln.socket)
	switch {
	case err == nil:
		l.inputs++
		if ln.admits(descriptor(fd)) {
			ln.arrived(l, fd, remote)
		}
	case err == unix.EAGAIN, err == unix.EINTR, err == unix.ECONNABORTED, err == net.ErrClosed:
		// Another loop was first, or the connection went before it was its turn.
	case err == unix.EMFILE, err == unix.ENFILE:
		ln.outOfFiles()
		l.pauseAccept(ln)
	default:
		ln.engine.log.Warn("accept failed", "listener", ln.Name, "error", err)
		l.pauseAccept(ln)
	}
}

// arrived is a connection that has a place. What a proxy says first is read with
// package net.
func (ln *listener) arrived(l *loop, fd int, remote *net.TCPAddr) {
	if len(ln.Proxies) > 0 {
		if c, err := connOf(fd); err == nil {
			go ln.takeProxied(c)
		} else {
			ln.engine.admission.release()
			ln.engine.log.Warn("connection not taken", "listener", ln.Name, "error", err)
		}
		return
	}
	if a := ln.admit(fd, remote, nil, nil); a != nil {
		b := l.batchFor(ln.engine.leastLoaded(l).index)
		b.entries = append(b.entries, entry{kind: entryControl, ctl: a})
	}
}

// admits takes a place for a connection, or refuses it.
func (ln *listener) admits(c io.WriteCloser) bool {
	if ln.engine.draining.Load() && ln.Role != RolePeer || !ln.engine.admission.admit() {
		ln.refuse(c, "too many connections")
		return false
	}
	return true
}

// admit makes a connection from remote, which has a place, ready for a loop: with
// what a proxy said of it, and what was read of it already. Nil when it was refused.
func (ln *listener) admit(fd int, remote, behind net.Addr, early []byte) *arrival {
	a := &ln.engine.admission
	from, ok := a.enter(remote)
	if !ok {
		a.release()
		ln.refuse(descriptor(fd), "too many connections from this address")
		return nil
	}
	if behind != nil {
		if from == nil {
			from = &origin{}
		}
		from.remote = behind
	}
	return &arrival{ln, newSocket(fd, remote, from), early}
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

// reserve keeps one descriptor for outOfFiles, of a kind that is made without a look at
// any disk: this runs on loops.
func (ln *listener) reserve() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.spare != 0 {
		return
	}
	if fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC); err == nil { // else outOfFiles only waits
		ln.spare = fd
	}
}

// giveUp closes the spare descriptor.
func (ln *listener) giveUp() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if ln.spare != 0 {
		_ = unix.Close(ln.spare)
		ln.spare = 0
	}
}

// outOfFiles gives up the spare descriptor to take one connection out of the
// queue and refuse it, so that its peer does not wait in vain.
func (ln *listener) outOfFiles() {
	ln.engine.admission.refused.Add(1)
	ln.giveUp()
	if fd, _, err := accept(&ln.socket); err == nil {
		ln.refuse(descriptor(fd), "too many connections")
	}
	ln.reserve()
}

func (ln *listener) close() {
	ln.closed.Do(func() {
		ln.socket.close()
		ln.giveUp()
	})
}

// addr is where it really listens.
func (ln *listener) addr() Addr {
	return Addr{Name: ln.Name, Role: ln.Role, TLS: ln.TLS, Addr: ln.at}
}
