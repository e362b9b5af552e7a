package main

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/internal/testdns"
)

// fediverse is some servers in this process that find each other by DNS.
type fediverse struct {
	t   *testing.T
	dns *testdns.Zone
	ca  *testca.CA
}

func newFediverse(t *testing.T) *fediverse {
	return &fediverse{t: t, dns: testdns.Serve(t), ca: testca.New(t, "Test Authority")}
}

// start runs a server for a domain, with its name in DNS and an account alice.
func (f *fediverse) start(domain string, args ...string) *testServer {
	f.t.Helper()
	s := startServer(f.t, f.t.TempDir(), append([]string{"--domain", domain, "--set", "dns.server=" + f.dns.Address}, args...)...)
	f.publish(domain, s)
	s.do("secret\n", "user", "add", "alice@"+domain, "--password-stdin").want(f.t, exitOK, "added alice@"+domain+"\n", "")
	return s
}

// publish puts a server into DNS: first STARTTLS, then direct TLS.
func (f *fediverse) publish(domain string, s *testServer) {
	f.t.Helper()
	f.dns.Set("xmpp." + domain + ". 300 IN A 127.0.0.1")
	for i, l := range []struct{ name, service string }{{"s2s", "_xmpp-server"}, {"s2s-tls", "_xmpps-server"}} {
		_, port, err := net.SplitHostPort(s.ready[l.name])
		if err != nil {
			f.t.Fatal(err)
		}
		f.dns.Set(fmt.Sprintf("%s._tcp.%s. 300 IN SRV %d 0 %s xmpp.%s.", l.service, domain, i, port, domain))
	}
}

// certified are the arguments for a certificate of the authority, which is also
// trusted.
func (f *fediverse) certified(domain string) []string {
	cert, key := testca.Files(f.t, f.ca.For(f.t, domain))
	return []string{"--set", "tls.ca_file=" + f.ca.File(f.t), "--set", fmt.Sprintf("tls.certificate=[{cert = %q, key = %q}]", cert, key)}
}

// online logs alice in and makes her available.
func (s *testServer) online(domain string) *client {
	s.t.Helper()
	c := s.login("alice", domain, "secret", "success")
	c.send("<presence/>", "<presence")
	return c
}

// exchange sends a message each way.
func exchange(t *testing.T, a, b *client, ofA, ofB string) {
	t.Helper()
	fmt.Fprintf(a.conn, "<message to='alice@%s' type='chat'><body>to %s</body></message>", ofB, ofB)
	b.until("<body>to " + ofB + "</body></message>")
	fmt.Fprintf(b.conn, "<message to='alice@%s' type='chat'><body>to %s</body></message>", ofA, ofA)
	a.until("<body>to " + ofA + "</body></message>")
}

// Two servers that know nothing of each other but DNS.
func TestFederation(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   func(f *fediverse, domain string) []string
		method string
	}{
		{"self-signed: dialback", func(*fediverse, string) []string { return nil }, "dialback"},
		{"certified: SASL EXTERNAL", (*fediverse).certified, "SASL EXTERNAL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFediverse(t)
			a, b := f.start("a.example", c.args(f, "a.example")...), f.start("b.example", c.args(f, "b.example")...)
			exchange(t, a.online("a.example"), b.online("b.example"), "a.example", "b.example")
			if log, _ := a.log.state(); strings.Contains(log, "level=ERROR") {
				t.Error(log)
			}
		})
	}
}
