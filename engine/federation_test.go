package engine_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/s2s"
)

// world is several engines that find each other without DNS.
type world struct {
	*enginetest.World
	t testing.TB
}

func newWorld(t testing.TB) *world { return &world{enginetest.NewWorld(t), t} }

// server runs an engine that serves domains, with a certificate for all of them.
func (w *world) server(change func(*engine.Config), domains ...string) *server {
	w.t.Helper()
	s := serve(w.t, func(c *engine.Config) {
		c.Listeners = []engine.Listener{{Name: "plain", Address: "127.0.0.1:0"}}
		w.Configure(c, domains...)
		if os.Getenv("XYLEM_TEST_LOG") != "" {
			c.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		if change != nil {
			change(c)
		}
	})
	w.Joined(s.Engine, domains...)
	return s
}

// as logs in over a connection of its own.
func (s *server) as(t testing.TB, address string) *client {
	t.Helper()
	return s.asOn(t, "pipe", address)
}

// asOn logs in over a connection of the given kind.
func (s *server) asOn(t testing.TB, transport, address string) *client {
	t.Helper()
	user, rest, _ := strings.Cut(address, "@")
	domain, resource, _ := strings.Cut(rest, "/")
	c := s.connect(t, transport)
	c.openTo(domain)
	if n := c.auth("SCRAM-SHA-1", saslSecret(user)); n.XMLName.Local != "success" {
		t.Fatalf("login of %s: %s", address, n)
	}
	c.openTo(domain)
	c.bind(resource)
	return c
}

// record is what s knows of a remote domain.
func (s *server) record(t testing.TB, domain string) s2s.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	list, err := s.Remotes(ctx, domain)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		return s2s.Record{Domain: domain}
	}
	return list[0]
}

// story is the steps of a record, a line each.
func story(r s2s.Record) string {
	var b strings.Builder
	for _, s := range r.Steps {
		b.WriteString(s.Text + "\n")
	}
	if r.LastError != "" {
		b.WriteString("last error: " + r.LastError + "\n")
	}
	return b.String()
}

func TestFederationMessage(t *testing.T) {
	w := newWorld(t)
	a, b := w.server(nil, "a.example"), w.server(nil, "b.example")
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "one")
	bob.chats(alice, "two")
	alice.chats(bob, "three")
	for _, x := range []struct {
		s    *server
		name string
	}{{a, "b.example"}, {b, "a.example"}} {
		r := x.s.record(t, x.name)
		if len(r.Streams) != 1 || r.State != s2s.Connected {
			t.Errorf("%s: %+v\n%s", x.name, r, story(r))
		}
	}
}

// untrusted gives a server a certificate that proves nothing to others.
func untrusted(t testing.TB, domains ...string) func(*engine.Config) {
	return func(c *engine.Config) {
		c.Certificates = enginetest.Shown{"": testca.SelfSigned(t, testca.Leaf{DNS: domains})}
	}
}

// requires sets what remote domains must show.
func requires(r s2s.Require) func(*engine.Config) {
	return func(c *engine.Config) {
		c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Require: r} }
	}
}

// all makes one change of several.
func all(changes ...func(*engine.Config)) func(*engine.Config) {
	return func(c *engine.Config) {
		for _, f := range changes {
			f(c)
		}
	}
}

// methods are how the domains of a record were proved.
func methods(r s2s.Record) string {
	var list []string
	for _, s := range r.Streams {
		dir := "in"
		if s.Outgoing {
			dir = "out"
		}
		for _, p := range s.Sends {
			list = append(list, dir+" sends as "+p.Local+" by "+p.Method)
		}
		for _, p := range s.Receives {
			list = append(list, dir+" receives for "+p.Local+" by "+p.Method)
		}
	}
	return strings.Join(list, "; ")
}

func TestFederationProofs(t *testing.T) {
	self := func(domain string) func(*engine.Config) { return untrusted(t, domain) }
	for _, x := range []struct {
		name string
		a, b func(*engine.Config)
		want string // how b knows a
	}{
		{"certificates", nil, nil,
			"in sends as b.example by SASL EXTERNAL; in receives for b.example by SASL EXTERNAL"},
		{"certificates only", requires(s2s.Certificate), requires(s2s.Certificate),
			"in sends as b.example by SASL EXTERNAL; in receives for b.example by SASL EXTERNAL"},
		{"dialback, nobody trusted", self("a.example"), self("b.example"),
			"in sends as b.example by dialback; in receives for b.example by dialback"},
		{"dialback, the sender not trusted", self("a.example"), nil,
			"in sends as b.example by dialback; in receives for b.example by dialback"},
		{"certificate, the receiver not trusted", nil, self("b.example"),
			"in sends as b.example by SASL EXTERNAL; in receives for b.example by SASL EXTERNAL"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			a, b := w.server(x.a, "a.example"), w.server(x.b, "b.example")
			alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
			alice.chats(bob, "one")
			bob.chats(alice, "two")
			r := b.record(t, "a.example")
			if got := methods(r); !strings.Contains(got, x.want) {
				t.Errorf("got %q\n%s", got, story(r))
			}
		})
	}
}

