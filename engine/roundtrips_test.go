package engine_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep/carbons"
)

// counting counts round trips: how often the client, having sent something, waits
// for the other end.
type counting struct {
	net.Conn
	sent  bool
	trips int
}

func (c *counting) Write(b []byte) (int, error) {
	c.sent = true
	return c.Conn.Write(b)
}

func (c *counting) Read(b []byte) (int, error) {
	if c.sent {
		c.sent = false
		c.trips++
	}
	return c.Conn.Read(b)
}

// ready is what all logins of the table end in: a resource, stream management that
// can be resumed, and carbons.
const (
	ready     = "<enable xmlns='" + nsManage + "' resume='true'/><enable xmlns='urn:xmpp:carbons:2'/>"
	classic   = "SASL (SCRAM), then binding, then stream management and carbons"
	once      = "SASL2 (SCRAM) with Bind 2"
	cached    = "the same, by a client that knows what is offered"
	fast      = "SASL2 by a token (FAST) with Bind 2"
	fastKnown = "the same, by a client that knows what is offered"
	resumed   = "the same, which resumes its session"
)

// logins are the rows of the table: what a client does from inside TLS on.
var logins = []struct {
	name string
	do   func(c *client, s *server, token, id string)
}{
	{classic, func(c *client, _ *server, _, _ string) {
		c.open()
		c.authenticate("alice")
		c.bind("")
		c.send("<enable xmlns='%s' resume='true'/><iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>", nsManage)
		c.expect("enabled")
		if n := c.expect("iq"); n.attr("type") != "result" {
			c.t.Fatalf("got %s", n)
		}
	}},
	{once, func(c *client, _ *server, _, _ string) {
		c.open()
		c.isReady(c.authenticate2(sasl.SCRAMSHA256, saslSecret("alice"), bindWith(ready)))
	}},
	{cached, func(c *client, _ *server, _, _ string) {
		c.ahead()
		c.isReady(c.authenticate2(sasl.SCRAMSHA256, saslSecret("alice"), bindWith(ready)))
	}},
	{fast, func(c *client, _ *server, token, _ string) {
		c.open()
		c.isReady(c.byToken(token, bindWith(ready)))
	}},
	{fastKnown, func(c *client, _ *server, token, _ string) {
		c.ahead()
		c.isReady(c.byToken(token, bindWith(ready)))
	}},
	{resumed, func(c *client, _ *server, token, id string) {
		c.ahead()
		if n := c.byToken(token, "<resume xmlns='"+nsManage+"' previd='"+id+"' h='0'/>"+bindWith(ready)); n.child("resumed").XMLName.Space != nsManage {
			c.t.Fatalf("got %s", n)
		}
	}},
}

// ahead sends the stream header together with what is sent next.
func (c *client) ahead() { c.first = streamHeader }

func (c *client) byToken(token, more string) *node {
	return c.authenticate2(sasl.HTNone, sasl.ClientConfig{Username: "alice", Password: token}, agentOf(phone)+theFast+more)
}

func (c *client) isReady(n *node) {
	c.t.Helper()
	if b := n.child("bound"); b.XMLName.Space != nsBind2 || b.child("enabled").attr("id") == "" {
		c.t.Fatalf("got %s", n)
	}
}

// TestRoundTrips counts them for each login and each way into TLS, and holds the
// table in docs/login.md to it; with XYLEM_REWRITE=1 it writes the table.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		withStore(cfg)
		cfg.Extensions = carbons.Register
	})
	s.create(t, "alice@localhost")
	var table strings.Builder
	table.WriteString("| from the first packet to a session that is ready | direct TLS 1.3 | STARTTLS, TLS 1.3 | direct TLS 1.2 | STARTTLS, TLS 1.2 |\n|---|---|---|---|---|\n")
	for _, login := range logins {
		fmt.Fprintf(&table, "| %s |", login.name)
		for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
			for _, direct := range []bool{true, false} {
				full, again := s.roundTrips(t, direct, version, login.do)
				if fmt.Fprintf(&table, " %d", full); again != full {
					fmt.Fprintf(&table, ", resumed %d", again)
				}
				table.WriteString(" |")
			}
		}
		table.WriteString("\n")
	}
	const file, begin, end = "../docs/login.md", "<!-- round trips -->\n", "<!-- end -->\n"
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(doc), begin)
	written, after, found := strings.Cut(rest, end)
	switch {
	case !found:
		t.Fatalf("%s has no %s … %s", file, begin, end)
	case written == table.String():
	case os.Getenv("XYLEM_REWRITE") != "":
		if err := os.WriteFile(file, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s says\n%sand it is\n%s", file, written, table.String())
	}
}

// roundTrips counts those of a login in a full TLS handshake and in a resumed one,
// with the one of TCP.
func (s *server) roundTrips(t *testing.T, direct bool, version uint16, login func(*client, *server, string, string)) (full, again int) {
	t.Helper()
	cfg := clientTLS("localhost")
	cfg.MinVersion, cfg.MaxVersion = version, version
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	token := s.giveToken(t, "alice", phone, sasl.HTNone)
	var counts [2]int
	for i := range counts {
		before, n := s.login2(t, "alice", bindWith("<enable xmlns='"+nsManage+"' resume='true'/>"))
		before.expect("features")
		_ = before.conn.Close()
		s.waitDetached(t, 1)
		tcp := &counting{}
		c := s.dialOver(t, direct, cfg, func(conn net.Conn) net.Conn {
			tcp.Conn = conn
			return tcp
		})
		login(c, s, token, n.child("bound").child("enabled").attr("id"))
		if resumes := c.conn.(*tls.Conn).ConnectionState().DidResume; resumes != (i > 0) {
			t.Fatalf("connection %d resumes its TLS: %v", i, resumes)
		}
		counts[i] = 1 + tcp.trips
		c.send("</stream:stream>")
		for err := error(nil); err == nil; _, err = c.read() {
		}
		_ = c.conn.Close()
		s.Kick("alice@localhost", streamReset)
		s.waitDetached(t, 0)
	}
	return counts[0], counts[1]
}

var streamReset = stanza.StreamError{Condition: stanza.StreamReset}
