package engine_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/stanza"
)

func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { // at an address of its own, where nobody else can take the port that it leaves
		cfg.Listeners[0].Address = "127.83.72.68:0"
	})
	var clients []*client
	for _, transport := range transports {
		c := s.login(t, transport, "alice", transport)
		clients = append(clients, c, s.connect(t, transport))
		clients[len(clients)-1].open()
	}
	silent := s.connect(t, "tcp") // has not seen a header yet
	await.Equal(t, "connections", func() int64 { return s.Stats().Connections }, int64(len(clients)+1))
	var wait sync.WaitGroup
	wait.Go(func() { s.shutdown(t) })
	for _, c := range append(clients, silent) {
		c.expectStreamError("system-shutdown")
		_ = c.conn.Close()
	}
	if silent.header.Name.Local != "stream" {
		t.Error("no header before the stream error")
	}
	wait.Wait()
	if _, err := s.Pipe(); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("Pipe after Shutdown: %v", err)
	}
	if _, err := net.Dial("tcp", s.addr("plain")); err == nil {
		t.Error("it still listens")
	}
	if err := s.Run(context.Background()); err == nil {
		t.Error("an engine runs twice")
	}
}

// TestShutdownDoesNotWaitForEver: peers that do not close, and handshakes that
// do not end, are cut after DrainTime.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.DrainTime = 50 * time.Millisecond })
	s.login(t, "tcp", "alice", "")
	s.login(t, "pipe", "alice", "")
	stuck, err := net.Dial("tcp", s.addr("tls"))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if _, err := stuck.Write([]byte("\x16\x03\x01\x00\xff\x01")); err != nil {
		t.Fatal(err)
	}
	s.shutdown(t)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	e, err := engine.New(newConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Pipe(); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("Pipe before Run: %v", err)
	}
	if err := e.Inject([]byte("<message from='a' to='b'/>")); !errors.Is(err, engine.ErrNotRunning) {
		t.Errorf("Inject before Run: %v", err)
	}
	e.Stats()
	if e.Accounts() != nil {
		t.Error("Accounts before Run")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for ready := false; !ready; { // what may be asked while it starts
		select {
		case <-e.Ready():
			ready = true
		default:
			e.Stats()
			e.Kick("alice@localhost", stanza.StreamError{})
			_ = e.Inject([]byte("<message from='a@localhost' to='b@localhost'/>"))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDomainsComeAndGo(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.connect(t, "tcp")
	c.send("%s", strings.ReplaceAll(streamHeader, "localhost", "new.example"))
	c.expectStreamError("host-unknown")
	if err := s.AddDomain("NEW.example"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddDomain("not a domain"); err == nil {
		t.Error("AddDomain took what is no domain")
	}
	if got := strings.Join(s.Domains(), " "); got != "localhost new.example" {
		t.Errorf("domains %s", got)
	}
	join := func(transport, resource string) *client {
		c := s.connect(t, transport)
		c.openTo("new.example")
		if n := c.auth("SCRAM-SHA-1", saslSecret("alice")); n.XMLName.Local != "success" {
			t.Fatalf("got %s", n)
		}
		c.openTo("new.example")
		if resource != "" {
			c.bind(resource)
		}
		return c
	}
	alice, bob := join("tcp", "a"), s.login(t, "pipe", "bob", "b")
	alice.chats(bob, "from one domain to another")
	unbound := join("pipe", "")

	if !s.RemoveDomain("new.example") || s.RemoveDomain("new.example") || s.RemoveDomain("not a domain") {
		t.Error("RemoveDomain does not tell what it did")
	}
	alice.expectStreamError("host-gone")
	unbound.send("%s", bindRequest)
	if n := unbound.expect("iq"); n.attr("type") != "error" {
		t.Errorf("a resource on a domain that is gone: %s", n)
	}
	bob.send("<message to='alice@new.example/a' id='1'><body>x</body></message>")
	bob.expectError("message", "1", "alice@new.example/a", "cancel", "remote-server-not-found")
	if err := s.AddDomain("new.example"); err != nil {
		t.Fatal(err)
	}
	join("tls", "a").chats(bob, "again")
}

func TestKick(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	one, two, bob := s.login(t, "tcp", "alice", "1"), s.login(t, "pipe", "alice", "2"), s.login(t, "tls", "bob", "")
	reason := stanza.StreamError{Condition: stanza.StreamPolicyViolation, Text: "out"}
	for address, want := range map[string]int{"alice@localhost/3": 0, "carol@localhost": 0, "x@elsewhere.example": 0, "@": 0} {
		if n := s.Kick(address, reason); n != want {
			t.Errorf("Kick(%s) = %d", address, n)
		}
	}
	if n := s.Kick("alice@localhost/1", reason); n != 1 {
		t.Errorf("%d kicked", n)
	}
	one.expectStreamError("policy-violation")
	two.chats(bob, "I am still here")
	if n := s.Kick("alice@localhost", reason); n != 1 {
		t.Errorf("%d kicked", n)
	}
	two.expectStreamError("policy-violation")
	bob.chats(bob, "unharmed")
}

func TestTwoEnginesInOneProcess(t *testing.T) {
	t.Parallel()
	one, two := serve(t, nil), serve(t, withStore)
	two.create(t, "alice@localhost")
	a, b := one.login(t, "tcp", "alice", "x"), two.login(t, "tcp", "alice", "x")
	a.chats(a, "in one")
	b.chats(b, "in two")
	bob := one.login(t, "pipe", "bob", "x")
	a.send("<message to='bob@localhost/x'><body>x</body></message>")
	a.expectNothing()
	b.send("<message to='bob@localhost/x' id='1'><body>x</body></message>")
	b.expectError("message", "1", "bob@localhost/x", "cancel", "service-unavailable")
	_, _ = a.conn.Close(), bob.conn.Close()
	one.shutdown(t)
	b.chats(b, "still in two")
}

// TestNothingIsLeftBehind runs alone: it counts what the process has.
func TestNothingIsLeftBehind(t *testing.T) {
	life := func() {
		var open []*client
		s := serve(t, withStore)
		s.create(t, "alice@localhost")
		for _, transport := range transports {
			c := s.login(t, transport, "alice", transport)
			c.chats(c, "hello")
			half := s.connect(t, transport)
			half.send("<stream:str")
			open = append(open, half, c)
		}
		stuck, err := net.Dial("tcp", s.addr("tls"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = stuck.Write([]byte("\x16\x03\x01\x00\xff\x01"))
		await.True(t, "a handshake is under way", func() bool { return s.Stats().Handshakes > 0 })
		_ = stuck.Close()
		for _, c := range open {
			_ = c.conn.Close() // else the server would linger for them
		}
		s.shutdown(t)
	}
	life() // what the process keeps for good: poller, random numbers
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range 3 {
		life()
	}
	settle(t, "open files", files, func() int { return openFiles(t) })
	settle(t, "goroutines", routines, runtime.NumGoroutine)
}

// settle waits until a count has come down to what it was.
func settle(t *testing.T, what string, before int, count func() int) {
	t.Helper()
	for deadline := time.Now().Add(patience); count() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			b := make([]byte, 1<<20)
			t.Fatalf("%d %s before, %d after\n%s", before, what, count(), b[:runtime.Stack(b, true)])
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	dir, err := os.Open("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func TestConfigFaultsAreNamed(t *testing.T) {
	t.Parallel()
	faults := map[string]func(*engine.Config){
		"ScramIterations":        func(c *engine.Config) { c.ScramIterations = 100 },
		"Loops":                  func(c *engine.Config) { c.Loops = -1 },
		"Store and Auth":         func(c *engine.Config) { c.Auth, c.Store = nil, nil },
		"Certificates":           func(c *engine.Config) { c.Certificates, c.AllowPlaintext, c.Listeners = nil, false, nil },
		"Domains":                func(c *engine.Config) { c.Domains = []string{"not a domain"} },
		"Listeners[1]: Address":  func(c *engine.Config) { c.Listeners[1].Address = "nowhere" },
		"Listeners[1]: TLS":      func(c *engine.Config) { c.Certificates = nil },
		"Limits.StanzaBytes":     func(c *engine.Config) { c.Limits.StanzaBytes = 9_999 },
		"Limits.PreAuthBytes":    func(c *engine.Config) { c.Limits.PreAuthBytes = 1 },
		"Limits.OutboundBytes":   func(c *engine.Config) { c.Limits.OutboundBytes = 1 },
		"Limits.InboundBytes":    func(c *engine.Config) { c.Limits.InboundBytes = -1 },
		"Limits.AuthAttempts":    func(c *engine.Config) { c.Limits.AuthAttempts = 101 },
		"Limits.HandshakeQueue":  func(c *engine.Config) { c.Limits.HandshakeQueue = -1 },
		"Limits.SessionsPerUser": func(c *engine.Config) { c.Limits.SessionsPerUser = -1 },
		"Limits.Connections":     func(c *engine.Config) { c.Limits.Connections = -1 },
		"Limits.PreAuthTime":     func(c *engine.Config) { c.Limits.PreAuthTime = -1 },
		"Limits.IdleTime":        func(c *engine.Config) { c.Limits.IdleTime = 1 },
		"Limits.DrainTime":       func(c *engine.Config) { c.Limits.DrainTime = -1 },
	}
	all := newConfig()
	for name, change := range faults {
		cfg := newConfig()
		change(&cfg)
		if _, err := engine.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if name != "Certificates" && name != "Store and Auth" && name != "Listeners[1]: TLS" {
			change(&all)
		}
	}
	_, err := engine.New(all)
	if n := strings.Count(err.Error(), "\n") + 1; n != len(faults)-3 {
		t.Errorf("%d faults are told, want %d:\n%v", n, len(faults)-3, err)
	}
}

func TestListenerThatCannotOpen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := newConfig()
	cfg.Listeners[1].Address = taken.Addr().String()
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "listener tls") {
		t.Errorf("Run: %v", err)
	}
}

// TestConnectionsAreRefusedBeyondTheLimit: resource-constraint in the clear.
func TestConnectionsAreRefusedBeyondTheLimit(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.Connections = 2 })
	one, two := s.connect(t, "tcp"), s.connect(t, "tcp")
	one.open()
	two.open()
	three := s.connect(t, "tcp")
	three.expectStreamError("resource-constraint")
	_ = one.conn.Close()
	for {
		again := s.connect(t, "tcp")
		_, _ = io.WriteString(again.conn, streamHeader)
		if n, err := again.read(); err == nil && n.XMLName.Local == "features" {
			break
		}
	}
	if s.Stats().RefusedTotal == 0 {
		t.Error("refusals are not counted")
	}
}

// Connections in the process take no descriptor, so those of others are not refused over
// them, however many they are, and no more are let in when they have gone.
func TestConnectionsInsideTakeNoPlace(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.Connections = 2 })
	inside := []*client{s.connect(t, "pipe"), s.connect(t, "pipe"), s.connect(t, "pipe")}
	for _, c := range inside {
		c.open()
	}
	one, two := s.connect(t, "tcp"), s.connect(t, "tcp")
	one.open()
	two.open()
	s.connect(t, "tcp").expectStreamError("resource-constraint")
	for _, c := range inside {
		_ = c.conn.Close()
	}
	await.Equal(t, "connections", func() int64 { return s.Stats().Connections }, 2)
	s.connect(t, "tcp").expectStreamError("resource-constraint")
}

// TestHandshakesAreLetGo runs alone, too: engines that end in the middle of
// many handshakes leave no coroutine of one behind.
func TestHandshakesAreLetGo(t *testing.T) {
	routines := runtime.NumGoroutine()
	for range 4 {
		s := serve(t, func(cfg *engine.Config) { cfg.Limits.DrainTime = time.Millisecond })
		stuck, err := net.Dial("tcp", s.addr("tls")) // one at least is in the middle, however fast the others are
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stuck.Write([]byte("\x16\x03\x01\x00\xff\x01")); err != nil {
			t.Fatal(err)
		}
		var clients sync.WaitGroup
		for range 30 {
			conn, err := net.Dial("tcp", s.addr("tls"))
			if err != nil {
				t.Fatal(err)
			}
			clients.Go(func() {
				defer conn.Close()
				_ = tls.Client(conn, clientTLS("localhost")).Handshake() // ends as it may
			})
		}
		await.True(t, "a handshake is under way", func() bool { return s.Stats().Handshakes > 0 })
		s.shutdown(t)
		clients.Wait()
		_ = stuck.Close()
	}
	settle(t, "goroutines", routines, runtime.NumGoroutine)
}
