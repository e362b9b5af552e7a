package engine_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/xylem-im/xylem/engine"
)

// Behind a proxy the client's own address counts, in both versions of the
// protocol, with and without TLS, when the client's first bytes come along with
// the header, and when its session is resumed on another connection.
func TestProxy(t *testing.T) {
	t.Parallel()
	opened := make(chan engine.SessionInfo, 8)
	s := serve(t, func(cfg *engine.Config) {
		for i := range cfg.Listeners {
			cfg.Listeners[i].Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		cfg.Hooks.SessionOpened = func(i engine.SessionInfo) { opened <- i }
		cfg.Limits.ConnectionsPerAddress = 1
	})
	for _, version := range []byte{1, 2} {
		source := &net.TCPAddr{IP: net.IPv4(192, 0, 2, version), Port: 4711}
		header, err := proxyproto.HeaderProxyFromAddrs(version, source, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 5222}).Format()
		if err != nil {
			t.Fatal(err)
		}
		conn := rawDial(t, s.addr("plain"))
		write(t, conn, string(header)+streamHeader)
		c := newClient(t, conn)
		c.dec = newDecoder(c)
		c.expect("features")
		c.authenticate("alice")
		c.bind("r" + string('0'+version))
		if i := <-opened; i.Remote.String() != source.String() {
			t.Errorf("version %d: a session from %v, want %v", version, i.Remote, source)
		}

		second := rawDial(t, s.addr("plain"))
		write(t, second, string(header))
		if got := readAll(t, second); !strings.Contains(got, "<resource-constraint") || !strings.Contains(got, "this address") {
			t.Errorf("a second connection from %v: %q", source, got)
		}
	}
}

// Who is no proxy, or says nothing that one says, is not let in.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		cfg.Listeners = []engine.Listener{
			{Name: "proxied", Address: "127.0.0.1:0", Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
			{Name: "others", Address: "127.0.0.1:0", Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}},
		}
	})
	for _, c := range []struct{ name, listener, sent string }{
		{"no header", "proxied", streamHeader},
		{"half a header", "proxied", "PROXY TCP4 192.0.2.1\r\n"},
		{"too long", "proxied", "PROXY " + strings.Repeat("x", 5000)},
		{"a version 2 of nothing", "proxied", "\r\n\r\n\x00\r\nQUIT\n\x21\xff\xff\xff"},
		{"not a proxy", "others", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + streamHeader},
	} {
		conn := rawDial(t, s.addr(c.listener))
		write(t, conn, c.sent)
		if got := readAll(t, conn); got != "" {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
	conn := rawDial(t, s.addr("proxied")) // one that looks whether the server lives
	write(t, conn, "PROXY UNKNOWN\r\n"+streamHeader)
	c := newClient(t, conn)
	c.dec = newDecoder(c)
	c.expect("features")
	if n := s.Stats(); n.RefusedTotal != 5 {
		t.Errorf("%d refused", n.RefusedTotal)
	}
}

func rawDial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// readAll reads up to the end, or the reset.
func readAll(t *testing.T, conn net.Conn) string {
	t.Helper()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}
