package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/internal/enginetest"
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

// remote is what s tells of a domain, as JSON.
func (s *testServer) remote(domain string) remoteReport {
	s.t.Helper()
	r := s.do("", "s2s", "status", domain, "--json")
	var reports []remoteReport
	if err := json.Unmarshal([]byte(r.stdout), &reports); err != nil || len(reports) > 1 {
		s.t.Fatalf("%v in %s%s", err, r.stdout, r.stderr)
	}
	if len(reports) == 0 {
		return remoteReport{Domain: domain}
	}
	return reports[0]
}

// comesBack sends a message that must come back with a condition.
func (c *client) comesBack(domain, condition, text string) {
	c.t.Helper()
	fmt.Fprintf(c.conn, "<message to='alice@%s' type='chat' id='x'><body>lost</body></message>", domain)
	if got := c.until("</message>"); !strings.Contains(got, "<"+condition+" ") || !strings.Contains(got, text) {
		c.t.Errorf("got %s, want %s, %q", got, condition, text)
	}
}

// Two servers that know nothing of each other but DNS: messages, and what
// operators see of it.
func TestFederation(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   func(f *fediverse, domain string) []string
		method string
		story  []string
	}{
		{"self-signed: dialback", func(*fediverse, string) []string { return nil }, "dialback",
			[]string{"self-signed", "authenticating a.example by dialback"}},
		{"certified: SASL EXTERNAL", (*fediverse).certified, "SASL EXTERNAL",
			[]string{"certificate  proves the domain", "authenticating a.example by SASL EXTERNAL"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFediverse(t)
			a, b := f.start("a.example", c.args(f, "a.example")...), f.start("b.example", c.args(f, "b.example")...)
			exchange(t, a.online("a.example"), b.online("b.example"), "a.example", "b.example")

			r := a.remote("b.example")
			if r.State != "connected" || len(r.Streams) != 1 || r.Streams[0].Sends[0] != (provedPair{"a.example", c.method}) {
				t.Errorf("%+v", r)
			}
			story := a.do("", "s2s", "status", "B.example").stdout
			for _, want := range append(c.story, "SRV _xmpp-server._tcp.b.example: priority 0", "IPv4 127.0.0.1", "connected to 127.0.0.1:", "TLS 1.3",
				"sends        a.example ("+c.method+")", "a.example may speak to b.example, proved by "+c.method) {
				if !strings.Contains(story, want) {
					t.Errorf("no %q in\n%s", want, story)
				}
			}
			table := a.do("", "s2s", "status").stdout
			if !strings.HasPrefix(table, "DOMAIN") || !strings.Contains(table, "b.example  connected") {
				t.Errorf("table:\n%s", table)
			}
			for _, s := range []*testServer{a, b} {
				if log, _ := s.log.state(); strings.Contains(log, "level=ERROR") {
					t.Error(log)
				}
			}
			if status := a.do("", "status").stdout; !strings.Contains(status, "1 connected; streams: 0 in, 1 out; 0 stanzas wait") {
				t.Errorf("status:\n%s", status)
			}
			code, body := a.get("/v1/s2s?domain=b.example")
			if code != http.StatusOK || !strings.Contains(body, `"state":"connected"`) {
				t.Errorf("%d %s", code, body)
			}
			_, metrics := a.get("/metrics")
			for _, want := range []string{`xylem_s2s_domains{state="connected"} 1`, `xylem_s2s_streams{direction="out"} 1`, "xylem_s2s_queued_stanzas 0",
				"xylem_s2s_attempts_total 1", "xylem_s2s_attempts_failed_total 0", "xylem_dns_questions_failed_total 0"} {
				if !strings.Contains(metrics, "\n"+want+"\n") {
					t.Errorf("no %s in\n%s", want, metrics)
				}
			}
		})
	}
}

