package engine_test

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// dial connects by direct TLS, or by STARTTLS, and goes on inside TLS.
func (s *server) dial(t testing.TB, direct bool, cfg *tls.Config) *client {
	t.Helper()
	return s.dialOver(t, direct, cfg, func(c net.Conn) net.Conn { return c })
}

// dialOver is dial with something between TCP and TLS.
func (s *server) dialOver(t testing.TB, direct bool, cfg *tls.Config, wrap func(net.Conn) net.Conn) *client {
	t.Helper()
	listener := map[bool]string{true: "tls", false: "plain"}[direct]
	conn, err := net.DialTimeout("tcp", s.addr(listener), patience)
	if err != nil {
		t.Fatal(err)
	}
	conn = wrap(conn)
	c := newClient(t, conn)
	if !direct {
		c.open()
		c.startTLS(cfg)
		return c
	}
	c.use(tls.Client(conn, cfg))
	return c
}

// TestTicketsAcrossListenersAndLoops: who has logged in by one way comes back by any,
// on any loop, and the bindings are those of the new connection.
func TestTicketsAcrossListenersAndLoops(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := clientTLS("localhost")
		cfg.MinVersion, cfg.MaxVersion = version, version
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		for i := range 12 {
			c := s.dial(t, i%2 == 0, cfg)
			c.open() // takes the tickets in
			state := c.conn.(*tls.Conn).ConnectionState()
			if state.DidResume != (i > 0) {
				t.Fatalf("%x: connection %d resumed: %v", version, i, state.DidResume)
			}
			key, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
			if err != nil {
				t.Fatal(err)
			}
			secret := saslSecret("alice")
			secret.Binding = &sasl.Binding{Type: sasl.TLSExporter, Data: key}
			if n := c.authenticate2(sasl.SCRAMSHA256Plus, secret, bindWith("")); n.child("bound").XMLName.Local == "" {
				t.Fatalf("%x: got %s", version, n)
			}
			_ = c.conn.Close()
		}
	}
}
