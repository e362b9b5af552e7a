package engine_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/s2s"
)

// listensAs is a listener that answers each connection in its way.
func listensAs(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				answer(c)
			}()
		}
	}()
	return l.Addr().String()
}

// tlsAs makes a handshake and says no more.
func tlsAs(t *testing.T, cfg *tls.Config) func(net.Conn) {
	cfg.Certificates = []tls.Certificate{*testca.SelfSigned(t, testca.Leaf{DNS: []string{"b.example"}})}
	return func(c net.Conn) {
		s := tls.Server(c, cfg)
		if s.Handshake() == nil {
			_, _ = io.Copy(io.Discard, s)
		}
	}
}

// A test connection tells what it does, and why it came to nothing.
func TestCheckRemote(t *testing.T) {
	self := func(domain string) func(*engine.Config) { return untrusted(t, domain) }
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	says := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			silent(c)
		}
	}
	header := "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='b.example' version='1.0'>"
	for _, x := range []struct {
		name   string
		a, b   func(*engine.Config)
		direct bool
		answer func(net.Conn) // instead of b
		remote string
		want   string // error; "" for success
		remedy string // part of it
		steps  string // a line of the story
	}{
		{name: "certificates", steps: "a.example may speak to b.example, proved by SASL EXTERNAL"},
		{name: "certificate shown", steps: `certificate: the certificate for b.example, issued by "Test Authority", valid until`},
		{name: "dialback", a: self("a.example"), b: self("b.example"), steps: "a.example may speak to b.example, proved by dialback"},
		{name: "direct TLS", direct: true, steps: "a.example may speak to b.example, proved by SASL EXTERNAL"},
		{name: "certificate required here", a: requires(s2s.Certificate), b: self("b.example"),
			want: "the certificate does not prove b.example: the certificate for b.example is self-signed; its operator must get one from a public authority, or add it to tls.ca_file here if you know it to be right"},
		{name: "certificate required there", a: self("a.example"), b: requires(s2s.Certificate),
			want: "the other side ended the stream: not-authorized", remedy: "give the local domain a certificate"},
		{name: "denied here", a: func(c *engine.Config) {
			c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} }
		}, want: "the policy of this server denies b.example; see s2s.deny and s2s.allow"},
		{name: "denied there", b: func(c *engine.Config) {
			c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} }
		}, want: "the other side ended the stream: policy-violation", remedy: "ask them"},
		{name: "our own", remote: "a.example", want: "a.example is served here"},
		{name: "no domain", remote: "a b", want: `engine: "a b": jid`},
		{name: "nobody", remote: "c.example", want: "c.example"},
		{name: "another domain there", b: func(c *engine.Config) { c.Domains = []string{"c.example"} },
			want: "the other side ended the stream: host-unknown", remedy: "does not serve the domain"},
		{name: "silence", answer: silent, want: "says nothing more, and nothing is proved yet"},
		{name: "another protocol", answer: says("SSH-2.0-OpenSSH\r\n"), want: "not-well-formed"},
		{name: "no TLS offered", answer: says(header + "<stream:features/>"), want: "the server offers no TLS", remedy: "must give it a certificate"},
		{name: "no TLS after all", answer: says(header + "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>" +
			"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), want: "says nothing more"},
		{name: "no TLS at all", direct: true, answer: says("220 mail.example ESMTP\r\n"), want: "what answers there speaks no TLS"},
		{name: "another service behind TLS", direct: true, answer: tlsAs(t, &tls.Config{NextProtos: []string{"http/1.1"}}),
			want: "(tls: no application protocol): its port for direct TLS does not take servers"},
		{name: "old TLS", direct: true, answer: tlsAs(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}), want: "TLS"},
		{name: "a certificate from others wanted", direct: true, answer: tlsAs(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}),
			want: "it does not take the certificate that is shown here; give the local domain one from a public authority"},
		{name: "closed within the handshake", direct: true, answer: func(c net.Conn) { _, _ = c.Read(make([]byte, 10)) }, want: "TLS handshake"},
		{name: "closed at once", answer: func(net.Conn) {}, want: "the connection"},
		{name: "an error at once", answer: says(header + "<stream:error><remote-connection-failed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"),
			want: "remote-connection-failed", remedy: "publish the SRV record"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			short := func(c *engine.Config) {
				if strings.Contains(x.want, "says nothing more") { // for as long as that
					c.Limits.PreAuthTime = 5 * time.Second
				}
			}
			change := []func(*engine.Config){short}
			if x.a != nil {
				change = append(change, x.a)
			}
			a := w.server(all(change...), "a.example")
			if x.answer != nil {
				w.Point("b.example", enginetest.Target(listensAs(t, x.answer), x.direct))
			} else {
				b := w.server(x.b, "b.example")
				w.Point("b.example", enginetest.Target(b.addr(map[bool]string{false: "s2s", true: "s2s-tls"}[x.direct]), x.direct))
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var steps []string
			remote := x.remote
			if remote == "" {
				remote = "b.example"
			}
			err := a.CheckRemote(ctx, "A.example", remote, func(text string) { steps = append(steps, text) })
			told := strings.Join(steps, "\n")
			switch {
			case x.want == "" && err != nil, x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
				t.Errorf("got %v\nwant %s\n%s", err, x.want, told)
			case !strings.Contains(s2s.Remedy(err), x.remedy) || x.remedy == "" && s2s.Remedy(err) != "" && x.want != "not-well-formed":
				t.Errorf("remedy %q, want %q", s2s.Remedy(err), x.remedy)
			}
			if !strings.Contains(told, x.steps) {
				t.Errorf("no step %q in\n%s", x.steps, told)
			}
		})
	}
}

