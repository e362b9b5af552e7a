package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// component connects as one and comes back with what answers its handshake.
func (s *testServer) component(domain, secret string) (*client, string) {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", s.ready["components"], patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c := &client{s.t, conn, bufio.NewReader(conn)}
	header := c.send("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='"+domain+"'>", "component:accept")
	header += c.until(">")
	id := ""
	if m := regexp.MustCompile(` id='(\w+)'`).FindStringSubmatch(header); m != nil {
		id = m[1]
	}
	sum := sha1.Sum([]byte(id + secret))
	return c, c.send("<handshake>"+hex.EncodeToString(sum[:])+"</handshake>", ">")
}

// TestComponents: they are configured, shown, counted, and change at SIGHUP.
func TestComponents(t *testing.T) {
	const service = "[[components.service]]\ndomain = \"%\"\nsecret = \"secret of %\"\n"
	conf := func(domains ...string) string {
		text := "[server]\ndomains = [\"a.org\"]\n[components]\nlisten = \"127.0.0.1:0\"\n"
		for _, d := range domains {
			text += strings.ReplaceAll(service, "%", d)
		}
		return text
	}
	path := writeConfig(t, conf("one.a.org", "two.a.org"))
	s := startServer(t, t.TempDir(), "--config", path)
	if _, got := s.component("one.a.org", "wrong"); !strings.Contains(got, "<stream:error>") {
		t.Errorf("a wrong secret is answered with %s", got)
	}
	one, got := s.component("one.a.org", "secret of one.a.org")
	if got != "<handshake/>" {
		t.Fatalf("got %s", got)
	}
	for _, want := range []string{
		"(?m)^component +one.a.org from 127.0.0.1:\\d+, up \\d+s, 0 stanzas in, 0 out; last error \\d+s ago: connection from 127.0.0.1:\\d+ refused: stream error not-authorized: the handshake does not fit the secret$",
		"(?m)^component +two.a.org has not connected yet$", "(?m)^components +1$",
	} {
		if out := s.do("", "status").stdout; !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("status does not have %s:\n%s", want, out)
		}
	}
	if _, body := s.get("/metrics"); !strings.Contains(body, "xylem_component_connected{domain=\"one.a.org\"} 1\n") ||
		!strings.Contains(body, "xylem_component_connected{domain=\"two.a.org\"} 0\n") || !strings.Contains(body, "xylem_components 1\n") {
		t.Errorf("metrics:\n%s", body)
	}
	s.do("", "domain", "add", "two.a.org").want(t, exitFailed, "", "xylem: engine: the domain is served already: two.a.org\n")

	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(conf("one.a.org", "a.org"))
	s.signals <- syscall.SIGHUP
	if line, _ := s.log.wait(t, "reload failed", s.gone); !strings.Contains(line, path+":8:14") || strings.Contains(line, "secret of") {
		t.Errorf("log: %s", line)
	}
	write(strings.Replace(conf("one.a.org", "three.a.org"), "secret of one", "another of one", 1))
	s.signals <- syscall.SIGHUP
	if line, _ := s.log.wait(t, "configuration reloaded", s.gone); !strings.Contains(line, `components="-two.a.org +three.a.org ~one.a.org"`) {
		t.Errorf("log: %s", line)
	}
	one.until("<reset ")
	for domain, secret := range map[string]string{"one.a.org": "another of one.a.org", "three.a.org": "secret of three.a.org"} {
		if _, got := s.component(domain, secret); got != "<handshake/>" {
			t.Errorf("%s: %s", domain, got)
		}
	}
	if _, got := s.component("two.a.org", "secret of two.a.org"); strings.Contains(got, "handshake") {
		t.Errorf("a component that was removed is let in: %s", got)
	}
	if log, _ := s.log.state(); strings.Contains(log, "ecret of") {
		t.Error("the log has a secret")
	}
}

// TestComponentSecretFile: a secret may stand in a file of its own, which is read
// again at SIGHUP.
func TestComponentSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bridge.secret")
	write := func(secret string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("the first")
	path := writeConfig(t, fmt.Sprintf("[components]\nlisten = \"127.0.0.1:0\"\n[[components.service]]\ndomain = \"bridge.a.org\"\nsecret_file = %q\n", file))
	s := startServer(t, t.TempDir(), "--config", path)
	c, got := s.component("bridge.a.org", "the first")
	if got != "<handshake/>" {
		t.Fatalf("got %s", got)
	}
	write("the second")
	s.signals <- syscall.SIGHUP
	s.log.wait(t, "configuration reloaded", s.gone)
	c.until("<reset ")
	if _, got := s.component("bridge.a.org", "the first"); !strings.Contains(got, "<stream:error>") {
		t.Errorf("the old secret is answered with %s", got)
	}
	if _, got := s.component("bridge.a.org", "the second"); got != "<handshake/>" {
		t.Errorf("got %s", got)
	}
}

// TestComponentsInTheOpen: who lets other machines connect in the clear is warned.
func TestComponentsInTheOpen(t *testing.T) {
	l, err := loadConfig(writeConfig(t, "components.listen = [\"127.0.0.1:1\", \":5347\"]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if w := l.warnings(); len(w) != 1 || !strings.Contains(w[0], "components.listen with :5347") {
		t.Errorf("warnings %q", w)
	}
}

// The example's table of a component is right once the comment signs are gone.
func TestExampleComponent(t *testing.T) {
	_, table, ok := strings.Cut(readDoc(t, "xylem.example.toml"), "# [[components.service]]\n")
	if !ok {
		t.Fatal("the example has no [[components.service]]")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	stripped := regexp.MustCompile(`(?m)^# |[ \t]+# .*$`).ReplaceAllString(table, "")
	l, err := loadConfig(writeConfig(t, "components.listen = \":5347\"\n[[components.service]]\n"+stripped+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := l.Components.Services; len(c) != 1 || c[0].Domain != "bridge.example.org" || c[0].Secret == "" {
		t.Errorf("got %+v", c)
	}
}