// A test connection, with and without success, tells each step, and its exit
// code what came of it.
func TestS2SCheck(t *testing.T) {
	f := newFediverse(t)
	strict := append(f.certified("a.example"), "--set", `s2s.domain=[{name = "b.example", require = "certificate"}]`, "--set", "s2s.deny=bad.example")
	a := f.start("a.example", strict...)
	f.start("b.example") // self-signed
	c := f.start("c.example", f.certified("c.example")...)
	f.dns.Set("_xmpp-server._tcp.none.example. 300 IN SRV 0 0 0 .",
		"_xmpp-server._tcp.lost.example. 300 IN SRV 0 0 5269 gone.example.",
		"_xmpp-server._tcp.elsewhere.example. 300 IN SRV 0 0 "+port(t, c.ready["s2s"])+" xmpp.c.example.",
		"_xmpp-server._tcp.down.example. 300 IN SRV 0 0 "+port(t, enginetest.Refusing(t))+" xmpp.c.example.")
	for _, x := range []struct {
		domain, stdout, stderr string
		code                   int
	}{
		{"c.example", "a.example may speak to c.example, proved by SASL EXTERNAL", "", exitOK},
		{"C.example", "c.example can be reached", "", exitOK},
		{"c.example", "certificate: the certificate for c.example, issued by", "", exitOK},
		{"c.example", "the way back: others find a.example at xmpp.a.example:" + port(t, a.ready["s2s"]), "", exitOK},
		{"b.example", "TLS 1.3", "b.example cannot be reached: the certificate does not prove b.example: the certificate for b.example is self-signed; its operator must get one from a public authority", exitFailed},
		{"bad.example", "", "the policy of this server denies bad.example; see s2s.deny and s2s.allow", exitFailed},
		{"a.example", "", "a.example is served here", exitFailed},
		{"missing.example", "NXDOMAIN", "missing.example does not exist in DNS; check the address", exitFailed},
		{"none.example", `port 0 "."`, `says in DNS, by the SRV target ".", that it offers no service`, exitFailed},
		{"lost.example", "gone.example", "point to gone.example, which has no address in DNS; its operator must correct the SRV record", exitFailed},
		{"down.example", "connecting to xmpp.c.example", "(connection refused): is the server up, and does it listen on that port?", exitFailed},
		{"elsewhere.example", "connected to", "xylem: what to do: that server does not serve the domain", exitFailed},
		{"a b", "", `"a b" is not a domain`, exitUsage},
	} {
		t.Run(x.domain, func(t *testing.T) {
			r := a.do("", "s2s", "check", x.domain)
			if r.code != x.code || !strings.Contains(r.stdout, x.stdout) || !strings.Contains(r.stderr, x.stderr) || x.stderr == "" && r.stderr != "" {
				t.Errorf("exit %d, want %d\n%s%s\nwant %q and %q", r.code, x.code, r.stdout, r.stderr, x.stdout, x.stderr)
			}
		})
	}
	t.Run("in another name", func(t *testing.T) {
		if r := a.do("", "s2s", "check", "c.example", "--from", "x.example"); r.code != exitFailed || !strings.Contains(r.stderr, "x.example is not served here") {
			t.Errorf("exit %d: %s", r.code, r.stderr)
		}
	})
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// SIGHUP changes policies, static hosts and authorities; streams that are not
// allowed any more end, and those that are may begin.
func TestFederationReload(t *testing.T) {
	f := newFediverse(t)
	b := f.start("b.example")
	conf := filepath.Join(t.TempDir(), "xylem.toml")
	configure := func(text string) {
		t.Helper()
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("")
	a := f.start("a.example", "--config", conf)
	alice, bob := a.online("a.example"), b.online("b.example")
	exchange(t, alice, bob, "a.example", "b.example")
	reloads := 0
	reload := func(text string) {
		t.Helper()
		configure(text)
		a.signals <- syscall.SIGHUP
		reloads++
		a.log.waitFor(t, "configuration reloaded", reloads)
	}

	reload("[s2s]\ndeny = \"b.example\"\n")
	a.waitRemote("b.example", func(r remoteReport) bool { return len(r.Streams) == 0 && r.Policy == "denied" })
	alice.comesBack("b.example", "not-allowed", "does not federate with b.example")

	reload("")
	exchange(t, alice, bob, "a.example", "b.example")

	reload("[s2s]\nrequire = \"certificate\"\n") // b's is self-signed
	a.waitRemote("b.example", func(r remoteReport) bool { return len(r.Streams) == 0 && r.Policy == "certificate" })
	if r := a.do("", "s2s", "check", "b.example"); r.code != exitFailed || !strings.Contains(r.stderr, "add it to tls.ca_file") {
		t.Errorf("exit %d: %s", r.code, r.stderr)
	}

	reload(fmt.Sprintf("[s2s]\nrequire = \"certificate\"\n[tls]\nca_file = %q\n", filepath.Join(b.data, "tls", "b.example.crt")))
	if r := a.do("", "s2s", "check", "b.example"); r.code != exitOK {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}

	reload(fmt.Sprintf("[s2s.static_hosts]\n\"b.example\" = %q\n", enginetest.Refusing(t)))
	if r := a.do("", "s2s", "check", "b.example"); r.code != exitFailed || !strings.Contains(r.stdout, "s2s.static_hosts: b.example is at") {
		t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
	}

	configure("[tls]\nca_file = \"none.pem\"\n")
	a.signals <- syscall.SIGHUP
	a.log.wait(t, "reload failed, nothing was changed", a.gone)
	if log, _ := a.log.state(); !strings.Contains(log, "none.pem: no such file") {
		t.Error(log)
	}
}

// waitFor waits until a text has been written a number of times.
func (w *watched) waitFor(t *testing.T, part string, times int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := w.state()
		if strings.Count(text, part) >= times {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%q is not there %d times in:\n%s", part, times, text)
		}
	}
}

// waitRemote waits until what s tells of a domain is so.
func (s *testServer) waitRemote(domain string, is func(remoteReport) bool) {
	s.t.Helper()
	var r remoteReport
	defer func() {
		if s.t.Failed() {
			s.t.Logf("%s is %+v", domain, r)
		}
	}()
	await.True(s.t, "what is told of "+domain, func() bool {
		r = s.remote(domain)
		return is(r)
	})
}

// A peer that is down is tried again, and its return is noticed; meanwhile the
// record says what is wrong.
func TestFederationPeerDown(t *testing.T) {
	f := newFediverse(t)
	quick := []string{"--set", "limits.s2s_retry_least=100ms", "--set", "limits.s2s_retry_most=1s"}
	a := f.start("a.example", quick...)
	down := enginetest.Refusing(t)
	f.dns.Set("_xmpp-server._tcp.b.example. 300 IN SRV 0 0 "+port(t, down)+" xmpp.b.example.", "xmpp.b.example. 300 IN A 127.0.0.1")
	alice := a.online("a.example")
	alice.comesBack("b.example", "remote-server-timeout", "connection refused")
	r := a.remote("b.example")
	if r.State != "unreachable" && r.State != "connecting" && r.State != "idle" || !strings.Contains(r.LastError, "nothing listens at "+down) || r.Failures < 3 {
		t.Errorf("%+v", r)
	}
	_, metrics := a.get("/metrics")
	if !strings.Contains(metrics, "\nxylem_s2s_attempts_failed_total 3\n") {
		t.Error("failed attempts are not counted")
	}
	f.dns.Clear()
	f.publish("a.example", a)
	b := f.start("b.example", quick...)
	if r := a.do("", "s2s", "check", "b.example"); r.code != exitOK {
		t.Fatalf("%s%s", r.stdout, r.stderr)
	}
	exchange(t, alice, b.online("b.example"), "a.example", "b.example") // at once: the check has ended the pause
}

// Where certificates are required, who writes to a domain with a bad one is told
// why, and so is the operator.
func TestFederationBadCertificates(t *testing.T) {
	f := newFediverse(t)
	a := f.start("a.example", append(f.certified("a.example"), "--set", "s2s.require=certificate",
		"--set", "limits.s2s_retry_least=100ms", "--set", "limits.s2s_retry_most=1s")...)
	alice := a.online("a.example")
	past := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		domain string
		cert   *tls.Certificate
		want   string
	}{
		{"expired.example", f.ca.Issue(t, testca.Leaf{DNS: []string{"expired.example"}, NotBefore: past.Add(-time.Hour), NotAfter: past}),
			"the certificate for expired.example expired on " + past.UTC().Format(time.DateOnly) + "; its operator must renew it"},
		{"self.example", testca.SelfSigned(t, testca.Leaf{DNS: []string{"self.example"}}), "the certificate for self.example is self-signed; its operator must get one from a public authority"},
		{"unknown.example", testca.New(t, "Another Authority").For(t, "unknown.example"), "the certificate for unknown.example is issued by \"Another Authority\", which is not trusted here"},
	} {
		t.Run(c.domain, func(t *testing.T) {
			cert, key := testca.Files(t, c.cert)
			f.start(c.domain, "--set", fmt.Sprintf("tls.certificate=[{domains = %q, cert = %q, key = %q}]", c.domain, cert, key))
			fmt.Fprintf(alice.conn, "<message to='alice@%s' type='chat' id='x'><body>lost</body></message>", c.domain)
			if got := html.UnescapeString(alice.until("</message>")); !strings.Contains(got, "<remote-server-timeout ") || !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if r := a.remote(c.domain); r.Policy != "certificate" || !strings.Contains(r.LastError, c.want) || r.Failures != 3 {
				t.Errorf("%+v", r)
			}
			if r := a.do("", "s2s", "check", c.domain); r.code != exitFailed || !strings.Contains(r.stderr, c.want) {
				t.Errorf("exit %d: %s", r.code, r.stderr)
			}
		})
	}
}