// severalTargets is a connector that knows more than one server of a domain.
type severalTargets struct {
	*world
	targets []s2s.Target
}

func (s severalTargets) Find(context.Context, string, func(string)) ([]s2s.Target, error) {
	return s.targets, nil
}

// All servers of a domain are tried.
func TestCheckRemoteNextServer(t *testing.T) {
	w := newWorld(t)
	b := w.server(nil, "b.example")
	port := func(address string) uint16 {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return uint16(addr.Port)
	}
	down := listensAs(t, func(net.Conn) {})
	a := w.server(func(c *engine.Config) {
		c.Federation.Connector = severalTargets{w, []s2s.Target{{Host: "127.0.0.1", Port: port(down)}, {Host: "127.0.0.1", Port: port(b.addr("s2s"))}}}
	}, "a.example")
	var steps []string
	if err := a.CheckRemote(t.Context(), "a.example", "b.example", func(text string) { steps = append(steps, text) }); err != nil {
		t.Errorf("%v\n%s", err, strings.Join(steps, "\n"))
	}
	if want := fmt.Sprintf("the next of 2 servers: 127.0.0.1 port %d", port(b.addr("s2s"))); !strings.Contains(strings.Join(steps, "\n"), want) {
		t.Errorf("no step %q in\n%s", want, strings.Join(steps, "\n"))
	}
}

func TestCheckRemoteWithoutFederation(t *testing.T) {
	s := serve(t, nil)
	if err := s.CheckRemote(t.Context(), "localhost", "b.example", func(string) {}); !errors.Is(err, engine.ErrNotFederating) {
		t.Errorf("got %v", err)
	}
}

// The authority's name is in the story; a certificate that proves nothing is told with the reason.
func TestCheckRemoteTellsTheVerdict(t *testing.T) {
	w := newWorld(t)
	w.server(func(c *engine.Config) {
		c.Certificates = enginetest.Shown{"": w.CA.Issue(t, testca.Leaf{DNS: []string{"other.example"}})}
	}, "b.example")
	a := w.server(nil, "a.example")
	var steps []string
	if err := a.CheckRemote(t.Context(), "a.example", "b.example", func(text string) { steps = append(steps, text) }); err != nil {
		t.Fatal(err)
	}
	if told := strings.Join(steps, "\n"); !strings.Contains(told, "is not one for b.example") {
		t.Errorf("got\n%s", told)
	}
}

// A policy that changes ends the streams that it does not allow, and figures
// follow.
func TestRecheckRemotes(t *testing.T) {
	t.Parallel() // it waits
	var denies atomic.Bool
	w := newWorld(t)
	b := w.server(nil, "b.example")
	a := w.server(func(c *engine.Config) {
		c.Federation.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: denies.Load()} }
	}, "a.example")
	alice, bob := a.as(t, "alice@a.example/1"), b.as(t, "bob@b.example/2")
	alice.chats(bob, "one")
	counts := func() s2s.Counts {
		c, err := a.CountRemotes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := counts(); c.Domains[s2s.Connected] != 1 || c.Outgoing != 1 {
		t.Errorf("%+v", c)
	}
	a.RecheckRemotes() // changes nothing
	alice.chats(bob, "two")
	denies.Store(true)
	a.RecheckRemotes()
	alice.send("<message to='bob@b.example/2' type='chat' id='m1'><body>lost</body></message>")
	for { // what b has not acknowledged comes back too
		n := alice.expect("message")
		if n.child("error").child("not-allowed").XMLName.Local == "" {
			t.Fatalf("got %s", n)
		}
		if n.attr("id") == "m1" {
			break
		}
	}
	await.Equal(t, "streams that b.example is called by", func() int { return counts().Outgoing }, 0)
	if s := a.Stats(); s.AttemptsTotal != 1 || s.AttemptsFailedTotal != 0 {
		t.Errorf("%d attempts, %d failed", s.AttemptsTotal, s.AttemptsFailedTotal)
	}
}
