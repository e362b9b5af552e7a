//go:build !race

// Under the race detector objects are larger and pools keep less.

// Package idle holds what an idle session costs: with all extensions of the stock
// server, over sockets, whose clients are bare descriptors so that all that is
// measured is the server's.
package idle

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/xep/standard"
)

const (
	// sessionBytes and sessionObjects bound what the test of an idle session may
	// find; what it does find is in docs/performance.md.
	sessionBytes   = 900
	sessionObjects = 10
)

// TestIdleSessionIsSmall: sessions that have logged in, each with an account of
// its own, fetched their roster, switched stream management on and sent presence.
// With XYLEM_HEAP_PROFILE=FILE, and GODEBUG=memprofilerate=1 before it, what is
// alive then is written to a file for pprof.
func TestIdleSessionIsSmall(t *testing.T) {
	const warm, count = 100, 1000
	stored, err := sasl.Derive(password, sasl.MinIterations, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: standard.Register,
		Auth: everybody{stored}, Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	users := &users{server: netip.MustParseAddrPort(s.Addrs()[0].Addr.String()), sockets: make([]int, 0, warm+count)}
	t.Cleanup(users.close)
	for i := range warm { // what the server holds once, and its pools
		users.login(t, i)
	}
	before := memory()
	for i := range count {
		users.login(t, warm+i)
	}
	after := memory()
	size := float64(after.HeapAlloc-before.HeapAlloc) / count
	objects := float64(after.HeapObjects-before.HeapObjects) / count
	t.Logf("%.0f B and %.1f objects for each idle session", size, objects)
	if size > sessionBytes || objects > sessionObjects {
		t.Errorf("%.0f B and %.1f objects for each idle session, at most %d and %d", size, objects, sessionBytes, sessionObjects)
	}
	writeProfile(t)
}

func writeProfile(t *testing.T) {
	path := os.Getenv("XYLEM_HEAP_PROFILE")
	if path == "" {
		return
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := pprof.WriteHeapProfile(f); err != nil {
		t.Fatal(err)
	}
}

func memory() (m runtime.MemStats) {
	for range 3 { // pools are emptied by the second collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

const password = "secret"

// everybody lets all users in, with the same password.
type everybody struct{ keys sasl.Credentials }

func (e everybody) Credentials(_, _ string, done func(*sasl.Credentials, error)) { done(&e.keys, nil) }
func (e everybody) Verify(_, _, _ string, done func(bool, error))                { done(false, nil) }

// users are clients of one server.
type users struct {
	server  netip.AddrPort
	keys    sasl.KeyMemory // of the one password
	sockets []int
}

func (u *users) close() {
	for _, fd := range u.sockets {
		unix.Close(fd)
	}
}

// client is a descriptor: nothing of it stays on the heap.
type client struct {
	t  *testing.T
	fd int
}

func (u *users) login(t *testing.T, number int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	u.sockets = append(u.sockets, fd)
	c := client{t, fd}
	patience := unix.NsecToTimeval(int64(30 * time.Second))
	if err := errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience),
		unix.Connect(fd, &unix.SockaddrInet4{Port: int(u.server.Port()), Addr: u.server.Addr().As4()})); err != nil {
		t.Fatal(err)
	}
	const open = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0' xml:lang='en'>"
	c.exchange(open, "</stream:features>")
	u.authenticate(c, fmt.Sprintf("user%d", number))
	c.exchange(open, "</stream:features>")
	c.exchange("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>phone</resource></bind></iq>", "</iq>")
	c.exchange("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>", "id='r'")
	c.exchange("<enable xmlns='urn:xmpp:sm:3' resume='true'/>", "<enabled")
	c.exchange("<presence/>", "<presence")
	c.exchange("<a xmlns='urn:xmpp:sm:3' h='1'/><r xmlns='urn:xmpp:sm:3'/>", "<a ")
}

func (u *users) authenticate(c client, name string) {
	c.t.Helper()
	var sent string
	send := func(xml string) error {
		sent = xml
		return nil
	}
	answers := []string{"challenge", "success"}
	next := func() (name, text string, err error) {
		name, answers = answers[0], answers[1:]
		got := string(c.exchange(sent, "</"+name+">"))
		return name, got[strings.IndexByte(got, '>')+1 : strings.LastIndex(got, "</")], nil
	}
	cfg := sasl.ClientConfig{Username: name, Password: password, Keys: &u.keys}
	if err := testsasl.Login(sasl.SCRAMSHA1, cfg, send, next); err != nil {
		c.t.Fatal(err)
	}
}

// exchange sends and reads on until the answer has come.
func (c client) exchange(sent, want string) (got []byte) {
	c.t.Helper()
	if _, err := unix.Write(c.fd, []byte(sent)); err != nil {
		c.t.Fatal(err)
	}
	var b [4096]byte
	for !bytes.Contains(got, []byte(want)) {
		n, err := unix.Read(c.fd, b[:])
		if err == unix.EINTR {
			continue // Go's own signals
		}
		if err != nil || n == 0 {
			c.t.Fatalf("%v and %q after %q, wanted %q", err, got, sent, want)
		}
		got = append(got, b[:n]...)
	}
	return got
}
