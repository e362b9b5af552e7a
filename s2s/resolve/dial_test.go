package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/testdns"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/resolve"
)

// network is what connecting does in these tests, by address.
type network struct {
	mu     sync.Mutex
	will   map[string]error // nil: connects; errHang: until the context ends
	tried  []string
	count  *sync.Cond // of tried, on mu
	before int        // so many are tried before one connects: attempts start beside each other
	closed map[string]bool
	gone   chan struct{} // closed at the first Close; nil: nobody waits for it
	late   chan struct{} // when closed, those that hang connect after all
}

var errHang = errors.New("hang")

func newNetwork(will map[string]error, before int) *network {
	n := &network{will: will, before: before, closed: make(map[string]bool)}
	n.count = sync.NewCond(&n.mu)
	return n
}

type fakeConn struct {
	net.Conn
	n  *network
	to string
}

func (c *fakeConn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.closed[c.to] = true
	if c.n.gone != nil {
		close(c.n.gone)
	}
	return nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	n.tried = append(n.tried, address)
	n.count.Broadcast()
	err, late := n.will[address], n.late
	for err == nil && len(n.tried) < n.before {
		n.count.Wait()
	}
	n.mu.Unlock()
	if errors.Is(err, errHang) {
		select {
		case <-ctx.Done():
			if late == nil {
				return nil, ctx.Err()
			}
			<-late
		case <-late:
		}
		return &fakeConn{nil, n, address}, nil
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	return &fakeConn{nil, n, address}, nil
}

func target(addrs ...string) s2s.Target {
	t := s2s.Target{Host: "xmpp.example.org", Port: 5269}
	for _, a := range addrs {
		t.Addrs = append(t.Addrs, netip.MustParseAddr(a))
	}
	return t
}

// RFC 8305 §5: one after the other, and the first connection counts.
func TestRFC8305_Race(t *testing.T) {
	for _, c := range []struct {
		name  string
		will  map[string]error
		delay time.Duration
		addrs []string
		tried int
		want  string // address, or the error after "! "
	}{
		{"the first", nil, time.Hour, []string{"2001:db8::1", "192.0.2.1"}, 1, "[2001:db8::1]:5269"},
		{"the first fails at once", map[string]error{"[2001:db8::1]:5269": syscall.ENETUNREACH}, time.Hour, []string{"2001:db8::1", "192.0.2.1"}, 2, "192.0.2.1:5269"},
		{"the first hangs", map[string]error{"[2001:db8::1]:5269": errHang}, time.Millisecond, []string{"2001:db8::1", "192.0.2.1"}, 2, "192.0.2.1:5269"},
		{"refused", map[string]error{"192.0.2.1:5269": syscall.ECONNREFUSED}, time.Hour, []string{"192.0.2.1"}, 1,
			"! nothing listens at 192.0.2.1:5269 (connection refused): is the server up, and does it listen on that port?"},
		{"no route", map[string]error{"[2001:db8::1]:5269": syscall.EHOSTUNREACH}, time.Hour, []string{"2001:db8::1"}, 1,
			"! there is no way from here to [2001:db8::1]:5269 (no route to host): does this machine have IPv6?"},
		{"silence", map[string]error{"192.0.2.1:5269": errHang}, time.Hour, []string{"192.0.2.1"}, 1,
			"! no answer from 192.0.2.1:5269 in time: a firewall, here or there, may drop the packets, or the machine is down"},
		{"open files", map[string]error{"192.0.2.1:5269": syscall.EMFILE}, time.Hour, []string{"192.0.2.1"}, 1,
			"! this server has too many open files to connect to 192.0.2.1:5269; raise the limit"},
		{"own firewall", map[string]error{"192.0.2.1:5269": syscall.EPERM}, time.Hour, []string{"192.0.2.1"}, 1,
			"! this machine does not allow connections to 192.0.2.1:5269 (operation not permitted): see its firewall"},
		{"all", map[string]error{"192.0.2.1:5269": syscall.ECONNREFUSED, "[2001:db8::1]:5269": syscall.ENETUNREACH}, time.Hour, []string{"2001:db8::1", "192.0.2.1"}, 2,
			"! none of the 2 addresses of xmpp.example.org took a connection on port 5269: there is no way from here to [2001:db8::1]:5269 (network is unreachable): does this machine have IPv6?; " +
				"nothing listens at 192.0.2.1:5269 (connection refused): is the server up, and does it listen on that port?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(c.will, c.tried)
			r := resolve.New(resolve.Config{TCP: n.dial, Delay: c.delay})
			ctx, cancel := context.WithCancel(t.Context())
			var s story
			conn, _, err := r.Dial(ctx, []s2s.Target{target(c.addrs...)}, func(text string) {
				s.step(text)
				if c.name == "silence" {
					cancel() // the time is over
				}
			})
			cancel()
			got := ""
			if err != nil {
				got = "! " + err.Error()
			} else {
				got = conn.(*fakeConn).to
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			if got != c.want || len(n.tried) != c.tried {
				t.Errorf("got  %s\nwant %s\ntried %v, want %d\n%s", got, c.want, n.tried, c.tried, &s)
			}
		})
	}
}

// A target that is silent does not use up the time of those after it.
func TestSilentTargetEnds(t *testing.T) {
	n := newNetwork(map[string]error{"192.0.2.1:5269": errHang}, 0)
	r := resolve.New(resolve.Config{TCP: n.dial, Connect: time.Millisecond})
	if _, _, err := r.Dial(t.Context(), []s2s.Target{target("192.0.2.1")}, func(string) {}); err == nil || !strings.Contains(err.Error(), "no answer from 192.0.2.1:5269 in time") {
		t.Errorf("got %v", err)
	}
}

// Targets overlap, in the order of their priorities: the next one has its turn when
// those before it have failed or are silent, not when they are slow only.
func TestTargetsOverlap(t *testing.T) {
	const h1, h2, h3 = "192.0.2.1:5269", "192.0.2.2:5269", "192.0.2.3:5269"
	for _, c := range []struct {
		name  string
		will  map[string]error
		delay time.Duration
		used  int // -1: none
		tried int
	}{
		{"the first answers", nil, time.Hour, 0, 1},
		{"the first is silent", map[string]error{h1: errHang, h3: errHang}, time.Millisecond, 1, 2},
		{"the first two are silent", map[string]error{h1: errHang, h2: errHang}, time.Millisecond, 2, 3},
		{"the first fails at once", map[string]error{h1: syscall.ECONNREFUSED}, time.Hour, 1, 2},
		{"one is silent, the next fails", map[string]error{h1: errHang, h2: syscall.ECONNREFUSED}, time.Millisecond, 2, 3},
		{"all fail", map[string]error{h1: syscall.ECONNREFUSED, h2: syscall.ECONNREFUSED, h3: syscall.ECONNREFUSED}, time.Hour, -1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(c.will, c.tried)
			r := resolve.New(resolve.Config{TCP: n.dial, TargetDelay: c.delay})
			targets := []s2s.Target{target("192.0.2.1"), target("192.0.2.2"), target("192.0.2.3")}
			var s story
			conn, used, err := r.Dial(t.Context(), targets, s.step)
			n.mu.Lock()
			tried := len(n.tried)
			n.mu.Unlock()
			switch {
			case tried < c.tried, tried > c.tried && c.delay == time.Hour:
				t.Errorf("tried %d, want %d\n%s", tried, c.tried, &s)
			case c.used < 0:
				if err == nil || strings.Count(s.String()+err.Error(), "nothing listens at") != 6 { // each address, and each target
					t.Errorf("%v\n%s", err, &s)
				}
			case err != nil || used != c.used || conn.(*fakeConn).to != targets[used].Addrs[0].String()+":5269":
				t.Errorf("%v, %d, %v, want %d\n%s", conn, used, err, c.used, &s)
			}
		})
	}
}

