package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait of these tests; none of them waits that long
// unless something is broken.
const patience = 60 * time.Second

// watched is an io.Writer whose lines can be waited for. Safe for concurrent use.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed at the next write
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(p)
}

func (w *watched) state() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String(), w.changed
}

// wait returns the first whole line that contains part. ok is false when
// gone was closed before there was one.
func (w *watched) wait(t *testing.T, part string, gone <-chan struct{}) (line string, ok bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := w.state()
		for l := range strings.Lines(text) {
			if strings.Contains(l, part) && strings.HasSuffix(l, "\n") {
				return strings.TrimSuffix(l, "\n"), true
			}
		}
		select {
		case <-changed:
		case <-gone:
			return "", false
		case <-deadline:
			t.Fatalf("no line with %q in:\n%s", part, text)
		}
	}
}

// testServer is `xylem serve` in this process.
type testServer struct {
	t        *testing.T
	data     string
	out, log *watched
	signals  chan os.Signal
	gone     chan struct{} // closed when serve has ended
	code     int           // valid after gone
	ready    map[string]string
}

// startServer runs serve on free ports until the test ends.
func startServer(t *testing.T, data string, args ...string) *testServer {
	t.Helper()
	s := launch(t, data, args...)
	line, ok := s.out.wait(t, "ready ", s.gone)
	if !ok {
		log, _ := s.log.state()
		t.Fatalf("serve ended with %d:\n%s", s.code, log)
	}
	s.ready = make(map[string]string)
	for _, field := range strings.Fields(line)[1:] {
		name, value, _ := strings.Cut(field, "=")
		s.ready[name] = value
	}
	t.Cleanup(func() { s.stop(syscall.SIGTERM) })
	return s
}

// launch runs serve and does not wait for it.
func launch(t *testing.T, data string, args ...string) *testServer {
	s := &testServer{t: t, data: data, out: newWatched(), log: newWatched(), signals: make(chan os.Signal, 4), gone: make(chan struct{})}
	p := &program{stdin: strings.NewReader(""), stdout: s.out, stderr: s.log, signals: s.signals, env: func(string) string { return "" }}
	args = append([]string{"serve", "--data", data, "--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0", "--s2s", "127.0.0.1:0", "--s2s-tls", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)
	go func() {
		defer close(s.gone)
		s.code = p.run(args)
	}()
	return s
}

// stop sends a signal and returns the exit code.
func (s *testServer) stop(sig os.Signal) int {
	select {
	case s.signals <- sig:
	case <-s.gone:
	}
	select {
	case <-s.gone:
	case <-time.After(patience):
		log, _ := s.log.state()
		s.t.Fatalf("serve does not end:\n%s", log)
	}
	return s.code
}

// do runs a command on the server's data folder.
func (s *testServer) do(stdin string, args ...string) result {
	return xylem(stdin, append(args, "--data", s.data)...)
}

func (s *testServer) get(path string) (code int, body string) {
	s.t.Helper()
	resp, err := http.Get("http://" + s.ready["http"] + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// dialTLS connects to the port for direct TLS.
func (s *testServer) dialTLS(name string) *tls.Conn {
	s.t.Helper()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"xmpp-client"}}}
	conn, err := dialer.Dial("tcp", s.ready["c2s-tls"])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn.(*tls.Conn)
}

// shown is the certificate that direct TLS shows for a name.
func (s *testServer) shown(name string) *x509.Certificate {
	s.t.Helper()
	conn := s.dialTLS(name)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// client is a bare XMPP client.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// send writes and reads until part has come; it returns what was read.
func (c *client) send(text, part string) string {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
	return c.until(part)
}

func (c *client) until(part string) string {
	c.t.Helper()
	var got strings.Builder
	for !strings.Contains(got.String(), part) {
		b, err := c.in.ReadByte()
		if err != nil {
			c.t.Fatalf("waiting for %q: %v after %q", part, err, got.String())
		}
		got.WriteByte(b)
	}
	return got.String()
}

// login opens a stream and authenticates by PLAIN; want is the element that
// must answer: "success" or "failure".
func (s *testServer) login(user, domain, password, want string) *client {
	s.t.Helper()
	c := s.openStream(domain)
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+plain+"</auth>", "<"+want)
	if want == "success" {
		c.until(">")
		c.send(streamHeader(domain), "</stream:features>")
		c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>")
	}
	return c
}

