package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/s2s"
)

// All that can be known of a domain, as people see it.
func TestPrintRemote(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	reports := []remoteReport{{
		Domain: "b.example", State: "backing off", Policy: "certificate",
		LastError: "nothing listens at 192.0.2.1:5269", Remedy: "start it", ErrorAt: now.Add(-90 * time.Second),
		Failures: 2, NextTry: now.Add(3 * time.Second), Queued: 3, QueuedBytes: 700,
		Streams: []streamReport{
			{Direction: "in", Address: "192.0.2.1:40000", Since: now.Add(-3*time.Hour - time.Second), Security: "TLS 1.3, X", Certificate: "it is self-signed",
				Receives: []provedPair{{"a.example", "dialback"}, {"c.example", "dialback"}}},
			{Direction: "out", Address: "192.0.2.1:5269", Since: now.Add(-2 * time.Second)},
		},
	}, {Domain: "c.example", State: "connected", Policy: "dialback"}}
	var one, all strings.Builder
	if err := reports[0].print(&one, now); err != nil {
		t.Fatal(err)
	}
	if want := `domain         b.example
state          backing off
policy         certificate
stream in      192.0.2.1:40000, opened by it 3h ago, TLS 1.3, X
  certificate  it is self-signed
  receives     a.example (dialback), c.example (dialback)
stream out     192.0.2.1:5269, opened by this server 2s ago, no TLS yet
waiting        3 stanzas, 700 bytes
last error     1m ago: nothing listens at 192.0.2.1:5269
what to do     start it
failures       2 attempts in a row
next try       in 3s, when there is something to send
`; one.String() != want {
		t.Errorf("got\n%s\nwant\n%s", one.String(), want)
	}
	if err := printRemotes(&all, reports, now); err != nil {
		t.Fatal(err)
	}
	if want := `DOMAIN     STATE        IN  OUT  WAITING  LAST ERROR
b.example  backing off  1   1    3        1m ago: nothing listens at 192.0.2.1:5269
c.example  connected    0   0    0        -
`; all.String() != want {
		t.Errorf("got\n%s\nwant\n%s", all.String(), want)
	}
}

// Whether others get to where DNS leads them, as far as can be told.
func TestDoubt(t *testing.T) {
	target := func(addr string, port uint16, direct bool) s2s.Target {
		return s2s.Target{Port: port, Direct: direct, Addrs: []netip.Addr{netip.MustParseAddr(addr)}}
	}
	public := []listenAddress{{nameC2S, "127.0.0.1:5222"}, {nameS2S, "[::]:5269"}, {nameS2STLS, "[::]:5270"}}
	inside := []listenAddress{{nameC2S, "[::]:5222"}, {nameS2S, "127.0.0.1:5269"}}
	for _, c := range []struct {
		name      string
		target    s2s.Target
		listening []listenAddress
		want      string
	}{
		{"all well", target("192.0.2.1", 5269, false), public, ""},
		{"all well, direct TLS", target("192.0.2.1", 5270, true), public, ""},
		{"tests", target("127.0.0.1", 5269, false), inside, ""},
		{"loopback", target("192.0.2.1", 5269, false), inside, "; but this server listens for others on loopback only: see s2s.listen"},
		{"another port", target("192.0.2.1", 443, false), public, "; but this server listens for others on port 5269 and 5270, to which something must lead from there"},
		{"TLS where there is STARTTLS", target("192.0.2.1", 5269, true), public, "; but this server listens for others on port 5269 and 5270, to which something must lead from there"},
	} {
		if got := doubt([]s2s.Target{c.target}, c.listening); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