// refused sends a message that must come back.
func refused(t *testing.T, c *client, to, condition, text string) {
	t.Helper()
	c.send("<message to='%s' type='chat' id='m1'><body>lost</body></message>", to)
	n := c.expect("message")
	e := n.child("error")
	if n.attr("type") != "error" || n.attr("id") != "m1" || n.attr("from") != to || e.child(condition).XMLName.Local == "" {
		t.Fatalf("got %s, want %s", n, condition)
	}
	if got := e.child("text").Text; !strings.Contains(got, text) {
		t.Errorf("text %q, want %q", got, text)
	}
}

func TestFederationRefusals(t *testing.T) {
	quick := func(c *engine.Config) {
		c.Federation.RetryLeast, c.Federation.RetryMost = time.Millisecond, 2*time.Millisecond
	}
	wrong := func(t *testing.T, w *world, leaf testca.Leaf) func(*engine.Config) {
		return func(c *engine.Config) { c.Certificates = enginetest.Shown{"": w.CA.Issue(t, leaf)} }
	}
	past := time.Now().Add(-time.Hour)
	for _, x := range []struct {
		name            string
		a, b            func(t *testing.T, w *world) func(*engine.Config)
		condition, text string
	}{
		{"no such domain", nil, nil, "remote-server-not-found", "b.example"},
		{"denied here", func(*testing.T, *world) func(*engine.Config) {
			return func(c *engine.Config) {
				c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} }
			}
		}, nil, "not-allowed", "does not federate with b.example"},
		{"denied there", nil, func(*testing.T, *world) func(*engine.Config) {
			return func(c *engine.Config) {
				c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} }
			}
		}, "remote-server-timeout", "policy-violation: this server does not federate with a.example"},
		{"wrong certificate there", func(*testing.T, *world) func(*engine.Config) { return requires(s2s.Certificate) },
			func(t *testing.T, w *world) func(*engine.Config) {
				return wrong(t, w, testca.Leaf{DNS: []string{"c.example"}})
			}, "remote-server-timeout", "does not prove b.example"},
		{"expired certificate there", func(*testing.T, *world) func(*engine.Config) { return requires(s2s.Certificate) },
			func(t *testing.T, w *world) func(*engine.Config) {
				return wrong(t, w, testca.Leaf{DNS: []string{"b.example"}, NotBefore: past.Add(-time.Hour), NotAfter: past})
			}, "remote-server-timeout", "expired"},
		{"wrong certificate here", func(t *testing.T, w *world) func(*engine.Config) {
			return wrong(t, w, testca.Leaf{DNS: []string{"c.example"}})
		}, func(*testing.T, *world) func(*engine.Config) { return requires(s2s.Certificate) },
			"remote-server-timeout", "not-authorized: the certificate does not prove a.example"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newWorld(t)
			change := func(f func(*testing.T, *world) func(*engine.Config)) func(*engine.Config) {
				if f == nil {
					return quick
				}
				return all(quick, f(t, w))
			}
			a := w.server(change(x.a), "a.example")
			if x.name != "no such domain" {
				w.server(change(x.b), "b.example")
			}
			alice := a.as(t, "alice@a.example/1")
			refused(t, alice, "bob@b.example/2", x.condition, x.text)
			if r := a.record(t, "b.example"); x.condition != "not-allowed" && (r.LastError == "" || r.Failures == 0) {
				t.Errorf("record: %+v", r)
			}
		})
	}
}

// Nobody listens where the records point.
func TestFederationPeerDown(t *testing.T) {
	w := newWorld(t)
	w.Point("b.example", enginetest.Target(enginetest.Refusing(t), false))
	a := w.server(func(c *engine.Config) {
		c.Federation.RetryLeast, c.Federation.RetryMost = time.Millisecond, 2*time.Millisecond
	}, "a.example")
	refused(t, a.as(t, "alice@a.example/1"), "bob@b.example/2", "remote-server-timeout", "connection refused")
}

func TestFederationDirectTLS(t *testing.T) {
	w := newWorld(t)
	a, b := w.server(nil, "a.example"), w.server(nil, "b.example")
	w.Point("b.example", enginetest.Target(b.addr("s2s-tls"), true))
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "one")
	bob.chats(alice, "two")
}

func TestFederationSeveralDomainsOneConnection(t *testing.T) {
	w := newWorld(t)
	a := w.server(nil, "a.example", "aa.example", "aaa.example")
	b := w.server(nil, "b.example")
	bob := b.as(t, "bob@b.example/2")
	for _, from := range []string{"alice@a.example/1", "alice@aa.example/1", "alice@aaa.example/1"} {
		c := a.as(t, from)
		c.chats(bob, "from "+from)
		bob.chats(c, "to "+from)
	}
	r := a.record(t, "b.example")
	if n := w.Dials(b.addr("s2s")); n != 1 || len(r.Streams) != 1 || len(r.Streams[0].Sends) != 3 {
		t.Errorf("%d connections: %s\n%s", n, methods(r), story(r))
	}
}