func streamHeader(domain string) string {
	return fmt.Sprintf("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>", domain)
}

// openStream connects by direct TLS and takes the features.
func (s *testServer) openStream(domain string) *client {
	s.t.Helper()
	conn := s.dialTLS(domain)
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c := &client{s.t, conn, bufio.NewReader(conn)}
	c.send(streamHeader(domain), "</stream:features>")
	return c
}

// With nothing but free ports, serve makes what it needs, works, and drains.
func TestServeFromNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data)
	for _, name := range []string{"c2s", "c2s-tls", "s2s", "s2s-tls", "http"} {
		if _, port, err := net.SplitHostPort(s.ready[name]); err != nil || port == "0" {
			t.Errorf("%s=%s is no real address", name, s.ready[name])
		}
	}
	if s.ready["domains"] != "localhost" || s.ready["pid"] != fmt.Sprint(os.Getpid()) {
		t.Errorf("ready line: %v", s.ready)
	}
	out, _ := s.out.state()
	if last := out[strings.LastIndex(strings.TrimSuffix(out, "\n"), "\n")+1:]; !strings.HasPrefix(last, "ready ") {
		t.Errorf("last line is %q", last)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "admin.sock": 0o600, "tls/localhost.key": 0o600, "tls/localhost.crt": 0o600} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q: mode %v, %v; want %v", name, info.Mode(), err, mode)
		}
	}
	if err := s.shown("localhost").VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
	if code := s.stop(syscall.SIGTERM); code != exitOK {
		log, _ := s.log.state()
		t.Errorf("exit %d:\n%s", code, log)
	}
	if _, err := os.Stat(filepath.Join(data, "admin.sock")); !os.IsNotExist(err) {
		t.Errorf("admin.sock is left behind: %v", err)
	}
}

// The certificate outlives a restart, so that clients can pin it.
func TestSelfSignedIsKept(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	before := s.shown("localhost")
	s.stop(os.Interrupt)
	if after := startServer(t, data).shown("localhost"); !after.Equal(before) {
		t.Error("another certificate after a restart")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	s := startServer(t, t.TempDir(), "--domain", "a.org", "--domain", "b.org")
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if code, body := s.get(path); code != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	code, body := s.get("/metrics")
	for _, want := range []string{
		"xylem_domains 2\n", "xylem_connections 0\n", `xylem_build_info{version="` + version + `"} 1` + "\n",
		`xylem_certificate_days_left{domain="a.org"} 109`, "# TYPE xylem_auth_failure_total counter\n", "go_goroutines ", "process_open_fds ",
	} {
		if code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("/metrics (%d) lacks %q", code, want)
		}
	}
	for _, path := range []string{"/v1/users", "/v1/status", "/"} {
		if code, _ := s.get(path); code != http.StatusNotFound {
			t.Errorf("%s over TCP: %d", path, code)
		}
	}
}

