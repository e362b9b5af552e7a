package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// result is what one command did.
type result struct {
	code           int
	stdout, stderr string
}

// xylem runs one command with a given standard input.
func xylem(stdin string, args ...string) result {
	var out, errs bytes.Buffer
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, env: func(string) string { return "" }}
	code := p.run(args)
	return result{code, out.String(), errs.String()}
}

// want compares with what a command should have done.
func (r result) want(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || r.stdout != stdout || r.stderr != stderr {
		t.Errorf("got  %d\nout: %serr: %s\nwant %d\nout: %serr: %s", r.code, r.stdout, r.stderr, code, stdout, stderr)
	}
}

// Wrong command lines do nothing, exit with 2 and say on stderr what is wrong.
func TestWrongUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		name string
		args string
		want string
	}{
		{"unknown command", "serv", `unknown command "serv"; did you mean "serve"?`},
		{"unknown command far off", "frobnicate", `unknown command "frobnicate"; see xylem help`},
		{"half a command", "user", `unknown command "user"; see xylem help`},
		{"unknown second word", "user lst", `unknown command "user lst"; did you mean "user list"?`},
		{"unknown flag", "serve --frob", "unknown flag: --frob; see xylem serve --help"},
		{"flag without value", "serve --c2s", "flag needs an argument: --c2s; see xylem serve --help"},
		{"argument too many", "serve now", `xylem serve: unexpected argument "now"; see xylem serve --help`},
		{"argument missing", "user del", "xylem user del: an argument is missing; see xylem user del --help"},
		{"set without value", "serve --set c2s.listen", `invalid argument "c2s.listen" for "--set" flag: want KEY=VALUE, such as c2s.max_stanza_bytes=262144; see xylem serve --help`},
		{"set of no key", "serve --set a.b=1", "--set a.b: is no key; docs/operator.md lists the keys"},
		{"bad flag value", "serve --loops few", `--loops: server.loops = "few": is a string, not a whole number; accepted: 0 to 1024 event loops; 0: one per usable core`},
		{"bad boolean", "serve --allow-plaintext=perhaps", `--allow-plaintext: c2s.allow_plaintext = "perhaps": is a string, not true or false; accepted: true or false`},
		{"no config file", "serve --config none.toml", "none.toml: cannot be read: no such file or directory; give the right file with --config"},
		{"check of no file", "check-config none.toml", "none.toml: cannot be read: no such file or directory; give the right file with --config"},
		{"no localpart", "user add localhost --password x", `"localhost" is not an account's address (want NAME@DOMAIN): no part before the @`},
		{"a resource", "user del alice@localhost/phone", `"alice@localhost/phone" is not an account's address (want NAME@DOMAIN): a resource (/phone) is no part of an account`},
		{"no password", "user add alice@localhost", "no password given; use --password-stdin (for scripts), or run this at a terminal to be asked"},
		{"empty password", "user add alice@localhost --password=", "the password is empty"},
		{"empty password on stdin", "user passwd alice@localhost --password-stdin", "the password is empty"},
		{"two passwords", "user add alice@localhost --password x --password-stdin", "give --password or --password-stdin, not both"},
		{"endless password", "user add alice@localhost --password " + strings.Repeat("x", 1025), "the password has 1025 bytes; at most 1024 are allowed"},
		{"list of no domain", "user list a@b", `"a@b" is an address, not a domain`},
	} {
		t.Run(c.name, func(t *testing.T) {
			xylem("", strings.Fields(c.args)...).want(t, exitUsage, "", "xylem: "+c.want+"\n")
		})
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("wrong usage left %v behind (%v)", left, err)
	}
}

// Commands that need what is not there fail with 1.
func TestNothingThere(t *testing.T) {
	t.Chdir(t.TempDir())
	notRunning := "no server runs on this data folder (./xylem-data); start it with xylem serve, or name its folder with --data or --config"
	noStore := "data folder ./xylem-data: there are no accounts yet; name the right folder with --data or --config"
	for _, c := range []struct{ args, want string }{
		{"status", notRunning},
		{"domain list", notRunning},
		{"s2s status", notRunning},
		{"s2s check example.org", notRunning},
		{"domain add example.org", notRunning},
		{"user list", noStore},
		{"user del alice@localhost", noStore},
		{"user passwd alice@localhost --password x", noStore},
		{"user import none.csv", "none.csv: cannot be read: no such file or directory"},
	} {
		t.Run(c.args, func(t *testing.T) {
			xylem("", strings.Fields(c.args)...).want(t, exitFailed, "", "xylem: "+c.want+"\n")
		})
	}
}

func TestHelp(t *testing.T) {
	r := xylem("", "--help")
	for _, c := range commands() {
		if !strings.Contains(r.stdout, "  "+c.name) || r.code != exitOK {
			t.Errorf("help (%d) does not tell of %s", r.code, c.name)
		}
		h := xylem("", append(strings.Fields(c.name), "--help")...)
		if h.code != exitOK || !strings.HasPrefix(h.stdout, "Usage: xylem "+c.name) || h.stderr != "" {
			t.Errorf("%s --help: %+v", c.name, h)
		}
	}
	if r := xylem(""); r.code != exitUsage || !strings.Contains(r.stderr, "no command given") || r.stdout != "" {
		t.Errorf("without a command: %+v", r)
	}
}

func TestVersion(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		r := xylem("", arg)
		if r.code != exitOK || !strings.HasPrefix(r.stdout, "xylem "+version+" (go") || strings.Count(r.stdout, "\n") != 1 {
			t.Errorf("%s: %+v", arg, r)
		}
	}
}

func TestCheckConfig(t *testing.T) {
	good := writeConfig(t, "[server]\ndomains = \"a.org\"\ndata = \"/d\"\n")
	xylem("", "check-config", good).want(t, exitOK,
		good+": good; domains a.org, data folder /d\na.org: no certificate is configured; serve makes a self-signed one\n", "")

	plain := writeConfig(t, "[c2s]\nlisten = \":5222\"\nallow_plaintext = true\n")
	if r := xylem("", "check-config", plain); r.code != exitOK || !strings.Contains(r.stderr, "xylem: warning: c2s.allow_plaintext with :5222: passwords") {
		t.Errorf("plaintext for all: %+v", r)
	}

	absent := writeConfig(t, "[[tls.certificate]]\ncert = \"/no/c.pem\"\nkey = \"/no/k.pem\"\n")
	xylem("", "check-config", absent).want(t, exitUsage, "",
		"xylem: "+absent+`:1:7: tls.certificate.cert = "/no/c.pem": cannot be read: no such file or directory; correct the path`+"\n")
}
