package client

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// pair returns a wire and the other end of its connection.
func pair(t *testing.T) (*wire, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWire(c.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		_ = peer.Close()
	})
	_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	_ = peer.(*net.TCPConn).SetReadBuffer(64 << 10)
	return w, peer
}

// Writes to a peer that does not read return at once, and when it reads at
// last everything arrives in order.
func TestWritesDoNotWait(t *testing.T) {
	w, peer := pair(t)
	var want []byte
	for i := range 2000 {
		piece := bytes.Repeat([]byte{byte(i)}, 500+i%7)
		want = append(want, piece...)
		if n, err := w.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("write %d: %d, %v", i, n, err)
		}
	}
	w.mu.Lock()
	if len(w.backlog) == 0 {
		t.Error("the kernel took everything: nothing was tested")
	}
	w.mu.Unlock()
	got := make([]byte, len(want))
	if err := peer.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(peer, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("bytes arrived in another order")
	}
}

func TestBacklogIsBounded(t *testing.T) {
	w, _ := pair(t)
	piece := make([]byte, 64<<10)
	for range MaxBacklog/len(piece) + 100 {
		if _, err := w.Write(piece); err != nil {
			if err != ErrBacklog {
				t.Errorf("got %v, want ErrBacklog", err)
			}
			return
		}
	}
	t.Error("a peer that never reads was never given up")
}

func TestSpread(t *testing.T) {
	seen := map[string]int{}
	source := Spread(100)
	for i := range 100_000 {
		ip := source(i)
		if !ip.IsLoopback() || ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.To4()[3] == 0 || ip.To4()[3] == 255 {
			t.Fatalf("session %d comes from %v", i, ip)
		}
		seen[ip.String()]++
	}
	for ip, n := range seen {
		if n != 100 {
			t.Errorf("%d sessions from %s", n, ip)
		}
	}
}

func TestAccounts(t *testing.T) {
	a := Accounts{User: "user%d", Password: "secret"}.At(12)
	if a.User != "user12" || a.Password != "secret" || a.Bare("localhost") != "user12@localhost" {
		t.Errorf("%+v", a)
	}
}
