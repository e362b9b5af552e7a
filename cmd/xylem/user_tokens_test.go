package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// tokenLogin logs in by SASL2 as client and asks for a token.
func (s *testServer) tokenLogin(user, password, client string) (c *client, success string) {
	s.t.Helper()
	c = s.openStream("localhost")
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
	success = c.send("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>"+plain+"</initial-response>"+
		"<user-agent id='"+client+"'><software>App</software><device>Her\x7f phone</device></user-agent><bind xmlns='urn:xmpp:bind:0'/>"+
		"<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/></authenticate>", "</stream:features>")
	if !strings.Contains(success, "<token xmlns='urn:xmpp:fast:0'") {
		s.t.Fatalf("got %s", success)
	}
	return c, success
}

// The operator sees what clients log in by tokens, and ends them, with a server and
// without one.
func TestTokens(t *testing.T) {
	const phone, tablet = "d4565fa7-4d72-4749-b3d3-740edbf87770", "d4565fa7-4d72-4749-b3d3-740edbf87771"
	data := t.TempDir()
	s := startServer(t, data)
	s.do("secret", "user", "add", "alice@localhost", "--password-stdin").want(t, exitOK, "added alice@localhost\n", "")
	s.do("", "user", "tokens", "alice@localhost").want(t, exitOK, "", "")
	s.do("", "user", "tokens", "bob@localhost").want(t, exitFailed, "", "xylem: there is no account bob@localhost; xylem user list shows those that there are\n")
	c, _ := s.tokenLogin("alice", "secret", phone)
	s.tokenLogin("alice", "secret", tablet)
	list := s.do("", "user", "tokens", "alice@localhost").stdout
	if !regexp.MustCompile(`(?s)^CLIENT +USED +EXPIRES +SOFTWARE +DEVICE\n` + phone + ` +\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +App +Her  phone\n` + tablet + ` .*\n$`).MatchString(list) {
		t.Errorf("got %q", list)
	}
	s.do("", "user", "revoke", "alice@localhost", phone).want(t, exitOK, "revoked the tokens of 1 clients of alice@localhost\n", "")
	if end := c.until("</stream:stream>"); !strings.Contains(end, "<reset ") {
		t.Errorf("after revoke: %s", end)
	}
	s.do("", "user", "revoke", "alice@localhost", phone).want(t, exitFailed, "",
		"xylem: client "+phone+" of alice@localhost has no token; xylem user tokens shows those that have one\n")
	if list := s.do("", "user", "tokens", "alice@localhost").stdout; strings.Contains(list, phone) || !strings.Contains(list, tablet) {
		t.Errorf("got %q", list)
	}
	if info, err := os.Stat(filepath.Join(data, "token.key")); err != nil || info.Mode().Perm() != 0o600 || info.Size() != tokenKeySize {
		t.Errorf("token.key: %v, %v", info, err)
	}
	s.stop(syscall.SIGTERM)
	if list := s.do("", "user", "tokens", "alice@localhost").stdout; !strings.Contains(list, tablet) {
		t.Errorf("without a server: %q", list)
	}
	s.do("", "user", "revoke", "alice@localhost").want(t, exitOK, "revoked the tokens of 1 clients of alice@localhost\n", "")
	s.do("", "user", "tokens", "alice@localhost").want(t, exitOK, "", "")
}

// A key that was cut short is told, and not used.
func TestBrokenTokenKey(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, "token.key")
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := xylem("", "serve", "--data", data, "--c2s", "127.0.0.1:0", "--c2s-tls", "127.0.0.1:0", "--http", "127.0.0.1:0")
	if want := "token key " + file + ": has 5 bytes, want 32; delete it to have a new one made"; r.code != exitFailed || !strings.Contains(r.stderr, want) {
		t.Errorf("got %+v, want %s", r, want)
	}
}

// Without tokens nothing is offered.
func TestNoTokens(t *testing.T) {
	s := startServer(t, t.TempDir(), "--set", "auth.token_lifetime=0s")
	c := s.openStream("localhost")
	if got := c.send("<authenticate xmlns='urn:xmpp:sasl:2' mechanism='HT-SHA-256-NONE'/>", "</failure>"); !strings.Contains(got, "<invalid-mechanism ") {
		t.Errorf("got %s", got)
	}
}