func TestStatus(t *testing.T) {
	s := startServer(t, t.TempDir(), "--domain", "a.org", "--domain", "b.org")
	table := s.do("", "status")
	for _, want := range []string{"serving, version " + version, "c2s " + s.ready["c2s"], "c2s-tls " + s.ready["c2s-tls"], "s2s " + s.ready["s2s"], "s2s-tls " + s.ready["s2s-tls"], "http " + s.ready["http"], "a.org, b.org", "self-signed"} {
		if table.code != exitOK || !strings.Contains(table.stdout, want) {
			t.Errorf("status (%d) lacks %q:\n%s%s", table.code, want, table.stdout, table.stderr)
		}
	}
	var report statusReport
	if err := json.Unmarshal([]byte(s.do("", "status", "--json").stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.PID != os.Getpid() || !report.Ready || len(report.Addresses) != 5 || report.Figures["domains"] != 2 || len(report.Certificates) != 2 {
		t.Errorf("got %+v", report)
	}
}

func TestSecondServerOnOneFolder(t *testing.T) {
	s := startServer(t, t.TempDir())
	second := launch(t, s.data)
	<-second.gone
	log, _ := second.log.state()
	if second.code != exitFailed || !strings.Contains(log, "another xylem uses the data folder") || !strings.Contains(log, "choose another folder with --data") {
		t.Errorf("exit %d:\n%s", second.code, log)
	}
	if r := s.do("", "domain", "list"); r.stdout != "localhost\n" {
		t.Errorf("the first server suffered: %+v", r)
	}
}

func TestPortInUse(t *testing.T) {
	s := startServer(t, t.TempDir())
	for _, c := range []struct{ flag, address string }{{"--c2s", s.ready["c2s"]}, {"--c2s-tls", s.ready["c2s"]}, {"--http", s.ready["http"]}} {
		second := launch(t, t.TempDir(), c.flag, c.address)
		<-second.gone
		log, _ := second.log.state()
		want := "xylem: cannot listen tcp " + c.address + ": bind: address already in use: another program has this address, perhaps another xylem; stop it, or choose another port (port 0 takes a free one)\n"
		if second.code != exitFailed || !strings.HasSuffix(log, want) {
			t.Errorf("%s: exit %d:\n%swant %s", c.flag, second.code, log, want)
		}
		if out, _ := second.out.state(); strings.Contains(out, "ready ") {
			t.Errorf("%s: said ready:\n%s", c.flag, out)
		}
	}
}

func TestListenersOff(t *testing.T) {
	s := startServer(t, t.TempDir(), "--c2s-tls=", "--http=")
	if s.ready["c2s-tls"] != "" || s.ready["http"] != "" || s.ready["c2s"] == "" {
		t.Errorf("ready: %v", s.ready)
	}
}

func TestSeveralAddresses(t *testing.T) {
	s := startServer(t, t.TempDir(), "--set", `c2s.listen=["127.0.0.1:0", "127.0.0.1:0"]`)
	if both := strings.Split(s.ready["c2s"], ","); len(both) != 2 || both[0] == both[1] {
		t.Errorf("ready: %v", s.ready)
	}
}

func TestReload(t *testing.T) {
	path := writeConfig(t, "[server]\ndomains = [\"a.org\", \"b.org\"]\n[log]\nlevel = \"info\"\n")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t, t.TempDir(), "--config", path)
	domains := func() string { return strings.Join(strings.Fields(s.do("", "domain", "list").stdout), " ") }

	write("[server]\ndomains = [\"a.org\", \"c.org\"]\nbad = 1\n")
	s.signals <- syscall.SIGHUP
	line, _ := s.log.wait(t, "reload failed", s.gone)
	if !strings.Contains(line, path+":3:1: server.bad: is no key") {
		t.Errorf("log: %s", line)
	}
	if got := domains(); got != "a.org b.org" {
		t.Errorf("a bad file changed the domains: %s", got)
	}

	s.do("", "domain", "add", "run.time").want(t, exitOK, "added run.time; write it into server.domains to keep it after a restart\n", "")
	write("[server]\ndomains = [\"a.org\", \"c.org\"]\nloops = 3\n[log]\nlevel = \"warn\"\n")
	s.signals <- syscall.SIGHUP
	line, _ = s.log.wait(t, "needs a restart", s.gone)
	if !strings.Contains(line, "key=server.loops") || !strings.Contains(line, path+":3:1") {
		t.Errorf("log: %s", line)
	}
	// The admin socket answers after the reload: both hold the same lock.
	s.do("", "domain", "add", "after.org").want(t, exitOK, "added after.org; write it into server.domains to keep it after a restart\n", "")
	if got := domains(); got != "a.org after.org c.org run.time" {
		t.Errorf("domains: %s", got)
	}
	if log, _ := s.log.state(); strings.Contains(log, "domain=after.org") {
		t.Error("log level did not change: there is an info record")
	}
	if name := s.shown("c.org").Subject.CommonName; name != "c.org" {
		t.Errorf("certificate of a new domain is for %s", name)
	}
}

func TestReloadCertificates(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "c.pem"), filepath.Join(folder, "k.pem")
	place := func(domain string) {
		t.Helper()
		c, k, err := makeSelfSigned(domain, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, cert, c)
		writePEM(t, key, k)
	}
	place("a.org")
	path := writeConfig(t, fmt.Sprintf("server.domains = \"a.org\"\n[[tls.certificate]]\ncert = %q\nkey = %q\n", cert, key))
	s := startServer(t, t.TempDir(), "--config", path)
	first := s.shown("a.org")

	place("a.org")
	s.signals <- syscall.SIGHUP
	s.log.wait(t, "configuration reloaded", s.gone)
	second := s.shown("a.org")
	if second.Equal(first) {
		t.Error("the new certificate is not shown")
	}

	writePEM(t, cert, []byte("rubbish"))
	s.signals <- syscall.SIGHUP
	line, _ := s.log.wait(t, "reload failed", s.gone)
	if !strings.Contains(line, path+":2:7: tls.certificate.cert") {
		t.Errorf("log: %s", line)
	}
	if !s.shown("a.org").Equal(second) {
		t.Error("a bad file changed the certificate")
	}
}

