// Package enginetest starts an engine in the test's process: a memory store,
// plaintext SASL, in-process connections. For tests of what runs on an engine.
package enginetest

import (
	"context"
	"net"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
)

// Server is a running engine.
type Server struct {
	*engine.Engine
	t       testing.TB
	address string // what Dial connects to; "": in-process
}

// Start runs an engine for the domain localhost with two loops and the given
// extensions, and stops it when the test ends.
func Start(t testing.TB, extensions ...func(*xep.Registry) error) *Server {
	t.Helper()
	return StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: All(extensions...)})
}

// startTCP is Start for connections over TCP.
func startTCP(t testing.TB, extensions ...func(*xep.Registry) error) *Server {
	t.Helper()
	s := StartConfig(t, engine.Config{Domains: []string{"localhost"}, Extensions: All(extensions...),
		Listeners: []engine.Listener{{Address: "127.0.0.1:0"}}})
	s.address = s.Addrs()[0].Addr.String()
	return s
}

// StartConfig is Start with a configuration of which nothing is changed but
// what would be missing: a memory store, two loops, AllowPlaintext.
func StartConfig(t testing.TB, cfg engine.Config) *Server {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = memory.New(memory.Options{})
	}
	if cfg.Loops == 0 {
		cfg.Loops = 2
	}
	cfg.AllowPlaintext = true
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	select {
	case <-e.Ready():
	case err := <-done:
		done <- nil
		t.Fatal(err)
	}
	return &Server{Engine: e, t: t}
}

// All registers several extensions as one.
func All(extensions ...func(*xep.Registry) error) func(*xep.Registry) error {
	return func(r *xep.Registry) error {
		for _, register := range extensions {
			if err := register(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// AddUser makes an account, e.g. "alice@localhost".
func (s *Server) AddUser(address, password string) {
	s.t.Helper()
	if err := s.Accounts().Create(context.Background(), jid.MustParse(address), password); err != nil {
		s.t.Fatal(err)
	}
}

// Dial opens a connection: in-process, or over TCP after startTCP.
func (s *Server) Dial() net.Conn {
	s.t.Helper()
	var c net.Conn
	var err error
	if s.address != "" {
		c, err = net.Dial("tcp", s.address)
	} else {
		c, err = s.Pipe()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}
