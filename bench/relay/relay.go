// Package relay is the floor under every comparison: it moves the same bytes
// between the same clients as an XMPP server, over the event loop that xylem's
// engine uses, and does nothing else. No TLS, no login, no XML: a client says
// "HELLO name peer\n", is answered "OK\n", and everything it sends from then on
// goes to the connection that said its peer's name.
//
// What a server needs beyond the relay is what its XMPP costs.
package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// maxHello bounds the line that a client begins with.
const maxHello = 512

// Run serves address (host:port with a port other than 0) with one event loop
// for each core until ctx ends. ready is called once it listens.
func Run(ctx context.Context, address string, ready func()) error {
	s := &server{ready: ready, peers: map[string]gnet.Conn{}}
	end := context.AfterFunc(ctx, func() {
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.engine.Stop(stop) // it ends either way, with the process
	})
	defer end()
	err := gnet.Run(s, "tcp://"+address, gnet.WithNumEventLoop(runtime.GOMAXPROCS(0)), gnet.WithReuseAddr(true),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay), gnet.WithLogger(quiet()), gnet.WithLogLevel(logging.FatalLevel))
	if err != nil {
		return fmt.Errorf("relay on %s: %w", address, err)
	}
	return ctx.Err()
}

type server struct {
	gnet.BuiltinEventEngine
	engine gnet.Engine
	ready  func()

	mu    sync.Mutex // only for greetings; messages take no lock but their inbox's
	peers map[string]gnet.Conn
}

// link is a connection's own data, on its loop only.
type link struct {
	peerName string
	peer     gnet.Conn
	inbox    *inbox // of the connection: what comes from other loops
}

// inbox collects what other loops have for a connection, so that it leaves in
// one write however many messages there are.
type inbox struct {
	mu     sync.Mutex
	data   []byte
	spare  []byte
	closed bool
}

func (s *server) OnBoot(e gnet.Engine) gnet.Action {
	s.engine = e
	s.ready()
	return gnet.None
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&link{inbox: &inbox{}})
	return nil, gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	l := c.Context().(*link)
	if l.peerName == "" {
		if act, ok := s.hello(c, l); !ok {
			return act
		}
	}
	if c.InboundBuffered() == 0 {
		return gnet.None
	}
	if l.peer == nil {
		s.mu.Lock()
		l.peer = s.peers[l.peerName]
		s.mu.Unlock()
	}
	data, err := c.Next(-1)
	if err != nil || l.peer == nil {
		return gnet.Close // nobody there
	}
	return forward(c, l.peer, data)
}

// forward writes at once to a connection of the same loop, and through the
// inbox to one of another.
func forward(from, to gnet.Conn, data []byte) gnet.Action {
	if from.EventLoop() == to.EventLoop() {
		if _, err := to.Write(data); err != nil && !errors.Is(err, net.ErrClosed) {
			return gnet.Close
		}
		return gnet.None
	}
	in := to.Context().(*link).inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return gnet.None
	}
	wake := len(in.data) == 0
	in.data = append(in.data, data...)
	if wake {
		_ = to.EventLoop().Execute(context.Background(), flush{to, in}) // fails when the relay stops
	}
	return gnet.None
}

// flush writes what is in an inbox, on the loop of its connection.
type flush struct {
	to gnet.Conn
	in *inbox
}

// Run implements gnet.Runnable.
func (f flush) Run(context.Context) error {
	f.in.mu.Lock()
	if f.in.closed {
		f.in.mu.Unlock()
		return nil
	}
	data := f.in.data
	f.in.data, f.in.spare = f.in.spare[:0], nil
	f.in.mu.Unlock()
	_, err := f.to.Write(data)
	f.in.mu.Lock()
	f.in.spare = data
	f.in.mu.Unlock()
	return err
}

// hello reads the first line. When it is not whole or not right, it returns
// what to do and false.
func (s *server) hello(c gnet.Conn, l *link) (gnet.Action, bool) {
	data, err := c.Peek(-1)
	end := bytes.IndexByte(data, '\n')
	switch {
	case err != nil, end < 0 && len(data) > maxHello:
		return gnet.Close, false
	case end < 0:
		return gnet.None, false
	}
	word := bytes.Fields(data[:end])
	if len(word) != 3 || string(word[0]) != "HELLO" {
		return gnet.Close, false
	}
	name := string(word[1])
	l.peerName = string(word[2])
	if _, err := c.Discard(end + 1); err != nil {
		return gnet.Close, false
	}
	s.mu.Lock()
	s.peers[name] = c
	s.mu.Unlock()
	if _, err := c.Write([]byte("OK\n")); err != nil {
		return gnet.Close, false
	}
	return gnet.None, true
}

func (s *server) OnClose(c gnet.Conn, _ error) gnet.Action {
	l := c.Context().(*link)
	l.inbox.mu.Lock()
	l.inbox.closed = true
	l.inbox.mu.Unlock()
	return gnet.None
}

// quiet keeps gnet from writing to standard output.
func quiet() logging.Logger { return nothing{} }

type nothing struct{}

func (nothing) Debugf(string, ...any) {}
func (nothing) Infof(string, ...any)  {}
func (nothing) Warnf(string, ...any)  {}
func (nothing) Errorf(string, ...any) {}
func (nothing) Fatalf(string, ...any) {}