func writePEM(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDomainsAtRunTime(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.do("", "domain", "add", "Bücher.Example").want(t, exitOK, "added bücher.example; write it into server.domains to keep it after a restart\n", "")
	if got := s.shown("xn--bcher-kva.example").Subject.CommonName; got != "xn--bcher-kva.example" {
		t.Errorf("certificate of %s", got)
	}
	s.do("", "domain", "add", "a b").want(t, exitUsage, "", "xylem: \"a b\" is not a domain: jid: invalid domain name (domainpart)\n")
	s.do("", "domain", "del", "bücher.example").want(t, exitOK, "removed bücher.example; remove it from server.domains to keep it away after a restart\n", "")
	s.do("", "domain", "del", "bücher.example").want(t, exitFailed, "", "xylem: the domain is not served: bücher.example\n")
	s.do("", "domain", "list").want(t, exitOK, "localhost\n", "")
}

func TestDrainTellsClients(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.do("pw", "user", "add", "alice@localhost", "--password-stdin").want(t, exitOK, "added alice@localhost\n", "")
	alice := s.login("alice", "localhost", "pw", "success")
	s.signals <- syscall.SIGTERM
	if end := alice.until("</stream:stream>"); !strings.Contains(end, "<system-shutdown ") {
		t.Errorf("got %s", end)
	}
	_ = alice.conn.Close()                              // else the server waits for the end of our side
	if code := s.stop(syscall.SIGHUP); code != exitOK { // SIGHUP does not disturb the drain
		t.Errorf("exit %d", code)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := startServer(t, t.TempDir(), "--set", "stream_management.journal_bytes=0") // or it would stay, for the next start
	s.do("pw", "user", "add", "alice@localhost", "--password-stdin").want(t, exitOK, "added alice@localhost\n", "")
	s.login("alice", "localhost", "pw", "success") // and does not close: the drain waits for her
	s.signals <- syscall.SIGTERM
	s.signals <- syscall.SIGTERM
	<-s.gone
	if log, _ := s.log.state(); s.code != exitFailed || !strings.Contains(log, "xylem: terminated while draining: stopped at once") {
		t.Errorf("exit %d:\n%s", s.code, log)
	}
}

// The service manager hears when the server is ready and when it stops.
func TestNotifySystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := &program{env: func(name string) string { return map[string]string{"NOTIFY_SOCKET": path}[name] }}
	if err := p.notifySystemd("READY=1"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	if n, err := socket.Read(b); err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("got %q, %v", b[:n], err)
	}
}
