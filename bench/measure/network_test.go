package measure

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNetstat(t *testing.T) {
	const text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 42 43\nIpExt: ListenOverflows\nIpExt: 7\n"
	for _, test := range []struct {
		group, name string
		want        int64
	}{{"TcpExt:", "ListenOverflows", 42}, {"IpExt:", "ListenOverflows", 7}, {"TcpExt:", "none", 0}, {"Tcp:", "ListenDrops", 0}, {"TcpExt:", "TcpExt:", 0}} {
		if got := netstat(text, test.group, test.name); got != test.want {
			t.Errorf("%s %s is %d, want %d", test.group, test.name, got, test.want)
		}
	}
	if got := netstat("TcpExt: A B\nTcpExt: 1\n", "TcpExt:", "B"); got != 0 {
		t.Errorf("a value that is not there is %d", got)
	}
}

// A server that accepts nobody loses those that come when its queue is full.
func TestOverflows(t *testing.T) {
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l)
	if err := unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	before := Overflows()
	const clients = 8 // loopback hands a packet on before connect returns
	for range clients {
		c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(c)
		if err := unix.Connect(c, at); err != nil && err != syscall.EINPROGRESS {
			t.Fatal(err)
		}
	}
	if Overflows() == before {
		t.Error("a full queue was not noticed")
	}
}
