package enginetest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/script"
	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/certs"
)

// World is servers that federate over loopback: an authority that all trust,
// and an engine.Connector that finds them without DNS. Safe for concurrent use.
type World struct {
	CA *testca.CA

	t       testing.TB
	roots   *certs.Roots
	servers map[string]*Server // by domain, of Start

	mu      sync.Mutex
	targets map[string][]s2s.Target
	finds   map[string]int
	dials   map[string]int
	through func(net.Conn) net.Conn
}

// NewWorld makes an empty one.
func NewWorld(t testing.TB) *World {
	t.Helper()
	ca, roots := testca.New(t, "Test Authority"), &certs.Roots{}
	if err := roots.Load(certs.Sources{NoSystem: true, Files: []string{ca.File(t)}}); err != nil {
		t.Fatal(err)
	}
	return &World{CA: ca, t: t, roots: roots,
		servers: map[string]*Server{}, targets: map[string][]s2s.Target{}, finds: map[string]int{}, dials: map[string]int{}}
}

// Configure has an engine serve domains, with a certificate for all of them,
// and listen for other servers: "s2s" and, for direct TLS, "s2s-tls".
func (w *World) Configure(c *engine.Config, domains ...string) {
	w.t.Helper()
	c.Domains = domains
	c.Certificates = Shown{"": w.CA.For(w.t, domains...)}
	c.Listeners = append(c.Listeners, engine.Listener{Role: engine.RolePeer, Address: "127.0.0.1:0"},
		engine.Listener{Role: engine.RolePeer, Address: "127.0.0.1:0", TLS: true})
	c.Federation = engine.Federation{Connector: w, Judge: w.Judge}
}

// Joined has others find a running engine under its domains.
func (w *World) Joined(e *engine.Engine, domains ...string) {
	for _, a := range e.Addrs() {
		if a.Role == engine.RolePeer && !a.TLS {
			for _, d := range domains {
				w.Point(d, Target(a.Addr.String(), false))
			}
		}
	}
}

// Start runs a server of the world with the given extensions; change may be nil.
func (w *World) Start(change func(*engine.Config), domains ...string) *Server {
	w.t.Helper()
	var c engine.Config
	w.Configure(&c, domains...)
	if change != nil {
		change(&c)
	}
	s := StartConfig(w.t, c)
	for _, d := range domains {
		w.servers[d] = s
	}
	w.Joined(s.Engine, domains...)
	return s
}

// Play performs one play whose cast is on the servers that Start has made, with
// the accounts that it needs.
func (w *World) Play(path string) {
	w.t.Helper()
	script.Run(w.t, path, nil, script.Options{
		Rewrite: os.Getenv("XYLEM_REWRITE") == "1",
		Dial:    func(domain string) net.Conn { return w.servers[domain].Dial() },
		Account: func(a script.Account) error {
			_, domain, _ := strings.Cut(a.Address, "@")
			w.servers[domain].AddUser(a.Address, a.Password)
			return nil
		},
	})
}

// Target is the way to an address.
func Target(address string, direct bool) s2s.Target {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		panic(err)
	}
	return s2s.Target{Host: host, Port: uint16(n), Direct: direct}
}

// Point makes a domain resolve to targets; none: it has no server.
func (w *World) Point(domain string, targets ...s2s.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.targets[domain] = targets
}

// Through has connections that are dialled from now on pass through f; nil: as
// they are.
func (w *World) Through(f func(net.Conn) net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.through = f
}

// Finds is how often a domain was looked up.
func (w *World) Finds(domain string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.finds[domain]
}

// Dials is how often an address was connected to.
func (w *World) Dials(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials[address]
}

// Judge is Federation.Judge with the world's authority.
func (w *World) Judge(chain []*x509.Certificate, server bool) s2s.Proof {
	return certs.Verify(chain, w.roots, time.Now(), server)
}

// Find implements engine.Connector.
func (w *World) Find(_ context.Context, domain string, step func(string)) ([]s2s.Target, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finds[domain]++
	targets := w.targets[domain]
	if len(targets) == 0 {
		return nil, fmt.Errorf("%s: %w", domain, s2s.ErrNoService)
	}
	step("found " + targets[0].Host)
	return targets, nil
}

// Dial implements engine.Connector.
func (w *World) Dial(ctx context.Context, targets []s2s.Target, step func(string)) (c net.Conn, used int, err error) {
	for i, target := range targets {
		if i > 0 {
			step(err.Error())
		}
		if c, err = w.dial(ctx, target); err == nil {
			return c, i, nil
		}
	}
	return nil, 0, err
}

func (w *World) dial(ctx context.Context, target s2s.Target) (net.Conn, error) {
	address := net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port)))
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[address]++
	if err == nil && w.through != nil {
		c = w.through(c)
	}
	return c, err
}

// Shown is the certificates of a server, by domain; "" for all others.
type Shown map[string]*tls.Certificate

// Certificate implements engine.Certificates.
func (s Shown) Certificate(name string) (*tls.Certificate, error) {
	if c := s[name]; c != nil {
		return c, nil
	}
	if c := s[""]; c != nil {
		return c, nil
	}
	return nil, errors.New("no certificate for " + name)
}
