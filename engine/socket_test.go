package engine_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/engine"
)

// TestAcceptedSockets have what was set on the listening one.
func TestAcceptedSockets(t *testing.T) {
	s := serve(t, nil)
	c := s.connect(t, "tcp")
	c.open()
	fd := serverEnd(t, c.conn.LocalAddr().(*net.TCPAddr))
	wantOptions(t, fd)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("it blocks (%v)", err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("it is inherited by programs (%v)", err)
	}
}

// TestDialledSockets have the same: a stream to a server without stream management
// hears nothing from it, and TCP alone can tell that it is dead.
func TestDialledSockets(t *testing.T) {
	w := newWorld(t)
	a, b := w.server(nil, "a.example"), w.server(nil, "b.example")
	a.as(t, "alice@a.example/1").chats(b.as(t, "bob@b.example/2"), "hello")
	streams := a.record(t, "b.example").Streams
	if len(streams) != 1 || !streams[0].Outgoing {
		t.Fatalf("streams: %+v", streams)
	}
	address, err := net.ResolveTCPAddr("tcp", streams[0].Address)
	if err != nil {
		t.Fatal(err)
	}
	wantOptions(t, serverEnd(t, address))
}

// wantOptions: no delay, questions after a while of silence whether the peer is still
// there, and an end to sending again what it does not acknowledge.
func wantOptions(t *testing.T, fd int) {
	t.Helper()
	for name, o := range map[string]struct{ level, option, want int }{
		"TCP_NODELAY":   {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		"SO_KEEPALIVE":  {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":  {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
		"TCP_KEEPINTVL": {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		"TCP_KEEPCNT":   {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
		"USER_TIMEOUT":  {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 150_000},
	} {
		if got, err := unix.GetsockoptInt(fd, o.level, o.option); got != o.want || err != nil {
			t.Errorf("%s is %d, want %d (%v)", name, got, o.want, err)
		}
	}
}

// serverEnd finds the descriptor in this process whose peer has an address.
func serverEnd(t *testing.T, peer *net.TCPAddr) int {
	t.Helper()
	for fd := range 1 << 12 {
		sa, err := unix.Getpeername(fd)
		if in4, ok := sa.(*unix.SockaddrInet4); err == nil && ok && in4.Port == peer.Port && in4.Addr == [4]byte(peer.IP.To4()) {
			return fd
		}
	}
	t.Fatal("no descriptor of the server's end")
	return 0
}

// TestRemoteAddress is what hooks are told, whatever the family.
func TestRemoteAddress(t *testing.T) {
	families := map[string]string{"IPv4": "127.0.0.1:0"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // else this machine has none
		families["IPv6"] = "[::1]:0"
		_ = l.Close()
	}
	for name, address := range families {
		t.Run(name, func(t *testing.T) {
			seen := make(chan net.Addr, 1)
			s := serve(t, func(cfg *engine.Config) {
				cfg.Listeners = []engine.Listener{{Name: "plain", Address: address}}
				cfg.Hooks.SessionOpened = func(info engine.SessionInfo) { seen <- info.Remote }
			})
			c := s.connect(t, "tcp")
			c.open()
			c.authenticate("alice")
			c.bind("r")
			if got, want := (<-seen).String(), c.conn.LocalAddr().String(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
