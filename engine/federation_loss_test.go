package engine_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
)

// proxy is a way to an address that can be cut. Safe for concurrent use.
type proxy struct {
	net.Listener
	to string

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
	})
	go p.serve()
	return p
}

func (p *proxy) serve() {
	for {
		c, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = c.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, c, far)
		p.mu.Unlock()
		for _, way := range [][2]net.Conn{{c, far}, {far, c}} {
			go func() {
				_, _ = io.Copy(way[0], way[1])
				_ = way[0].Close()
			}()
		}
	}
}

// cut ends all connections at once and tells how many there were.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.conns)
	for _, c := range p.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	p.conns = nil
	return n / 2
}

// soon has another attempt follow at once.
func soon(c *engine.Config) {
	c.Federation.RetryLeast, c.Federation.RetryMost = 5*time.Millisecond, 10*time.Millisecond
}

// Connections are torn while messages flow: none is lost, and none overtakes
// another but by coming twice.
func TestFederationTorn(t *testing.T) {
	w := newWorld(t)
	patient := all(soon, func(c *engine.Config) { c.Federation.QueueStanzas = 10_000 }) // or senders are told of some
	a, b := w.server(patient, "a.example"), w.server(soon, "b.example")
	p := newProxy(t, b.addr("s2s"))
	w.Point("b.example", enginetest.Target(p.Addr().String(), false))
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "first")
	const count, tears = 3000, 12
	arrived := make(chan int, count)
	var cuts atomic.Int64
	go func() {
		for i := range count {
			_, _ = fmt.Fprintf(alice.conn, "<message to='%s' type='chat' id='%d'><body>x</body></message>", bob.jid, i)
			if i%(count/tears) == count/tears-1 {
				for seen := range arrived { // some are on their way, some are not
					if seen >= i-100 {
						break
					}
				}
				cuts.Add(int64(p.cut()))
			}
		}
		for range arrived {
		}
	}()
	highest, twice := -1, 0
	for highest < count-1 {
		n, err := bob.read()
		if err != nil {
			r := a.record(t, "b.example")
			t.Fatalf("after %d, with %d connections cut: %v\n%+v\n%s", highest, cuts.Load(), err, r, story(r))
		}
		if n.child("body").Text == "first" {
			twice++
			continue
		}
		i, err := strconv.Atoi(n.attr("id"))
		switch {
		case err != nil || n.attr("type") == "error":
			t.Fatalf("bob got %s", n)
		case i > highest+1:
			t.Fatalf("%d came after %d", i, highest)
		case i <= highest:
			twice++
			continue
		}
		highest = i
		arrived <- i
	}
	close(arrived)
	alice.expectNothing()
	t.Logf("%d connections were cut, %d messages came twice", cuts.Load(), twice)
	if cuts.Load() < 2 {
		t.Error("nothing was torn")
	}
}

// The other server stops and comes back elsewhere.
func TestFederationPeerRestart(t *testing.T) {
	t.Parallel() // it waits
	w := newWorld(t)
	a, b := w.server(soon, "a.example"), w.server(soon, "b.example")
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "before")
	bob.chats(alice, "before")
	b.shutdown(t)
	again := w.server(soon, "b.example")
	bob = again.as(t, "bob@b.example/2")
	alice.chats(bob, "after")
	bob.chats(alice, "after")
}

// However many have something to say, one stream is made.
func TestFederationOneStreamForAll(t *testing.T) {
	w := newWorld(t)
	a, b := w.server(nil, "a.example"), w.server(nil, "b.example")
	bob := b.as(t, "bob@b.example/2")
	var senders []*client
	for i := range 20 {
		senders = append(senders, a.as(t, fmt.Sprintf("alice@a.example/%d", i)))
	}
	for _, c := range senders {
		c.send("<message to='%s' id='%s'/>", bob.jid, c.jid)
	}
	for range senders {
		bob.expect("message")
	}
	if finds, dials := w.Finds("b.example"), w.Dials(b.addr("s2s")); finds != 1 || dials != 1 {
		t.Errorf("%d look-ups, %d connections", finds, dials)
	}
}
