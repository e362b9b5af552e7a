package layers

import (
	"strings"
	"testing"
)

// TestCheckFinds shows that the rules bite: each file breaks or keeps one.
func TestCheckFinds(t *testing.T) {
	imp := func(pkg string, paths ...string) string {
		return "package " + pkg + "\nimport (\n\"" + strings.Join(paths, "\"\n\"") + "\"\n)\n"
	}
	own := module + "/"
	for _, tc := range []struct{ name, path, text, want string }{
		{"standard library", "parser/a.go", imp("parser", "bytes", "unicode/utf8"), ""},
		{"row allows", "routing/a.go", imp("routing", own+"jid", own+"stanza"), ""},
		{"row does not", "parser/a.go", imp("parser", own+"jid"), "parser may not import " + own + "jid"},
		{"upwards", "routing/a.go", imp("routing", own+"engine"), "routing may not import"},
		{"invariants everywhere", "routing/a.go", imp("routing", own+"internal/invariants"), ""},
		{"module allowed", "jid/a.go", imp("jid", "golang.org/x/text/secure/precis"), ""},
		{"module not allowed", "jid/a.go", imp("jid", "golang.org/x/net/html"), "does not list the module"},
		{"module with a longer name", "jid/a.go", imp("jid", "golang.org/x/textual"), "does not list the module"},
		{"xep imports xep", "xep/carbons/a.go", imp("carbons", own+"xep"), ""},
		{"xep imports another", "xep/carbons/a.go", imp("carbons", own+"xep/archive"), "may not import"},
		{"xep imports routing", "xep/carbons/a.go", imp("carbons", own+"routing"), "may not import"},
		{"standard imports xeps", "xep/standard/a.go", imp("standard", own+"xep/carbons"), ""},
		{"engine imports drivers", "engine/a.go", imp("engine", own+"storage/badger"), "may not import"},
		{"engine imports the pump", "engine/conn/a.go", imp("conn", own+"storage/async", own+"engine/tls"), ""},
		{"engine imports the list", "engine/a.go", imp("engine", own+"xep/standard"), "may not import"},
		{"harness imports the engine", "bench/a.go", imp("bench", own+"engine"), "may not import"},
		{"harness inside the process", "bench/inproc/a.go", imp("inproc", own+"engine"), ""},
		{"command", "cmd/xylem/a.go", imp("main", own+"engine", own+"xep/standard", "github.com/spf13/pflag", "os"), ""},

		{"badger elsewhere", "storage/memory/a.go", imp("memory", "github.com/dgraph-io/badger/v4"), "only storage/badger"},
		{"badger in a test elsewhere", "engine/a_test.go", imp("engine_test", "github.com/dgraph-io/badger/v4/y"), "only storage/badger"},
		{"badger at home", "storage/badger/a.go", imp("badger", "github.com/dgraph-io/badger/v4/options"), ""},
		{"gnet in the command", "cmd/xylem/a.go", imp("main", "github.com/panjf2000/gnet/v2"), "only bench/relay"},

		{"sockets", "session/a.go", imp("session", "net"), "protocol logic"},
		{"http", "s2s/a.go", imp("s2s", "net/http"), "protocol logic"},
		{"addresses only", "jid/a.go", imp("jid", "net/netip"), ""},
		{"files", "xep/archive/a.go", imp("archive", "os"), "protocol logic"},
		{"tls", "session/sasl/a.go", imp("sasl", "crypto/tls"), "protocol logic"},
		{"logger", "routing/a.go", imp("routing", "log/slog"), "protocol logic"},
		{"logger where allowed", "engine/a.go", imp("engine", "log/slog"), ""},
		{"files in a test", "parser/a_test.go", imp("parser_test", "os"), ""},

		{"clock", "session/a.go", "package session\nimport \"time\"\nvar t = time.Now()\n", "may not use time.Now"},
		{"clock renamed", "session/a.go", "package session\nimport x \"time\"\nvar t = x.AfterFunc\n", "may not use time.AfterFunc"},
		{"clock by dot", "session/a.go", "package session\nimport . \"time\"\nvar t = Now()\n", "dot import"},
		{"not a clock", "session/a.go", "package session\nimport \"time\"\nvar t = 3 * time.Second\n", ""},
		{"another Now", "session/a.go", "package session\nvar t = clock.Now()\n", ""},
		{"clock where allowed", "engine/a.go", "package engine\nimport \"time\"\nvar t = time.Now()\n", ""},

		{"test of the package", "parser/a_test.go", imp("parser", own+"engine"), "may not import"},
		{"test of the package with test tools", "parser/a_test.go", imp("parser", own+"internal/script"), ""},
		{"test from outside", "parser/a_test.go", imp("parser_test", own+"stanza"), ""},

		{"build constraint does not hide", "parser/a_windows.go", "//go:build windows\n\n" + imp("parser", "net"), "protocol logic"},
		{"package without a row", "storage/postgres/a.go", imp("postgres", "fmt"), "has no row"},
		{"folder without a row", "cluster/a.go", imp("cluster", "fmt"), "has no row"},
		{"package at the root", "a.go", imp("xylem", "fmt"), "has no row"},
		{"no Go", "parser/a.go", "package", "expected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(check(source{tc.path, []byte(tc.text)}), "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTopFolderNeedsARow(t *testing.T) {
	for name, want := range map[string]bool{
		"jid": true, "storage": true, "internal": true, "docs": true, ".ci": true, "xylem-data": true,
		"util": false, "common": false, "pkg": false,
	} {
		if knownFolder(name) != want {
			t.Errorf("folder %s: known is not %v", name, want)
		}
	}
}
