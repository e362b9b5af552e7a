package resolve

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/xylem-im/xylem/s2s"
)

func pack(t testing.TB, records ...string) []byte {
	m := new(dns.Msg)
	m.SetQuestion("_xmpp-server._tcp.example.org.", dns.TypeSRV)
	m.Response, m.RecursionAvailable = true, true
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		if rr.Header().Rrtype == dns.TypeSOA {
			m.Ns = append(m.Ns, rr)
			continue
		}
		m.Answer = append(m.Answer, rr)
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// Whatever a name server answers: bounds hold, names are those of hosts, times
// are not negative, and what comes of it can be ordered and told.
func FuzzAnswer(f *testing.F) {
	f.Add(pack(f, "_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org."))
	f.Add(pack(f, "_xmpp-server._tcp.example.org. 300 IN CNAME a.example.org.", "a.example.org. 300 IN CNAME _xmpp-server._tcp.example.org."))
	f.Add(pack(f, "_xmpp-server._tcp.example.org. 300 IN SRV 0 0 0 .", `_xmpp-server._tcp.example.org. 4294967295 IN SRV 65535 65535 65535 a\000b.example.org.`))
	f.Add(pack(f, "example. 600 IN SOA ns.example. admin.example. 1 2 3 4 4294967295"))
	f.Add(pack(f, "_xmpp-server._tcp.example.org. 300 IN A 127.0.0.1", "_xmpp-server._tcp.example.org. 300 IN AAAA ::ffff:127.0.0.1"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil {
			return
		}
		name := "example.org"
		if len(m.Question) > 0 {
			name = strings.TrimSuffix(strings.ToLower(m.Question[0].Name), ".")
		}
		for _, kind := range []uint16{typeSRV, typeA, typeAAAA} {
			a, ask, err := interpret(question{name, kind}, m)
			if err != nil {
				continue
			}
			if n := len(a.srv) + len(a.addrs); n > mostRecords || (n > 0) != (a.kind == found) && ask == "" {
				t.Fatalf("%d records, kind %d", n, a.kind)
			}
			if a.ttl < 0 {
				t.Fatalf("TTL %s", a.ttl)
			}
			for _, n := range append([]string{ask, a.via}, hosts(a.srv)...) {
				if n != "" && !isHostName(n) {
					t.Fatalf("%q is no name of a host", n)
				}
			}
			for _, addr := range a.addrs {
				if !addr.IsValid() || addr.Is4In6() {
					t.Fatalf("address %s", addr)
				}
			}
			if len(order(a.srv, rand.IntN)) > len(a.srv) {
				t.Fatal("more than there was")
			}
			New(Config{}).describe(&result{a: a})
		}
	})
}

func hosts(records []record) (names []string) {
	for _, r := range records {
		names = append(names, r.host)
	}
	return names
}

// No domain is asked for that is no name in DNS, and none panics.
func FuzzDomain(f *testing.F) {
	for _, d := range []string{"example.org", "[::1]", "127.0.0.1", "bücher.example", "", ".", "a..b", "xn--", strings.Repeat("a.", 130), "a b", "*", "[", "::ffff:1.2.3.4"} {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, domain string) {
		name, err := queryName(domain)
		if err == nil && (!isHostName(name) || len(directService)+len(name) > 253) {
			t.Fatalf("%q would be asked as %q", domain, name)
		}
		if err != nil && !errors.Is(err, s2s.ErrNoService) {
			t.Fatal(err)
		}
		s := Sources{Hosts: map[string][]Host{"*.b": nil}}
		s.hostsOf(domain)
		if addr, ok := literal(domain); ok && !addr.IsValid() {
			t.Fatal("invalid address")
		}
		_, _ = ParseHost(domain)
	})
}
