package engine_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
)

// sinkClient is a session on Engine.Attach whose messages are counted and not
// kept, so that a measurement is of the engine and of nothing else.
type sinkClient struct {
	*engine.Wire
	jid      string
	from     string       // of a component: the attribute that each message needs
	counting atomic.Bool  // login is over
	login    chan []byte  // what came before that
	counts   []byte       // what is counted in messages; nil: nothing is
	keep     func([]byte) // takes what comes instead; set on the loop

	messages atomic.Int64
	goal     atomic.Int64 // messages at which reached gets a token
	reached  chan struct{}
}

// attach logs a user in. Sessions that are attached one after the other are on
// the loops by turns.
func (s *server) attach(t testing.TB, user, resource string) *sinkClient {
	t.Helper()
	return attachTo(t, s.Attach, endOfMessage, func(login *client) {
		login.open()
		login.authenticate(user)
		login.bind(resource)
	})
}

// attachComponent is attach for a component.
func (s *server) attachComponent(t testing.TB, domain, secret string) *sinkClient {
	t.Helper()
	c := attachTo(t, s.AttachComponent, endOfMessage, func(login *client) {
		login.openComponent(domain, secret)
		login.expect("handshake")
	})
	c.from = " from='" + domain + "'"
	return c
}

func attachTo(t testing.TB, attach func(engine.Sink) (*engine.Wire, error), counts []byte, login func(*client)) *sinkClient {
	t.Helper()
	c := &sinkClient{counts: counts, login: make(chan []byte, 64), reached: make(chan struct{}, 1)}
	wire, err := attach(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Wire = wire
	session := newClient(t, sinkConn{Conn: nil, c: c})
	login(session)
	c.jid = session.jid
	c.counting.Store(true)
	return c
}

var (
	endOfMessage = []byte("</message>")
	askForAck    = []byte("<r xmlns='urn:xmpp:sm:3'/>")
)

// Write implements engine.Sink.
func (c *sinkClient) Write(p []byte) {
	if !c.counting.Load() {
		c.login <- bytes.Clone(p)
		return
	}
	if c.keep != nil {
		c.keep(p)
		return
	}
	if c.counts == nil {
		return
	}
	if c.messages.Add(int64(bytes.Count(p, c.counts))) >= c.goal.Load() {
		select {
		case c.reached <- struct{}{}:
		default:
		}
	}
}

// Buffered, CloseWrite and Closed implement engine.Sink.
func (c *sinkClient) Buffered() int { return 0 }
func (c *sinkClient) CloseWrite()   {}
func (c *sinkClient) Closed()       {}

// exchange sends b, count messages to another client, and waits until all
// have arrived.
func (c *sinkClient) exchange(to *sinkClient, b []byte, count int) {
	total := to.messages.Load() + int64(count)
	to.goal.Store(total)
	c.Send(b)
	for to.messages.Load() < total {
		<-to.reached
	}
}

// messageTo is a message of 350 bytes.
func (c *sinkClient) messageTo(to *sinkClient) []byte {
	start := "<message" + c.from + " to='" + to.jid + "' type='chat' id='3f1c9a52-77d0-4c1e-9f25-0d6a5b1f2c11'><body>"
	const end = "</body><request xmlns='urn:xmpp:receipts'/></message>"
	return []byte(start + strings.Repeat("x", 350-len(start)-len(end)) + end)
}

// managedSink is a sinkClient with stream management.
type managedSink struct {
	*sinkClient
	in    uint64 // stanzas received
	reply []byte // scratch
}

func (s *server) attachManaged(t testing.TB, user, resource string, counts []byte) *managedSink {
	t.Helper()
	return &managedSink{sinkClient: attachTo(t, s.Attach, counts, func(login *client) {
		login.open()
		login.authenticate(user)
		login.bind(resource)
		login.enable()
	})}
}

// sinkConn lets a client log in through a Wire.
type sinkConn struct {
	net.Conn // nil: deadlines are not needed, the other methods are below
	c        *sinkClient
}

func (s sinkConn) Read(b []byte) (int, error) {
	p := <-s.c.login
	if len(p) > len(b) {
		return 0, io.ErrShortBuffer
	}
	return copy(b, p), nil
}

func (s sinkConn) Write(b []byte) (int, error) {
	s.c.Send(b)
	return len(b), nil
}

func (s sinkConn) SetDeadline(time.Time) error { return nil }

func (s sinkConn) Close() error {
	s.c.Wire.Close()
	return nil
}
