package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// writeConfig writes a file into a folder of its own and returns its path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	wantAddresses = `HOST:PORT such as "127.0.0.1:5222", "[::]:5222" for all interfaces, port 0 for a free one, "" for none, or a list of them`
	wantAddress   = `HOST:PORT such as "127.0.0.1:5222", "[::]:5222" for all interfaces, port 0 for a free one, "" for none`
	wantDomains   = `a domain or a list of them, such as ["example.org"]`
)

func TestBadConfig(t *testing.T) {
	pair := func(domain string) string {
		return "[[tls.certificate]]\ndomains = \"" + domain + "\"\ncert = \"c\"\nkey = \"k\"\n"
	}
	for _, c := range []struct{ name, text, want string }{
		{"syntax", "[server\n", `x.toml:1:8: expected ']' to close table name; mend the TOML syntax (toml.io)`},
		{"no value", "[server]\nloops =\n", `x.toml:2:8: unexpected character U+000A at start of value; put text in double quotes: "…"`},
		{"unquoted value", "[server]\ndata = /var/lib\n", `x.toml:2:8: unexpected character U+002F '/' at start of value; put text in double quotes: "…"`},
		{"key twice", "[server]\nloops = 1\nloops = 2\n", "x.toml:3:1: key loops is already defined; mend the TOML syntax (toml.io)"},
		{"unknown key", "[server]\n  dta = 1\n", "x.toml:2:3: server.dta: is no key; did you mean server.data?"},
		{"unknown key, right in another table", "[server]\nmax_stanza_bytes = 1\n", "x.toml:2:1: server.max_stanza_bytes: is no key; did you mean c2s.max_stanza_bytes?"},
		{"unknown key, nothing near", "[server]\nzzzzzzzzz = 1\n", "x.toml:2:1: server.zzzzzzzzz: is no key; docs/operator.md lists the keys"},
		{"unknown table", "[sever]\ndata = \"x\"\n", "x.toml:1:2: sever: is no key; did you mean server?"},
		{"unknown table far off", "[modules]\na = 1\n", "x.toml:1:2: modules: is no key; docs/operator.md lists the keys"},
		{"unknown top-level key", "listen = 1\n", "x.toml:1:1: listen: is no key; did you mean c2s.listen?"},
		{"stanza_bytes lives elsewhere", "[limits]\nstanza_bytes = 1\n", "x.toml:2:1: limits.stanza_bytes: is no key; this limit is c2s.max_stanza_bytes"},
		{"quoted dotted key", "\"c2s.listen\" = \":1\"\n", `x.toml:1:1: "c2s.listen": is no key; write it without quotes`},
		{"value for a table", "c2s = 5\n", "x.toml:1:1: c2s = 5: is a whole number, not a table; write a line [c2s] and the keys below it"},
		{"table for a value", "[c2s.listen]\nport = 1\n", `x.toml:1:6: c2s.listen = {…}: is a table, not a string or a list of strings; accepted: ` + wantAddresses},
		{"component without a secret", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\n", `x.toml:2:14: components.service.secret: is missing; add secret = "…", or secret_file = "…" to keep it out of this file`},
		{"component without a domain", "components.listen = \":1\"\n[[components.service]]\nsecret = \"x\"\n", `x.toml:2:14: components.service.domain: is missing; add domain = "…"`},
		{"component with two secrets", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret = \"x\"\nsecret_file = \"/dev/null\"\n", `x.toml:2:14: components.service.secret_file: is given beside secret; remove one of them
x.toml:5:1: components.service.secret_file = "/dev/null": is empty: anybody could be the component; accepted: a file that holds the secret and nothing else, such as /etc/xylem/bridge.secret`},
		{"component with no secret file", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret_file = \"/nowhere/secret\"\n", `x.toml:4:1: components.service.secret_file = "/nowhere/secret": cannot be read: open /nowhere/secret: no such file or directory; accepted: a file that holds the secret and nothing else, such as /etc/xylem/bridge.secret`},
		{"component with a long secret file", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret_file = \"/dev/zero\"\n", `x.toml:4:1: components.service.secret_file = "/dev/zero": holds more than 4096 bytes: is it the right file?; accepted: a file that holds the secret and nothing else, such as /etc/xylem/bridge.secret`},
		{"component with an empty secret", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret = \"\"\n", `x.toml:4:1: components.service.secret: is empty: anybody could be the component; accepted: a string that the component has, too`},
		{"component with a number for a secret", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret = 4711\n", `x.toml:4:1: components.service.secret: is a whole number, not a string; accepted: a string that the component has, too`},
		{"component with an address", "components.listen = \":1\"\n[[components.service]]\ndomain = \"a@b\"\nsecret = \"x\"\n", `x.toml:3:1: components.service.domain = "a@b": "a@b" is an address, not a domain; accepted: a domain, such as "bridge.example.org"`},
		{"component with a strange key", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret = \"x\"\nport = 1\n", `x.toml:5:1: components.service.port: is no key; a component has domain, and secret or secret_file`},
		{"component with the users' domain", "components.listen = \":1\"\n[[components.service]]\ndomain = \"LOCALHOST\"\nsecret = \"x\"\n", `x.toml:2:14: components.service.domain = "localhost": is in server.domains (default), whose accounts would be out of reach; give the component a domain of its own, such as bridge.localhost`},
		{"two components of one domain", "components.listen = \":1\"\n[[components.service]]\ndomain = \"x\"\nsecret = \"x\"\n[[components.service]]\ndomain = \"x\"\nsecret = \"y\"\n", `x.toml:5:14: components.service.domain = "x": is the domain of another component (x.toml:2:14); give the component a domain of its own, such as bridge.x`},
		{"components without a listener", "[[components.service]]\ndomain = \"x\"\nsecret = \"x\"\n", `x.toml:1:14: components.service: is of no use, as nothing listens for components; add components.listen = "127.0.0.1:5347"`},
		{"components in no table", "components.service = \"x\"\n", `x.toml:1:12: components.service: is a string, not an array of tables; write a line [[components.service]] with double brackets, and below it domain, and secret or secret_file`},
		{"components in a list of strings", "components.service = [\"secret\"]\n", `x.toml:1:12: components.service: item 1 is a string, not a table; accepted: {domain = "bridge.example.org", secret = "…"}`},
		{"components where clients connect", "components.listen = \"127.0.0.1:5222\"\n", `x.toml:1:12: components.listen = "127.0.0.1:5222": is already the address of c2s.listen; choose another port`},
		{"no registrations", "[registration]\nper_address = 0\n", "x.toml:2:1: registration.per_address = 0: is too small; accepted: 1 to 1048576 attempts an hour"},
		{"string for a number", "[c2s]\nmax_stanza_bytes = \"many\"\n", `x.toml:2:1: c2s.max_stanza_bytes = "many": is a string, not a whole number; accepted: 10000 to 16777216 bytes`},
		{"fraction for a number", "[server]\nloops = 1.5\n", "x.toml:2:1: server.loops = 1.5: is a fraction, not a whole number; accepted: 0 to 1024 event loops; 0: one per usable core"},
		{"number too small", "[c2s]\nmax_stanza_bytes = 9999\n", "x.toml:2:1: c2s.max_stanza_bytes = 9999: is too small; accepted: 10000 to 16777216 bytes"},
		{"number too large", "[auth]\nscram_iterations = 20_000_000\n", "x.toml:2:1: auth.scram_iterations = 20000000: is too large; accepted: 10000 to 10000000 rounds"},
		{"number for a string", "[log]\nformat = 1\n", `x.toml:2:1: log.format = 1: is a whole number, not a string; accepted: "text" or "json"`},
		{"unknown format", "[log]\nformat = \"xml\"\n", `x.toml:2:1: log.format = "xml": is not a format; accepted: "text" or "json"`},
		{"unknown level", "[log]\nlevel = \"loud\"\n", `x.toml:2:1: log.level = "loud": is not a level; accepted: "debug", "info", "warn" or "error"`},
		{"string for a boolean", "[c2s]\nallow_plaintext = \"yes\"\n", `x.toml:2:1: c2s.allow_plaintext = "yes": is a string, not true or false; accepted: true or false`},
		{"time without unit", "[limits]\nidle_time = \"60\"\n", `x.toml:2:1: limits.idle_time = "60": is not a time with a unit (ms, s, m, h); accepted: "10s" to "24h"`},
		{"address that is no URI", "[contact]\nabuse = [\"abuse@example.org\"]\n", `x.toml:2:1: contact.abuse = ["abuse@example.org"]: "abuse@example.org" is no URI; accepted: a URI such as "mailto:abuse@example.org" or a list of them`},
		{"time too short, or none", "[limits]\nping_time = \"500ms\"\n", `x.toml:2:1: limits.ping_time = "500ms": is too short; accepted: "1s" to "1h", or "0s" for none`},
		{"vCards too large", "[limits]\nvcard_bytes = 524_001\n", `x.toml:2:1: limits.vcard_bytes = 524001: is too large; accepted: 1024 to 524000 bytes`},
		{"number for a time", "[limits]\nidle_time = 60\n", `x.toml:2:1: limits.idle_time = 60: is a whole number, not a string with a unit; accepted: "10s" to "24h"`},
		{"time too short", "[limits]\npre_auth_time = \"1ms\"\n", `x.toml:2:1: limits.pre_auth_time = "1ms": is too short; accepted: "1s" to "1h"`},
		{"time too long", "[limits]\ndrain_time = \"2h\"\n", `x.toml:2:1: limits.drain_time = "2h": is too long; accepted: "100ms" to "1h"`},
		{"no port", "[c2s]\nlisten = \"127.0.0.1\"\n", `x.toml:2:1: c2s.listen = "127.0.0.1": "127.0.0.1": missing port in address; accepted: ` + wantAddresses},
		{"bad port in a list", "[c2s]\nlisten_tls = [\":1\", \":xmpps\"]\n", `x.toml:2:1: c2s.listen_tls = [":1", ":xmpps"]: ":xmpps": the port is not a number from 0 to 65535; accepted: ` + wantAddresses},
		{"port beyond 65535", "[http]\nlisten = \":70000\"\n", `x.toml:2:1: http.listen = ":70000": ":70000": the port is not a number from 0 to 65535; accepted: ` + wantAddress},
		{"bare IPv6", "[http]\nlisten = \"::1:5280\"\n", `x.toml:2:1: http.listen = "::1:5280": "::1:5280": too many colons in address; accepted: ` + wantAddress},
		{"number in a list of strings", "[c2s]\nlisten = [5222]\n", `x.toml:2:1: c2s.listen = [5222]: item 1 is a whole number, not a string; accepted: ` + wantAddresses},
		{"one address twice", "[c2s]\nlisten = \":5222\"\nlisten_tls = \":5222\"\n", `x.toml:3:1: c2s.listen_tls = ":5222": is already the address of c2s.listen; choose another port`},
		{"address for a domain", "[server]\ndomains = [\"a@b\"]\n", `x.toml:2:1: server.domains = ["a@b"]: "a@b" is an address, not a domain; accepted: ` + wantDomains},
		{"no domain", "[server]\ndomains = []\n", `x.toml:2:1: server.domains = []: names no domain; accepted: ` + wantDomains},
		{"one domain twice", "[server]\ndomains = [\"b.org\", \"B.org\"]\n", `x.toml:2:1: server.domains = ["b.org", "B.org"]: names b.org twice; accepted: ` + wantDomains},
		{"no data folder", "[server]\ndata = \"\"\n", `x.toml:2:1: server.data = "": is empty; accepted: a folder, such as "/var/lib/xylem"`},
		{"inbound below the engine's least", "[limits]\ninbound_bytes = 1000\n", "x.toml:2:1: limits.inbound_bytes = 1000: is too small; accepted: 131072 to 1073741824 bytes; 0: c2s.max_stanza_bytes + 65536, at least 131072"},
		{"inbound below a stanza", "[limits]\ninbound_bytes = 200000\n", "x.toml:2:1: limits.inbound_bytes = 200000: is less than c2s.max_stanza_bytes (262144), so a large stanza could never be read; raise it, or set it to 0"},
		{"outbound below two stanzas", "[limits]\noutbound_bytes = 500_000\n", "x.toml:2:1: limits.outbound_bytes = 500000: is less than twice c2s.max_stanza_bytes (262144), so one large stanza could close a connection; raise it, or set it to 0"},
		{"single brackets", "[tls.certificate]\ncert = \"c\"\n", "x.toml:1:6: tls.certificate = {…}: is a table, not an array of tables; write a line [[tls.certificate]] with double brackets, and below it cert and key"},
		{"certificate without key", "[[tls.certificate]]\ncert = \"c\"\n", `x.toml:1:7: tls.certificate.key: is missing; accepted: the PEM file with its private key; add key = "FILE"`},
		{"certificate with an empty name", "[[tls.certificate]]\nkey = \"k\"\ncert = \"\"\n", `x.toml:1:7: tls.certificate.cert: is missing; accepted: the PEM file with the certificate; add cert = "FILE"`},
		{"unknown key of a certificate", pair("a.org") + "chain = \"x\"\n", "x.toml:5:1: tls.certificate.chain: is no key; a certificate has domains, cert and key"},
		{"fault in the second certificate", pair("a.org") + pair("b c"), `x.toml:6:1: tls.certificate.domains = "b c": "b c" is not a domain: jid: invalid domain name (domainpart); accepted: domains such as ["example.org", "*.example.org"]`},
		{"inline certificates", "tls.certificate = [{domains = [\"a.org\"], cert = \"c\", key = 7}]\n", `x.toml:1:54: tls.certificate.key = 7: is a whole number, not a string; accepted: the PEM file with its private key`},
		{"list of no tables", "tls.certificate = [\"a\"]\n", `x.toml:1:5: tls.certificate = ["a"]: item 1 is a string, not a table; accepted: {domains = ["example.org"], cert = "FILE", key = "FILE"}`},
		{"two certificates for one domain", pair("a.org") + pair("a.org"), `x.toml:5:7: tls.certificate.domains = "a.org": already has the certificate of x.toml:1:7; name each domain once`},
		{"all faults at once, in order", "[log]\nlevel = 1\n[server]\nloops = -1\n[c2s]\nlissten = 1\n",
			"x.toml:2:1: log.level = 1: is not a level; accepted: \"debug\", \"info\", \"warn\" or \"error\"\n" +
				"x.toml:4:1: server.loops = -1: is too small; accepted: 0 to 1024 event loops; 0: one per usable core\n" +
				"x.toml:6:1: c2s.lissten: is no key; did you mean c2s.listen?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFaults(t, c.text, c.want)
		})
	}
}

// wantFaults wants what loadConfig says of a file, which has the name x.toml there.
func wantFaults(t *testing.T, text, want string) {
	t.Helper()
	path := writeConfig(t, text)
	_, err := loadConfig(path, nil)
	if err == nil {
		t.Fatal("accepted")
	}
	if got := strings.ReplaceAll(err.Error(), path, "x.toml"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestConfigFileMissing(t *testing.T) {
	_, err := loadConfig(filepath.Join("no", "such.toml"), nil)
	want := filepath.Join("no", "such.toml") + ": cannot be read: no such file or directory; give the right file with --config"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGoodConfig(t *testing.T) {
	path := writeConfig(t, `
[server]
domains = ["Example.ORG", "bücher.example"]
data = "data"
loops = 3
huge_pages = false
[c2s]
listen = ["[::1]:0", "127.0.0.1:0"]
listen_tls = ""
allow_plaintext = true
max_stanza_bytes = 20_000
[[tls.certificate]]
domains = "*.Example.org"
cert = "tls/c.pem"
key = "/abs/k.pem"
[registration]
enabled = true
[limits]
idle_time = "1m30s"
ping_time = "0s"
[contact]
admin = "mailto:admin@example.org"
[log]
level = "debug"
`)
	l, err := loadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	want := defaultConfig()
	want.Server = serverConfig{Domains: []string{"example.org", "bücher.example"}, Data: filepath.Join(folder, "data"), Loops: 3}
	want.C2S = c2sConfig{Listen: []string{"[::1]:0", "127.0.0.1:0"}, ListenTLS: []string{}, Proxies: []string{}, AllowPlaintext: true}
	want.TLS.Certificates = []certificateConfig{{Domains: []string{"*.example.org"}, Cert: filepath.Join(folder, "tls/c.pem"), Key: "/abs/k.pem",
		at: origin{source: path, line: 12, column: 7}}}
	want.Registration.Enabled = true
	want.Limits.StanzaBytes = 20_000
	want.Limits.IdleTime, want.Limits.PingTime = 90*time.Second, 0
	want.Extensions.Contacts.Admin = []string{"mailto:admin@example.org"}
	want.Log.Level = -4
	if !reflect.DeepEqual(l.config, want) {
		t.Errorf("got  %+v\nwant %+v", l.config, want)
	}
}

// One row a way to say a value; all of them beat the file.
func TestArgumentsBeatFile(t *testing.T) {
	path := writeConfig(t, "[server]\ndomains = [\"file.org\"]\ndata = \"file\"\n[c2s]\nlisten = \":1\"\n")
	set := func(key, text string) argument { return argument{flag: "--set " + key, key: key, text: text} }
	domain := func(text string) argument {
		return argument{flag: "--domain", key: "server.domains", text: text, adds: true}
	}
	for _, c := range []struct {
		name string
		args []argument
		got  func(*config) any
		want any
	}{
		{"nothing", nil, func(c *config) any { return c.Server.Domains }, []string{"file.org"}},
		{"domains add up", []argument{domain("a.org"), domain("b.org")}, func(c *config) any { return c.Server.Domains }, []string{"a.org", "b.org"}},
		{"a set replaces domains", []argument{domain("a.org"), set("server.domains", `["b.org","c.org"]`)}, func(c *config) any { return c.Server.Domains }, []string{"b.org", "c.org"}},
		{"a domain replaces a set", []argument{set("server.domains", "b.org"), domain("a.org")}, func(c *config) any { return c.Server.Domains }, []string{"a.org"}},
		{"the last wins", []argument{set("server.loops", "1"), set("server.loops", "2")}, func(c *config) any { return c.Server.Loops }, 2},
		{"bare address", []argument{set("c2s.listen", "127.0.0.1:0")}, func(c *config) any { return c.C2S.Listen }, []string{"127.0.0.1:0"}},
		{"bare IPv6 address", []argument{set("c2s.listen", "[::1]:0")}, func(c *config) any { return c.C2S.Listen }, []string{"[::1]:0"}},
		{"quoted", []argument{set("c2s.listen", `"127.0.0.1:0"`)}, func(c *config) any { return c.C2S.Listen }, []string{"127.0.0.1:0"}},
		{"empty switches off", []argument{set("c2s.listen", "")}, func(c *config) any { return c.C2S.Listen }, []string{}},
		{"digits for a folder", []argument{set("server.data", "2026")}, func(c *config) any { return c.Server.Data }, "2026"},
		{"a path starts here", []argument{set("server.data", "here")}, func(c *config) any { return c.Server.Data }, "here"},
		{"underscores", []argument{set("c2s.max_stanza_bytes", "30_000")}, func(c *config) any { return c.Limits.StanzaBytes }, 30_000},
		{"boolean", []argument{set("c2s.allow_plaintext", "true")}, func(c *config) any { return c.C2S.AllowPlaintext }, true},
		{"time", []argument{set("limits.drain_time", "250ms")}, func(c *config) any { return c.Limits.DrainTime }, 250 * time.Millisecond},
		{"certificate", []argument{set("tls.certificate", `[{cert="c",key="k"}]`)}, func(c *config) any { return c.TLS.Certificates[0].Cert }, "c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := loadConfig(path, c.args)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.got(&l.config); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct {
		arg  argument
		want string
	}{
		{argument{flag: "--c2s", key: "c2s.listen", text: "5222"}, `--c2s: c2s.listen = "5222": "5222": missing port in address; accepted: ` + wantAddresses},
		{argument{flag: "--loops", key: "server.loops", text: "many"}, `--loops: server.loops = "many": is a string, not a whole number; accepted: 0 to 1024 event loops; 0: one per usable core`},
		{argument{flag: "--set c2s.lisen", key: "c2s.lisen", text: "1"}, `--set c2s.lisen: is no key; did you mean c2s.listen?`},
		{argument{flag: "--set s2s.require", key: "s2s.require", text: "tls"}, `--set s2s.require = "tls": is not a requirement; accepted: "dialback" or "certificate"`},
	} {
		_, err := loadConfig("", []argument{c.arg})
		if err == nil || err.Error() != c.want {
			t.Errorf("got:\n%v\nwant:\n%s", err, c.want)
		}
	}
}

// What is left to the program follows the largest stanza.
func TestAutomaticLimits(t *testing.T) {
	for _, c := range []struct{ stanza, inbound, outbound int }{
		{10_000, 131_072, 1_048_576},
		{262_144, 327_680, 1_048_576},
		{1 << 20, 1<<20 + 65_536, 4 << 20},
	} {
		conf := defaultConfig()
		conf.Limits.StanzaBytes = c.stanza
		if l := conf.engineLimits(); l.InboundBytes != c.inbound || l.OutboundBytes != c.outbound {
			t.Errorf("stanza %d: inbound %d, outbound %d; want %d, %d", c.stanza, l.InboundBytes, l.OutboundBytes, c.inbound, c.outbound)
		}
	}
	conf := defaultConfig()
	conf.Limits.InboundBytes, conf.Limits.OutboundBytes = 400_000, 600_000
	if l := conf.engineLimits(); l.InboundBytes != 400_000 || l.OutboundBytes != 600_000 {
		t.Errorf("what was said is not kept: %+v", l)
	}
}
