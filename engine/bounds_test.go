package engine_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/session/sasl"
)

// TestSlowConsumer: a client that stops reading costs OutboundBytes at most, is
// closed, and harms nobody.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			const bound = 128 << 10
			s := serve(t, func(cfg *engine.Config) { cfg.Limits.OutboundBytes = bound })
			alice, bob, carol := s.login(t, "pipe", "alice", ""), s.login(t, transport, "bob", "b"), s.login(t, "tcp", "carol", "")
			body := strings.Repeat("x", 8<<10)
			var most int64
			for s.Stats().SlowClosedTotal == 0 {
				alice.send("<message to='%s' type='error'><body>%s</body></message>", bob.jid, body)
				alice.expectNothing()
				most = max(most, s.Stats().OutboundBytes)
			}
			if most > bound {
				t.Errorf("%d bytes were held, want at most %d", most, bound)
			}
			alice.send("<message to='%s' id='late'><body>x</body></message>", bob.jid)
			alice.expectError("message", "late", bob.jid, "cancel", "service-unavailable")
			alice.chats(carol, "unharmed")
			carol.chats(alice, "unharmed")
			if _, err := io.Copy(io.Discard, bob.conn); isTimeout(err) {
				t.Error("the slow connection stays open")
			}
			await.Equal(t, "bytes held", func() int64 { return s.Stats().OutboundBytes }, 0)
			again := s.login(t, transport, "bob", "b")
			alice.chats(again, "back")
		})
	}
}

// expectRaw takes bytes that must come: for volumes that encoding/xml is too
// slow for.
func (c *client) expectRaw(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		c.t.Fatalf("%s: got %.200q, %v; want %.200q", c.jid, got[:n], err, want)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// TestBacklogArrivesInOrder: a client that reads late, but not too late, gets
// everything in order.
func TestBacklogArrivesInOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.OutboundBytes = 64 << 20 })
	body := strings.Repeat("x", 16<<10)
	for _, transport := range transports {
		alice, bob := s.login(t, "pipe", "alice", transport), s.login(t, transport, "bob", transport)
		count := 0
		for s.Stats().OutboundBytes < 1<<20 { // more than sockets buffer
			alice.send("<message to='%s'><n>%06d</n><body>%s</body></message>", bob.jid, count, body)
			alice.expectNothing()
			count++
		}
		for i := range count {
			bob.expectRaw(fmt.Sprintf("<message from='%s' to='%s'><n>%06d</n><body>%s</body></message>", alice.jid, bob.jid, i, body))
		}
	}
	if s.Stats().SlowClosedTotal != 0 {
		t.Error("a connection was closed as too slow")
	}
}

// late is an Authenticator that answers when it is told to.
type late struct {
	accounts
	asked chan func(bool, error)
}

func (l late) Verify(_, _, _ string, done func(bool, error)) { l.asked <- done }

