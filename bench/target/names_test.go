package target

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

func TestNames(t *testing.T) {
	n, err := serveNames(map[string]int{"one.bench": 1234})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.stop() })
	for _, test := range []struct {
		name, want string
		kind       uint16
	}{
		{"_xmpp-server._tcp.one.bench.", "NOERROR _xmpp-server._tcp.one.bench.\t3600\tIN\tSRV\t0 0 1234 localhost.", dns.TypeSRV},
		{"_XMPP-server._tcp.ONE.bench.", "NOERROR _XMPP-server._tcp.ONE.bench.\t3600\tIN\tSRV\t0 0 1234 localhost.", dns.TypeSRV},
		{"one.bench.", "NXDOMAIN ", dns.TypeSRV},
		{"one.bench.", "NXDOMAIN ", dns.TypeA},
		{"_xmpps-server._tcp.one.bench.", "NXDOMAIN ", dns.TypeSRV},
		{"two.bench.", "NXDOMAIN ", dns.TypeA},
	} {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(test.name, test.kind), fmt.Sprintf("127.0.0.1:%d", n.port))
		if err != nil {
			t.Fatal(err)
		}
		got := dns.RcodeToString[m.Rcode] + " "
		for _, rr := range m.Answer {
			got += rr.String()
		}
		if got != test.want {
			t.Errorf("%s %s: %q, want %q", test.name, dns.TypeToString[test.kind], got, test.want)
		}
	}
}
