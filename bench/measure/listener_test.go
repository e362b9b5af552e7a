package measure

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
)

func TestListener(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(l.Addr().(*net.TCPAddr).Port))
		if pid, err := Listener(at); pid != os.Getpid() || err != nil {
			t.Errorf("%s: process %d, %v; want this one, %d", address, pid, err, os.Getpid())
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if pid, err := Listener(at); !errors.Is(err, ErrNoListener) && pid == os.Getpid() {
			t.Errorf("%s: process %d, %v, though it is closed", address, pid, err)
		}
	}
}

func TestListening(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1466 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 00000000:1466 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
   2: 0200007F:1466 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
   3: 0100007F:1467 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0
   4: 0100007F:1466 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 15 1 0 100 0 0 10 0
   5: 00000000000000000000000001000000:1466 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 16 1
   6: 00000000000000000000000000000000:1466 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1
   7: odd
   8: 0100:1466 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 18 1
`
	for at, want := range map[string][]string{
		"127.0.0.1:5222": {"socket:[11]", "socket:[12]", "socket:[17]"},
		"127.0.0.2:5222": {"socket:[12]", "socket:[13]", "socket:[17]"},
		"127.0.0.1:5223": {"socket:[14]"},
		"[::1]:5222":     {"socket:[12]", "socket:[16]", "socket:[17]"},
		"127.0.0.1:1":    nil,
	} {
		if got := listening(table, netip.MustParseAddrPort(at)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
	}
}
