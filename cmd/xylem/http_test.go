package main

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
)

// counting is a listener that counts the connections that are open.
type counting struct {
	net.Listener
	accepted   chan struct{}
	mu         sync.Mutex
	open, most int
}

type counted struct {
	net.Conn
	once sync.Once
	gone func()
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.add(1)
	l.accepted <- struct{}{}
	return &counted{Conn: c, gone: func() { l.add(-1) }}, nil
}

func (l *counting) add(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += n
	l.most = max(l.most, l.open)
}

func (c *counted) Close() error {
	c.once.Do(c.gone)
	return c.Conn.Close()
}

// The port for health and metrics serves so many at a time and no more; who waits has
// its turn when another one goes.
func TestPublicConnectionsAreBounded(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	l := &counting{Listener: tcp, accepted: make(chan struct{}, publicConnections+1)}
	w := newPublic(l, http.NotFoundHandler(), log)
	w.start(log)
	var conns []net.Conn
	for range publicConnections + 1 {
		c, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for range publicConnections {
		<-l.accepted
	}
	_ = conns[0].Close()
	<-l.accepted
	for _, c := range conns[1:] {
		_ = c.Close()
	}
	w.stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most != publicConnections {
		t.Errorf("%d connections at a time, want %d", l.most, publicConnections)
	}
}
