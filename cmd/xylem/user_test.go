package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each act on accounts must do the same with a server and without one, so the
// same steps run both ways.
func TestUserCommands(t *testing.T) {
	t.Run("server stopped", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		userSteps(t, func(stdin string, args ...string) result { return xylem(stdin, append(args, "--data", data)...) })
	})
	t.Run("server running", func(t *testing.T) {
		s := startServer(t, t.TempDir(), "--domain", "localhost", "--domain", "a.org", "--domain", "xn--bcher-kva.example")
		userSteps(t, s.do)
	})
}

func userSteps(t *testing.T, do func(stdin string, args ...string) result) {
	do("secret\nrest\n", "user", "add", "alice@localhost", "--password-stdin").want(t, exitOK, "added alice@localhost\n", "")
	do("secret", "user", "add", "Alice@LOCALHOST", "--password-stdin").want(t, exitFailed, "",
		"xylem: alice@localhost exists already; xylem user passwd changes its password\n")
	do("", "user", "add", "bob@a.org", "--password", "x").want(t, exitOK, "added bob@a.org\n", "")
	do("", "user", "add", "jürgen@bücher.example", "--password", "ключ").want(t, exitOK, "added jürgen@bücher.example\n", "")
	do("", "user", "list").want(t, exitOK, "alice@localhost\nbob@a.org\njürgen@bücher.example\n", "")
	do("", "user", "list", "A.org").want(t, exitOK, "bob@a.org\n", "")
	do("", "user", "list", "none.org").want(t, exitOK, "", "")
	do("", "user", "passwd", "bob@a.org", "--password", "y").want(t, exitOK, "changed the password of bob@a.org\n", "")
	do("", "user", "passwd", "carol@a.org", "--password", "y").want(t, exitFailed, "",
		"xylem: there is no account carol@a.org; xylem user list shows those that there are\n")
	do("", "user", "add", "dave@a.org", "--password", "a\x00b").wantFailure(t, "password of dave@a.org")
	do("", "user", "del", "bob@a.org").want(t, exitOK, "deleted bob@a.org\n", "")
	do("", "user", "del", "bob@a.org").want(t, exitFailed, "",
		"xylem: there is no account bob@a.org; xylem user list shows those that there are\n")

	csv := "\ufeffjid,password\n# friends\nalice@localhost,other\n\"erin@a.org\",\"comma, \"\"quote\"\"\"\n frank@a.org ,f\n"
	do(csv, "user", "import", "-").want(t, exitOK, "added 2, existed already 1, failed 0\n",
		"xylem: -:3: alice@localhost exists already and was left as it is\n")
	do("", "user", "list", "a.org").want(t, exitOK, "erin@a.org\nfrank@a.org\n", "")
}

// wantFailure is for messages whose end another package words.
func (r result) wantFailure(t *testing.T, part string) {
	t.Helper()
	if r.code != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, part) {
		t.Errorf("got %+v, want exit %d and %q", r, exitFailed, part)
	}
}

func TestBadImport(t *testing.T) {
	for _, c := range []struct{ name, csv, want string }{
		{"no password", "alice@localhost\n", "FILE:1: 1 fields, want 2: JID,password (a password with a comma goes in double quotes)"},
		{"three fields", "a@b,c,d\n", "FILE:1: 3 fields, want 2: JID,password (a password with a comma goes in double quotes)"},
		{"empty password", "a@b.org,x\na@c.org,\n", "FILE:2: the password is empty"},
		{"long password", "a@b.org," + strings.Repeat("x", 1025) + "\n", "FILE:1: the password has 1025 bytes; at most 1024 are allowed"},
		{"bad address", "# c\n\nb.org,x\n", `FILE:3: "b.org" is not an account's address (want NAME@DOMAIN): no part before the @`},
		{"twice", "a@b.org,x\nA@b.org,y\n", "FILE:2: a@b.org is also in line 1"},
		{"quote", "a@b.org,x\"y\n", "FILE:1:10: bare \" in non-quoted-field; a quote inside a quoted password is written twice"},
		{"open quote", "a@b.org,x\nb@b.org,\"y\n", "FILE:2:12: extraneous or missing \" in quoted-field; a quote inside a quoted password is written twice"},
		{"all faults", "x,\na@b.org,x\ny\n", "FILE:1: \"x\" is not an account's address (want NAME@DOMAIN): no part before the @\n" +
			"xylem: FILE:3: 1 fields, want 2: JID,password (a password with a comma goes in double quotes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			file, data := filepath.Join(folder, "in.csv"), filepath.Join(folder, "data")
			if err := os.WriteFile(file, []byte(c.csv), 0o600); err != nil {
				t.Fatal(err)
			}
			want := "xylem: " + strings.ReplaceAll(c.want, "FILE", file) + "\nxylem: " + file + ": nothing was imported\n"
			xylem("", "user", "import", file, "--data", data).want(t, exitFailed, "", want)
			if _, err := os.Stat(data); !os.IsNotExist(err) {
				t.Errorf("a store was made: %v", err)
			}
		})
	}
}

