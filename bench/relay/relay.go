// Package relay is the floor under every comparison: it moves the same bytes
// between the same clients as an XMPP server, over the event loop that most
// servers in Go would use, and does nothing else. No TLS, no login, no XML. A client begins
// with one of these lines and is answered "OK\n":
//
//	HELLO name peer     what it sends goes to the connection of that name
//	FOLLOW name group   it gets what is published in the group
//	PUBLISH name group  what it sends goes to all who follow the group
//
// What a server needs beyond the relay is what its XMPP costs.
package relay

import (
	"bytes"
	"context"
	"fmt"
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
	s := &server{ready: ready, peers: map[string]*link{}, groups: map[string]*group{}}
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

	mu     sync.Mutex // only for greetings; messages take no lock but their inbox's
	peers  map[string]*link
	groups map[string]*group
}

// A link is one connection. It outlives it, because the peer may still write:
// gnet's own Conn must not be touched after OnClose.
type link struct {
	conn     gnet.Conn
	loop     gnet.EventLoop
	name     string // said in the greeting, own loop only
	peerName string
	peer     *link  // own loop only
	gone     bool   // own loop only
	follows  *group // own loop only; nil: none
	casts    *group // where it publishes, own loop only; nil: nowhere

	// What comes from other loops leaves in one write, however many messages
	// there are.
	mu    sync.Mutex
	inbox []byte
	spare []byte
}

func (s *server) OnBoot(e gnet.Engine) gnet.Action {
	s.engine = e
	s.ready()
	return gnet.None
}

func (s *server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	c.SetContext(&link{conn: c, loop: c.EventLoop()})
	return nil, gnet.None
}

func (s *server) OnTraffic(c gnet.Conn) gnet.Action {
	l := c.Context().(*link)
	if l.name == "" {
		if act, ok := s.hello(c, l); !ok {
			return act
		}
	}
	if c.InboundBuffered() == 0 {
		return gnet.None
	}
	if l.casts != nil {
		data, _ := c.Next(-1) // all there is cannot be too much
		l.casts.publish(l.loop, data)
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
	return l.forward(data)
}

// forward writes at once to a connection of the same loop, and through the
// inbox to one of another.
func (l *link) forward(data []byte) gnet.Action {
	to := l.peer
	if l.loop == to.loop {
		if to.gone {
			return gnet.Close
		}
		_, _ = to.conn.Write(data) // gnet closes what cannot be written to
		return gnet.None
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	wake := len(to.inbox) == 0
	to.inbox = append(to.inbox, data...)
	if wake {
		_ = to.loop.Execute(context.Background(), gnet.RunnableFunc(to.flush)) // fails when the relay stops
	}
	return gnet.None
}

// flush writes what is in the inbox, on the loop of its connection.
func (l *link) flush(context.Context) error {
	l.mu.Lock()
	data := l.inbox
	l.inbox, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	if !l.gone {
		_, _ = l.conn.Write(data) // gnet closes what cannot be written to
	}
	l.mu.Lock()
	l.spare = data
	l.mu.Unlock()
	return nil
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
	if len(word) != 3 {
		return gnet.Close, false
	}
	name, to := string(word[1]), string(word[2])
	switch string(word[0]) {
	case "HELLO":
		l.peerName = to
	case "FOLLOW":
		l.follows = s.group(to)
		l.follows.add(l)
	case "PUBLISH":
		l.casts = s.group(to)
	default:
		return gnet.Close, false
	}
	l.name = name
	if _, err := c.Discard(end + 1); err != nil {
		return gnet.Close, false
	}
	s.mu.Lock()
	s.peers[l.name] = l
	s.mu.Unlock()
	if _, err := c.Write([]byte("OK\n")); err != nil {
		return gnet.Close, false
	}
	return gnet.None, true
}

func (s *server) OnClose(c gnet.Conn, _ error) gnet.Action {
	l := c.Context().(*link)
	l.gone = true
	if l.follows != nil {
		l.follows.remove(l)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peers[l.name] == l {
		delete(s.peers, l.name)
	}
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