// A connection that comes in too late is closed.
func TestLateConnectionIsClosed(t *testing.T) {
	n := newNetwork(map[string]error{"192.0.2.1:5269": errHang}, 2)
	n.late, n.gone = make(chan struct{}), make(chan struct{})
	r := resolve.New(resolve.Config{TCP: n.dial, Delay: time.Millisecond})
	conn, _, err := r.Dial(t.Context(), []s2s.Target{target("192.0.2.1", "192.0.2.2")}, func(string) {})
	if err != nil || conn.(*fakeConn).to != "192.0.2.2:5269" {
		t.Fatalf("%v, %v", conn, err)
	}
	close(n.late)
	select {
	case <-n.gone:
	case <-time.After(30 * time.Second):
		t.Fatal("it stays open")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed["192.0.2.2:5269"] {
		t.Error("the winner was closed")
	}
}

// From the domain to a real connection; a target without addresses is looked up.
func TestFindAndDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	z := testdns.Serve(t, fmt.Sprintf("_xmpp-server._tcp.example.org. 300 IN SRV 5 0 %d xmpp.example.org.", port), "xmpp.example.org. 300 IN A 127.0.0.1")
	r, _ := resolver(z, nil)
	var s story
	targets, err := r.Find(t.Context(), "example.org", s.step)
	if err != nil {
		t.Fatal(err)
	}
	for _, addrs := range [][]netip.Addr{targets[0].Addrs, nil} {
		targets[0].Addrs = addrs
		conn, _, err := r.Dial(t.Context(), targets[:1], s.step)
		if err != nil {
			t.Fatal(err)
		}
		if conn.RemoteAddr().String() != l.Addr().String() {
			t.Errorf("connected to %s", conn.RemoteAddr())
		}
		_ = conn.Close()
	}
	if want := fmt.Sprintf("connecting to xmpp.example.org port %d at 127.0.0.1:%d\nconnected to 127.0.0.1:%d", port, port, port); !strings.Contains(s.String(), want) {
		t.Errorf("got %s", &s)
	}
	if _, _, err := r.Dial(t.Context(), []s2s.Target{{Host: "gone.example.org", Port: 1}}, s.step); err == nil ||
		err.Error() != "gone.example.org has no address in DNS; its operator must publish an A or AAAA record" {
		t.Errorf("got %v", err)
	}
}