func TestImportMany(t *testing.T) {
	var csv, want strings.Builder
	for i := range 40 {
		fmt.Fprintf(&csv, "user%03d@localhost,password%d\n", i, i)
		fmt.Fprintf(&want, "user%03d@localhost\n", i)
	}
	s := startServer(t, t.TempDir())
	s.do(csv.String(), "user", "import", "-").want(t, exitOK, "added 40, existed already 0, failed 0\n", "")
	s.do("", "user", "list").want(t, exitOK, want.String(), "")
	s.login("user039", "localhost", "password39", "success")
}

func TestUnservedDomainIsWarnedOf(t *testing.T) {
	const warning = "xylem: warning: b.org is not served (served: a.org); the account works once it is, see xylem domain add and server.domains\n"
	s := startServer(t, t.TempDir(), "--domain", "a.org")
	s.do("", "user", "add", "x@b.org", "--password", "p").want(t, exitOK, "added x@b.org\n", warning)
	s.do("y@b.org,p\nz@b.org,p\n", "user", "import", "-").want(t, exitOK, "added 2, existed already 0, failed 0\n", warning)

	// Without a server only a configuration tells what will be served.
	data := t.TempDir()
	conf := writeConfig(t, "server.domains = \"a.org\"\n")
	xylem("", "user", "add", "x@b.org", "--password", "p", "--data", data, "--config", conf).want(t, exitOK, "added x@b.org\n", warning)
	xylem("", "user", "add", "y@b.org", "--password", "p", "--data", data).want(t, exitOK, "added y@b.org\n", "")
}

// What is set on the command line is what logs in; a change ends the sessions
// that the old password opened, RFC 6120 §4.9.3.16 and XEP-0077 §3.2.
func TestChangesReachSessions(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.do("old", "user", "add", "alice@localhost", "--password-stdin").want(t, exitOK, "added alice@localhost\n", "")
	s.login("alice", "localhost", "wrong", "failure")
	first := s.login("alice", "localhost", "old", "success")

	s.do("new", "user", "passwd", "alice@localhost", "--password-stdin").want(t, exitOK, "changed the password of alice@localhost\n", "")
	if end := first.until("</stream:stream>"); !strings.Contains(end, "<reset ") || !strings.Contains(end, "the password was changed") {
		t.Errorf("after passwd: %s", end)
	}
	s.login("alice", "localhost", "old", "failure")
	second := s.login("alice", "localhost", "new", "success")

	s.do("", "user", "del", "alice@localhost").want(t, exitOK, "deleted alice@localhost\n", "")
	if end := second.until("</stream:stream>"); !strings.Contains(end, "<not-authorized ") || !strings.Contains(end, "the account was deleted") {
		t.Errorf("after del: %s", end)
	}
	s.login("alice", "localhost", "new", "failure")
}

// What was added while the server was stopped is there when it runs, and the
// other way round.
func TestAccountsOutliveTheServer(t *testing.T) {
	data := t.TempDir()
	xylem("", "user", "add", "before@localhost", "--password", "p", "--data", data).want(t, exitOK, "added before@localhost\n", "")
	s := startServer(t, data)
	_ = s.login("before", "localhost", "p", "success").conn.Close()
	s.do("", "user", "add", "while@localhost", "--password", "p").want(t, exitOK, "added while@localhost\n", "")
	s.stop(os.Interrupt)
	xylem("", "user", "list", "--data", data).want(t, exitOK, "before@localhost\nwhile@localhost\n", "")
}

// A server that died leaves its socket; the next one and the commands do not mind.
func TestStaleSocket(t *testing.T) {
	data := t.TempDir()
	l, err := listenAdmin(data)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, socketName)); err != nil {
		t.Fatal(err)
	}
	xylem("", "user", "add", "a@localhost", "--password", "p", "--data", data).want(t, exitOK, "added a@localhost\n", "")
	startServer(t, data).do("", "user", "list").want(t, exitOK, "a@localhost\n", "")
}

// A data folder whose path is too long for a socket has it elsewhere.
func TestLongDataFolder(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	s := startServer(t, data)
	path := socketPath(data)
	if len(path) > socketPathMax || filepath.Dir(path) == filepath.Clean(data) {
		t.Fatalf("socket at %s", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v, %v", info.Mode(), err)
	}
	s.do("", "user", "add", "a@localhost", "--password", "p").want(t, exitOK, "added a@localhost\n", "")
	s.stop(os.Interrupt)
	for _, left := range []string{filepath.Dir(path), filepath.Join(data, socketPathName)} {
		if _, err := os.Stat(left); !os.IsNotExist(err) {
			t.Errorf("%s is left behind: %v", left, err)
		}
	}
	s.do("", "user", "list").want(t, exitOK, "a@localhost\n", "")
}