// Without a listener there is no federation, and who asks is told.
func TestNoFederation(t *testing.T) {
	s := startServer(t, t.TempDir(), "--s2s", "", "--s2s-tls", "")
	if s.ready["s2s"] != "" || s.ready["s2s-tls"] != "" {
		t.Errorf("ready line: %v", s.ready)
	}
	for _, args := range [][]string{{"s2s", "status"}, {"s2s", "check", "b.example"}} {
		s.do("", args...).want(t, exitFailed, "", "xylem: this server does not federate; set s2s.listen, and restart it\n")
	}
}

// What nothing is known of.
func TestS2SStatusOfNobody(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.do("", "s2s", "status", "b.example").want(t, exitOK, "nothing is known of b.example: nothing was sent there or came from there lately; try it: xylem s2s check b.example\n", "")
	s.do("", "s2s", "status").want(t, exitOK, "DOMAIN  STATE  IN  OUT  WAITING  LAST ERROR\n", "")
}

// A component's domain has a certificate of its own, and other servers reach it;
// a reload adds one more.
func TestFederationComponent(t *testing.T) {
	f := newFediverse(t)
	services := "components.listen = \"127.0.0.1:0\"\n[[components.service]]\ndomain = \"one.a.example\"\nsecret = \"x\"\n"
	path := writeConfig(t, services)
	a, b := f.start("a.example", "--config", path), f.start("b.example")
	alice := b.online("b.example")
	reaches := func(domain string) {
		t.Helper()
		f.publish(domain, a)
		c, got := a.component(domain, "x")
		if got != "<handshake/>" {
			t.Fatal(got)
		}
		fmt.Fprintf(alice.conn, "<message to='x@%s'><body>hello</body></message>", domain)
		c.until("<body>hello</body></message>")
		fmt.Fprintf(c.conn, "<message from='x@%s' to='alice@b.example'><body>from %s</body></message>", domain, domain)
		alice.until("<body>from " + domain + "</body></message>")
		if name := a.shown(domain).Subject.CommonName; name != domain {
			t.Errorf("the certificate of %s is for %s", domain, name)
		}
	}
	reaches("one.a.example")
	if err := os.WriteFile(path, []byte(services+strings.ReplaceAll(services[strings.Index(services, "[["):], "one.a", "two.a")), 0o600); err != nil {
		t.Fatal(err)
	}
	a.signals <- syscall.SIGHUP
	a.log.wait(t, "configuration reloaded", a.gone)
	reaches("two.a.example")
}
