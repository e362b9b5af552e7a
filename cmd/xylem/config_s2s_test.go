package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/resolve"
)

func TestGoodFederationConfig(t *testing.T) {
	path := writeConfig(t, `
[s2s]
listen = "[::]:5269"
listen_tls = ""
require = "certificate"
allow = ["Example.ORG", "*.Example.net"]
deny = "bad.example"
deny_addresses = ["10.0.0.0/8", "::1"]
[[s2s.domain]]
name = "bücher.example"
require = "dialback"
[[s2s.domain]]
name = ["a.org", "*.a.org"]
require = "certificate"
[s2s.static_hosts]
"Example.org" = "XMPP.example.org"
b.example = ["tls://127.0.0.1:5270", "[::1]:5269"]
"*.lan" = "10.0.0.1"
[dns]
server = ["127.0.0.53", "::1", "127.0.0.1:5353"]
[tls]
ca_file = ["ca.pem", "/etc/ca.pem"]
system_roots = false
[limits]
s2s_queue_time = "5s"
`)
	l, err := loadConfig(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name string, port uint16, direct bool) resolve.Host {
		return resolve.Host{Name: name, Port: port, Direct: direct}
	}
	want := s2sConfig{
		Listen: []string{"[::]:5269"}, ListenTLS: []string{}, Require: s2s.Certificate,
		Allow: []string{"example.org", "*.example.net"}, Deny: []string{"bad.example"}, Addresses: []string{"10.0.0.0/8", "::1/128"},
		Domains: []s2sDomain{{[]string{"bücher.example"}, s2s.Dialback}, {[]string{"a.org", "*.a.org"}, s2s.Certificate}},
		StaticHosts: map[string][]resolve.Host{
			"example.org": {host("xmpp.example.org", 5269, false)},
			"b.example":   {host("127.0.0.1", 5270, true), host("::1", 5269, false)},
			"*.lan":       {host("10.0.0.1", 5269, false)},
		},
	}
	if !reflect.DeepEqual(l.S2S, want) {
		t.Errorf("got  %+v\nwant %+v", l.S2S, want)
	}
	if got, want := l.DNS.Server, []string{"127.0.0.53:53", "[::1]:53", "127.0.0.1:5353"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := l.TLS.CAFile, []string{filepath.Join(filepath.Dir(path), "ca.pem"), "/etc/ca.pem"}; !slices.Equal(got, want) || l.TLS.SystemRoots {
		t.Errorf("got %v, %v; want %v", got, l.TLS.SystemRoots, want)
	}
}

// Hosts can be given one by one on the command line, over those of the file.
func TestStaticHostsByArgument(t *testing.T) {
	path := writeConfig(t, "[s2s.static_hosts]\n\"a.example\" = \"127.0.0.1:1\"\n")
	l, err := loadConfig(path, []argument{
		{flag: "--set s2s.static_hosts.b.example", key: "s2s.static_hosts.b.example", text: "127.0.0.1:2"},
		{flag: "--set s2s.static_hosts.a.example", key: "s2s.static_hosts.a.example", text: `["127.0.0.1:3", "127.0.0.1:4"]`},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(l.S2S.StaticHosts), "map[a.example:[127.0.0.1:3 127.0.0.1:4] b.example:[127.0.0.1:2]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	l, err = loadConfig("", []argument{{flag: "--set s2s.static_hosts", key: "s2s.static_hosts", text: `{"c.example" = "127.0.0.1:5"}`}})
	if err != nil || !slices.Equal(slices.Collect(maps.Keys(l.S2S.StaticHosts)), []string{"c.example"}) {
		t.Errorf("%v, %v", l.S2S.StaticHosts, err)
	}
}

func TestBadFederationConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"requirement", "[s2s]\nrequire = \"tls\"\n", `x.toml:2:1: s2s.require = "tls": is not a requirement; accepted: "dialback" or "certificate"`},
		{"star inside", "[s2s]\ndeny = [\"a.*.org\"]\n", `x.toml:2:1: s2s.deny = ["a.*.org"]: "a.*.org" is not a domain: jid: invalid domain name (domainpart); accepted: ` + acceptsPatterns},
		{"address for a domain", "[s2s]\nallow = \"a@b.org\"\n", `x.toml:2:1: s2s.allow = "a@b.org": "a@b.org" is an address, not a domain; accepted: ` + acceptsPatterns},
		{"in both lists", "[s2s]\nallow = [\"a.org\", \"b.org\"]\ndeny = [\"b.org\"]\n", `x.toml:3:1: s2s.deny = "b.org": is in s2s.allow too; remove it from one of them`},
		{"table for a domain", "[s2s.domain]\nname = \"a.org\"\n", "x.toml:1:6: s2s.domain = {…}: is a table, not an array of tables; write a line [[s2s.domain]] with double brackets, and below it name and require"},
		{"domain without requirement", "[[s2s.domain]]\nname = \"a.org\"\n", `x.toml:1:7: s2s.domain.require: is missing; accepted: "dialback" or "certificate"`},
		{"domain without name", "[[s2s.domain]]\nrequire = \"dialback\"\n", `x.toml:1:7: s2s.domain.name: is missing; accepted: ` + acceptsPatterns},
		{"unknown key of a domain", "[[s2s.domain]]\nname = \"a.org\"\nrequire = \"dialback\"\nport = 5269\n", `x.toml:4:1: s2s.domain.port: is no key; a domain has name and require`},
		{"domain twice", "[[s2s.domain]]\nname = [\"a.org\", \"A.org\"]\nrequire = \"dialback\"\n", `x.toml:1:7: s2s.domain.name = "a.org": is named twice; name each domain once`},
		{"host with a bad port", "[s2s.static_hosts]\n\"a.org\" = \"b.org:xmpp\"\n", `x.toml:2:1: s2s.static_hosts.a.org = "b.org:xmpp": "b.org:xmpp": the port is not a number from 1 to 65535; accepted: ` + acceptsHosts},
		{"host of no domain", "[s2s.static_hosts]\n\"a b\" = \"b.org\"\n", `x.toml:2:1: s2s.static_hosts.a b = "b.org": "a b" is not a domain: jid: invalid domain name (domainpart); accepted: ` + acceptsPatterns},
		{"no host", "[s2s.static_hosts]\n\"a.org\" = []\n", `x.toml:2:1: s2s.static_hosts.a.org = []: names no host; accepted: ` + acceptsHosts},
		{"hosts that are no table", "[s2s]\nstatic_hosts = [\"a.org\"]\n", `x.toml:2:1: s2s.static_hosts = ["a.org"]: is a list, not a table; write a line [s2s.static_hosts] and below it "example.org" = "HOST:PORT"`},
		{"name of a name server", "[dns]\nserver = \"ns.example.org:53\"\n", `x.toml:2:1: dns.server = "ns.example.org:53": "ns.example.org:53" is no IP address with a port; accepted: an IP address with or without a port, such as "127.0.0.1:53", or a list of them`},
		{"no network", "[s2s]\ndeny_addresses = [\"10.0.0\"]\n", `x.toml:2:1: s2s.deny_addresses = ["10.0.0"]: "10.0.0" is no address and no network; accepted: an IP address or network such as "10.0.0.0/8", or a list of them`},
		{"bits beyond the network", "[s2s]\ndeny_addresses = \"10.1.0.0/8\"\n", `x.toml:2:1: s2s.deny_addresses = "10.1.0.0/8": "10.1.0.0/8" has bits beyond its length; the network is 10.0.0.0/8; accepted: an IP address or network such as "10.0.0.0/8", or a list of them`},
		{"nobody to trust", "[tls]\nsystem_roots = false\n", `x.toml:2:1: tls.system_roots = false: leaves nobody to trust; name authorities in tls.ca_file`},
		{"one address twice", "[s2s]\nlisten = \"127.0.0.1:5222\"\n", `x.toml:2:1: s2s.listen = "127.0.0.1:5222": is already the address of c2s.listen; choose another port`},
		{"retries", "[limits]\ns2s_retry_least = \"5m\"\n", `x.toml:2:1: limits.s2s_retry_least = 5m: is more than limits.s2s_retry_most (2m); lower it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantFaults(t, c.text, c.want)
		})
	}
}

func TestPolicies(t *testing.T) {
	dialback, certificate, denied := s2s.Policy{}, s2s.Policy{Require: s2s.Certificate}, s2s.Policy{Denied: true}
	for _, c := range []struct {
		name string
		conf s2sConfig
		want map[string]s2s.Policy
	}{
		{"nothing said", s2sConfig{}, map[string]s2s.Policy{"a.org": dialback}},
		{"for all", s2sConfig{Require: s2s.Certificate}, map[string]s2s.Policy{"a.org": certificate, "localhost": certificate}},
		{"denied", s2sConfig{Deny: []string{"a.org", "*.b.org"}}, map[string]s2s.Policy{
			"a.org": denied, "x.a.org": dialback, "b.org": dialback, "x.b.org": denied, "y.x.b.org": denied, "ab.org": dialback}},
		{"allowed", s2sConfig{Allow: []string{"a.org", "*.b.org"}, Deny: []string{"evil.b.org"}}, map[string]s2s.Policy{
			"a.org": dialback, "c.org": denied, "x.b.org": dialback, "b.org": denied, "evil.b.org": denied, "org": denied}},
		{"the nearest counts", s2sConfig{Domains: []s2sDomain{
			{[]string{"*.org"}, s2s.Certificate}, {[]string{"*.b.org", "c.org"}, s2s.Dialback}, {[]string{"x.b.org"}, s2s.Certificate},
		}}, map[string]s2s.Policy{"a.org": certificate, "b.org": certificate, "y.b.org": dialback, "x.b.org": certificate, "z.x.b.org": dialback, "c.org": dialback, "net": dialback}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPolicies(&c.conf)
			for domain, want := range c.want {
				if got := p.of(domain); got != want {
					t.Errorf("%s: %+v, want %+v", domain, got, want)
				}
			}
			if n := testing.AllocsPerRun(10, func() { p.of("some.other.domain.b.org") }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
