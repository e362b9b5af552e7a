package engine_test

import (
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/session/sasl"
)

// Connections beyond the bound of their address are refused with a reason; one
// that ends makes room, and so does one whose session goes on without it.
func TestConnectionsPerAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.ConnectionsPerAddress = 2 })
	first := s.login(t, "tcp", "alice", "a")
	second := s.login(t, "tls", "bob", "b")
	third := s.connect(t, "tcp")
	third.dec = newDecoder(third)
	third.expectStreamError("resource-constraint")
	first.chats(second, "still there")
	s.login(t, "pipe", "carol", "c") // is of no address

	first.send("</stream:stream>")
	first.expectEnd()
	await.Equal(t, "connections", func() int64 { return s.Stats().Connections }, 2)
	s.login(t, "tcp", "alice", "a").chats(second, "again")
}

// Who fails too often is told to come back later, on new connections too, and
// even with the right password; who is logged in goes on.
func TestFailedLoginsPerAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.FailedLoginsPerAddress = 4 })
	bob := s.login(t, "tcp", "bob", "b")
	for range 2 {
		c := s.connect(t, "tls")
		c.open()
		for range 2 {
			if n := c.auth(sasl.Plain, sasl.ClientConfig{Username: "alice", Password: "guess"}); !n.has("not-authorized") {
				t.Fatalf("a guess: %s", n)
			}
		}
	}
	for _, mechanism := range []string{sasl.Plain, sasl.SCRAMSHA256} {
		c := s.connect(t, "tls")
		c.open()
		if n := c.auth(mechanism, sasl.ClientConfig{Username: "alice", Password: "secret"}); !n.has("temporary-auth-failure") {
			t.Errorf("%s: %s", mechanism, n)
		}
	}
	s.login(t, "pipe", "alice", "a").chats(bob, "from no address")
}