// TestInputWhileSessionWaits: a client that goes on sending while its login is
// looked up is held back, and everything is handled in order afterwards.
func TestInputWhileSessionWaits(t *testing.T) {
	t.Parallel()
	const bound = 256 << 10
	auth := late{newAccounts("alice", "bob"), make(chan func(bool, error), 1)}
	s := serve(t, func(cfg *engine.Config) {
		cfg.Auth = auth
		cfg.Limits.InboundBytes = bound
		cfg.Limits.OutboundBytes = 64 << 20 // all comes back at once
	})
	bob := s.login(t, "pipe", "bob", "")
	c := s.connect(t, "tls")
	c.open()
	before := s.Stats().BytesInTotal
	const count = 100
	body := strings.Repeat("x", 16<<10)
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.conn, expand(authWith(sasl.Plain, "{b64:\x00alice\x00secret}"))+streamHeader+
			"<iq type='set' id='b'><bind xmlns='"+nsBind+"'><resource>r</resource></bind></iq>"+
			strings.Repeat("<message to='alice@localhost/r'><body>"+body+"</body></message>", count))
		sent <- err
	}()
	done := <-auth.asked
	for range 200 { // long enough for all to pass, were they read
		bob.sync()
	}
	if n := s.Stats().BytesInTotal - before; n > bound+200*1_000 {
		t.Errorf("%d bytes were read while the session waited, want at most %d and bob's", n, bound)
	}
	done(true, nil)
	c.expect("success")
	c.dec = newDecoder(c)
	c.expect("features")
	c.expect("iq")
	for range count {
		c.expectRaw("<message from='alice@localhost/r' to='alice@localhost/r'><body>" + body + "</body></message>")
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestAuthenticatorFails: what cannot be known now may be tried again.
func TestAuthenticatorFails(t *testing.T) {
	t.Parallel()
	auth := late{newAccounts("alice"), make(chan func(bool, error), 1)}
	s := serve(t, func(cfg *engine.Config) { cfg.Auth = auth })
	c := s.connect(t, "tls")
	c.open()
	for _, answer := range []struct {
		ok   bool
		err  error
		want string
	}{{false, io.ErrUnexpectedEOF, "<temporary-auth-failure/>"}, {true, io.ErrUnexpectedEOF, "<temporary-auth-failure/>"},
		{false, nil, "<not-authorized/>"}, {true, nil, ""}} {
		go func() { (<-auth.asked)(answer.ok, answer.err) }()
		if n := c.auth(sasl.Plain, saslSecret("alice")); n.Inner != answer.want {
			t.Fatalf("answer %v: got %s", answer, n)
		}
	}
	c.open()
	c.bind("")
}

// TestAnswerAfterTheClientWent: an answer that nobody waits for any more is
// dropped, also when its place was taken by another.
func TestAnswerAfterTheClientWent(t *testing.T) {
	t.Parallel()
	auth := late{newAccounts("alice"), make(chan func(bool, error), 1)}
	s := serve(t, func(cfg *engine.Config) { cfg.Auth = auth })
	c := s.connect(t, "tls")
	c.open()
	c.send("%s", expand(authWith(sasl.Plain, "{b64:\x00alice\x00secret}")))
	done := <-auth.asked
	_ = c.conn.Close()
	await.Equal(t, "connections", func() int64 { return s.Stats().Connections }, 0)
	next := s.connect(t, "tls")
	next.open()
	done(true, nil)
	next.send("<message/>")
	next.expectStreamError("not-authorized")
}

func TestWhitespaceKeepalive(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.IdleTime, cfg.Limits.PingTime = time.Second, -1 })
	c := s.login(t, "tcp", "alice", "")
	for range 2 {
		if b, err := c.r.ReadByte(); err != nil || b != ' ' {
			t.Fatalf("got %q, %v; want white space", b, err)
		}
	}
	c.send(" \n\t ")
	c.chats(c, "still here")
}

// XEP-0199 §4.2: a client that answers stays, one that does not goes.
func TestPingToAnIdleClient(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.IdleTime, cfg.Limits.PingTime = time.Second, 5*time.Second })
	c := s.login(t, "tcp", "alice", "")
	for range 2 {
		ping := c.expect("iq")
		if ping.child("ping").XMLName.Space != "urn:xmpp:ping" {
			t.Fatalf("got %s, want a ping", ping)
		}
		c.send("<iq type='result' to='%s' id='%s'/>", ping.attr("from"), ping.attr("id"))
	}
	c.expect("iq")
	c.expectStreamError("connection-timeout")
}

func TestSessionsPerUser(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.SessionsPerUser = 2 })
	one, two := s.login(t, "pipe", "alice", "1"), s.login(t, "pipe", "alice", "2")
	three := s.connect(t, "pipe")
	three.open()
	three.authenticate("alice")
	three.send("<iq type='set' id='b'><bind xmlns='%s'><resource>3</resource></bind></iq>", nsBind)
	if n := three.expect("iq"); n.child("error").child("resource-constraint").XMLName.Space != nsStanzas {
		t.Fatalf("got %s", n)
	}
	three.bind("2") // RFC 6120 §7.7.2.2 needs no further place
	two.expectStreamError("conflict")
	one.chats(three, "hello")
}
