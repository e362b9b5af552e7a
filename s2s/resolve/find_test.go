package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/xylem-im/xylem/internal/testdns"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/resolve"
)

// silence is how long a name server is waited for where one says nothing: the
// others have as long to answer on a busy machine.
const silence = 2 * time.Second

func texts(targets []s2s.Target) string {
	var all []string
	for _, t := range targets {
		how := ""
		if t.Direct {
			how = "tls://"
		}
		all = append(all, fmt.Sprintf("%s%s:%d %v", how, t.Host, t.Port, t.Addrs))
	}
	return strings.Join(all, "\n")
}

// What is in DNS, and what is found.
func TestFind(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []string
		domain  string
		want    string // targets, or the error after "! " (no service) or "? " (not now)
	}{
		{"one host", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5270 xmpp.example.org.",
			"xmpp.example.org. 300 IN A 192.0.2.1",
			"xmpp.example.org. 300 IN AAAA 2001:db8::1",
		}, "example.org", "xmpp.example.org:5270 [2001:db8::1 192.0.2.1]"},
		{"both services merged by priority", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 10 0 5269 a.example.org.",
			"_xmpps-server._tcp.example.org. 300 IN SRV 5 0 5270 a.example.org.",
			"_xmpp-server._tcp.example.org. 300 IN SRV 20 0 5269 b.example.org.",
			"a.example.org. 300 IN A 192.0.2.1",
			"b.example.org. 300 IN A 192.0.2.2",
		}, "example.org", "tls://a.example.org:5270 [192.0.2.1]\na.example.org:5269 [192.0.2.1]\nb.example.org:5269 [192.0.2.2]"},
		{"only direct TLS", []string{
			"_xmpps-server._tcp.example.org. 300 IN SRV 5 0 443 a.example.org.",
			"a.example.org. 300 IN A 192.0.2.1",
		}, "example.org", "tls://a.example.org:443 [192.0.2.1]"},
		{"no direct TLS by a dot", []string{
			"_xmpps-server._tcp.example.org. 300 IN SRV 0 0 0 .",
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.",
			"a.example.org. 300 IN A 192.0.2.1",
		}, "example.org", "a.example.org:5269 [192.0.2.1]"},
		{"no service", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 0 0 0 .",
			"example.org. 300 IN A 192.0.2.1",
		}, "example.org", `! example.org says in DNS, by the SRV target ".", that it offers no service to other servers`},
		{"a dot for direct TLS rules out the fallback, XEP-0368", []string{
			"_xmpps-server._tcp.example.org. 300 IN SRV 0 0 0 .",
			"example.org. 300 IN A 192.0.2.1",
		}, "example.org", `! example.org says in DNS, by the SRV target ".", that it offers no service to other servers`},
		{"fallback", []string{
			"example.org. 300 IN A 192.0.2.1",
			"example.org. 300 IN AAAA 2001:db8::1",
			"example.org. 300 IN AAAA 2001:db8::2",
			"example.org. 300 IN A 192.0.2.2",
		}, "example.org", "example.org:5269 [2001:db8::2 192.0.2.1 2001:db8::1 192.0.2.2]"},
		{"nothing", []string{"example.org. 300 IN TXT v"}, "example.org",
			"! example.org has neither an SRV record _xmpp-server._tcp.example.org nor an address in DNS; its operator must publish one"},
		{"no such name", nil, "example.org", "! example.org does not exist in DNS; check the address"},
		{"a host without address", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 gone.example.org.",
			"example.org. 300 IN A 192.0.2.1",
		}, "example.org", "! the SRV records of example.org point to gone.example.org, which has no address in DNS; its operator must correct the SRV record or publish an A or AAAA record"},
		{"one of two without address", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 gone.example.org.",
			"_xmpp-server._tcp.example.org. 300 IN SRV 10 0 5269 a.example.org.",
			"a.example.org. 300 IN A 192.0.2.1",
		}, "example.org", "a.example.org:5269 [192.0.2.1]"},
		{"aliases", []string{
			"_xmpp-server._tcp.example.org. 300 IN CNAME _xmpp-server._tcp.hoster.example.",
			"_xmpp-server._tcp.hoster.example. 300 IN SRV 5 0 5269 a.hoster.example.",
			"a.hoster.example. 300 IN CNAME b.hoster.example.",
			"b.hoster.example. 300 IN CNAME c.hoster.example.",
			"c.hoster.example. 300 IN A 192.0.2.1",
		}, "example.org", "a.hoster.example:5269 [192.0.2.1]"},
		{"aliases in a circle", []string{
			"example.org. 300 IN CNAME example.net.",
			"example.net. 300 IN CNAME example.org.",
		}, "example.org", "? the answer of the name server for example.org is of no use: the aliases (CNAME) go in a circle or are too many"},
		{"an IDN", []string{
			"_xmpp-server._tcp.xn--bcher-kva.example. 300 IN SRV 5 0 5269 a.example.",
			"a.example. 300 IN A 192.0.2.1",
		}, "bücher.example", "a.example:5269 [192.0.2.1]"},
		{"duplicates", []string{
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 1 5269 a.example.org.",
			"_xmpp-server._tcp.example.org. 300 IN SRV 5 2 5269 a.example.org.",
			"_xmpp-server._tcp.example.org. 300 IN SRV 9 2 5269 A.example.org.",
			"a.example.org. 300 IN A 192.0.2.1",
		}, "example.org", "a.example.org:5269 [192.0.2.1]"},
		{"port 0", []string{"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 0 a.example.org."}, "example.org",
			"! the SRV records of example.org name no usable host and port; its operator must correct them"},
		{"IPv4", nil, "127.0.0.1", "127.0.0.1:5269 [127.0.0.1]"},
		{"IPv6", nil, "[::1]", "::1:5269 [::1]"},
		{"Tor", []string{"example.onion. 300 IN A 192.0.2.1"}, "example.onion", "! example.onion is a name of Tor, which DNS does not know; give its server in s2s.static_hosts"},
		{"invalid", []string{"a.invalid. 300 IN A 192.0.2.1"}, "a.invalid", "! a.invalid does not exist; check the address"},
		{"localhost", []string{"x.localhost. 300 IN A 192.0.2.1"}, "x.localhost", "x.localhost:5269 [127.0.0.1 ::1]"},
		{"no name in DNS", nil, strings.Repeat("x", 64) + ".example", "! " + strings.Repeat("x", 64) + ".example cannot be a name in DNS; check the address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := resolver(testdns.Serve(t, c.records...), nil)
			var s story
			targets, err := r.Find(t.Context(), c.domain, s.step)
			got := texts(targets)
			if err != nil {
				got = "? " + err.Error()
				if errors.Is(err, s2s.ErrNoService) {
					got = "! " + err.Error()
				}
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, &s)
			}
		})
	}
}

// The steps tell all that was found out.
func TestSteps(t *testing.T) {
	z := testdns.Serve(t,
		"_xmpp-server._tcp.example.org. 300 IN SRV 5 1 5269 a.example.org.",
		"_xmpp-server._tcp.example.org. 300 IN SRV 10 1 5269 b.example.org.",
		"a.example.org. 300 IN A 192.0.2.1",
		"b.example.org. 300 IN TXT nothing",
	)
	r, c := resolver(z, nil)
	var s story
	if _, err := r.Find(t.Context(), "example.org", s.step); err != nil {
		t.Fatal(err)
	}
	want := `SRV _xmpp-server._tcp.example.org: priority 5 weight 1 port 5269 a.example.org; priority 10 weight 1 port 5269 b.example.org
SRV _xmpps-server._tcp.example.org: none, the name does not exist (NXDOMAIN)
addresses of a.example.org: IPv6 none; IPv4 192.0.2.1
addresses of b.example.org: IPv6 none; IPv4 none`
	if s.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &s, want)
	}
	c.move(7 * time.Second)
	s = story{}
	if _, err := r.Find(t.Context(), "example.org", s.step); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.lines[0], "b.example.org (known for 7 s)") {
		t.Errorf("not told that the answer was kept: %s", s.lines[0])
	}
}

// A failure is told apart from absence, and never becomes "no service".
func TestFailures(t *testing.T) {
	fine := []string{
		"_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.",
		"a.example.org. 300 IN A 192.0.2.1",
	}
	servfail := "the name server cannot find out about %s (SERVFAIL): the zone or its DNSSEC signatures are broken, or its name servers are down"
	for _, c := range []struct {
		name  string
		edit  func(z *testdns.Zone)
		want  string // target or error
		steps string
	}{
		{"one service fails", func(z *testdns.Zone) { z.Fail("_xmpps-server._tcp.example.org.", dns.RcodeServerFailure) },
			"a.example.org:5269 [192.0.2.1]", "SERVFAIL"},
		{"both fail, and the domain has an address", func(z *testdns.Zone) {
			z.Fail("_xmpp-server._tcp.example.org.", dns.RcodeServerFailure)
			z.Fail("_xmpps-server._tcp.example.org.", dns.RcodeServerFailure)
			z.Set("example.org. 300 IN A 192.0.2.7")
		}, "example.org:5269 [192.0.2.7]", "SERVFAIL"},
		{"both fail, and the domain has none", func(z *testdns.Zone) {
			z.Fail("_xmpp-server._tcp.example.org.", dns.RcodeServerFailure)
			z.Fail("_xmpps-server._tcp.example.org.", dns.RcodeServerFailure)
		}, fmt.Sprintf(servfail, "_xmpp-server._tcp.example.org"), ""},
		{"addresses fail", func(z *testdns.Zone) { z.Fail("a.example.org.", dns.RcodeServerFailure) }, fmt.Sprintf(servfail, "a.example.org"), ""},
		{"refused", func(z *testdns.Zone) {
			for _, n := range []string{"_xmpp-server._tcp.example.org.", "_xmpps-server._tcp.example.org.", "example.org."} {
				z.Fail(n, dns.RcodeRefused)
			}
		}, "the name server refuses to answer (REFUSED); it must allow recursion for this machine, or dns.server must name another", ""},
		{"silence", func(z *testdns.Zone) {
			z.AnswerBy(func(dns.ResponseWriter, *dns.Msg, *dns.Msg) bool { return true })
		}, "no name server answers in time over UDP; check the name servers in dns.server", ""},
		{"AAAA is never answered", func(z *testdns.Zone) {
			z.AnswerBy(func(_ dns.ResponseWriter, q, _ *dns.Msg) bool { return q.Question[0].Qtype == dns.TypeAAAA })
		}, "a.example.org:5269 [192.0.2.1]", ""},
		{"a referral", func(z *testdns.Zone) {
			z.AnswerBy(func(w dns.ResponseWriter, _, a *dns.Msg) bool {
				a.Answer, a.Ns, a.RecursionAvailable, a.Rcode = nil, nil, false, dns.RcodeSuccess
				return w.WriteMsg(a) == nil
			})
		}, "the answer of the name server for _xmpp-server._tcp.example.org is of no use: it is no resolver and knows only other name servers", ""},
		{"no EDNS0", func(z *testdns.Zone) {
			z.AnswerBy(func(w dns.ResponseWriter, q, a *dns.Msg) bool {
				if q.IsEdns0() == nil {
					return false
				}
				a.Answer, a.Ns, a.Rcode = nil, nil, dns.RcodeFormatError
				return w.WriteMsg(a) == nil
			})
		}, "a.example.org:5269 [192.0.2.1]", ""},
		{"forged answers first", func(z *testdns.Zone) {
			z.AnswerBy(func(w dns.ResponseWriter, q, a *dns.Msg) bool {
				bad := a.Copy()
				bad.Id++
				bad.Answer = nil
				_ = w.WriteMsg(bad)
				bad.Id = a.Id
				bad.Question[0].Name = "example.com."
				_ = w.WriteMsg(bad)
				bad.Question[0], bad.Response = a.Question[0], false
				_ = w.WriteMsg(bad)
				return false
			})
		}, "a.example.org:5269 [192.0.2.1]", ""},
		{"garbage", func(z *testdns.Zone) {
			z.AnswerBy(func(w dns.ResponseWriter, q, _ *dns.Msg) bool {
				_, _ = w.Write([]byte{byte(q.Id >> 8), byte(q.Id), 0x81, 0x80, 0, 1, 0, 9, 0, 0, 0, 0, 0xff})
				return true
			})
		}, "the name server sends what is no DNS message", ""},
		{"a host with a name that no host has", func(z *testdns.Zone) {
			z.Set(`_xmpps-server._tcp.example.org. 300 IN SRV 5 0 5269 a\032b.example.org.`)
		}, "a.example.org:5269 [192.0.2.1]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			z := testdns.Serve(t, fine...)
			c.edit(z)
			r, _ := resolver(z, func(cfg *resolve.Config) { cfg.Timeout = silence })
			var s story
			targets, err := r.Find(t.Context(), "example.org", s.step)
			got := texts(targets)
			if err != nil {
				got = err.Error()
			}
			if got != c.want || !strings.Contains(s.String(), c.steps) {
				t.Errorf("got  %s\nwant %s\n%s", got, c.want, &s)
			}
			if errors.Is(err, s2s.ErrNoService) {
				t.Error("a failure is taken for absence")
			}
		})
	}
}

// Hundreds of records come over TCP, and only some are tried.
func TestManyRecords(t *testing.T) {
	var records []string
	for i := range 400 {
		records = append(records, fmt.Sprintf("_xmpp-server._tcp.example.org. 300 IN SRV %d %d 5269 h%d.example.org.", i%3, i%5, i),
			fmt.Sprintf("h%d.example.org. 300 IN A 192.0.2.1", i))
	}
	z := testdns.Serve(t, records...)
	r, _ := resolver(z, nil)
	var s story
	targets, err := r.Find(t.Context(), "example.org", s.step)
	if err != nil || len(targets) != 16 {
		t.Errorf("%d targets, %v\n%s", len(targets), err, &s)
	}
	for _, transport := range []string{"udp", "tcp"} {
		if n := z.Questions("SRV _xmpp-server._tcp.example.org. " + transport); n != 1 {
			t.Errorf("asked %d times over %s", n, transport)
		}
	}
	if n := r.Stats().Records; n > 400 {
		t.Errorf("%d records are kept", n)
	}
}

// Answers are kept as long as DNS says, within bounds.
func TestTTL(t *testing.T) {
	for _, c := range []struct {
		name, record     string
		keeps, then      time.Duration // after keeps it is still known; after then no more
		question, domain string
	}{
		{"as DNS says", "_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.", 299 * time.Second, 2 * time.Second, "SRV _xmpp-server._tcp.example.org.", ""},
		{"longer than it says", "_xmpp-server._tcp.example.org. 0 IN SRV 5 0 5269 a.example.org.", 4 * time.Second, 2 * time.Second, "SRV _xmpp-server._tcp.example.org.", ""},
		{"shorter than it says", "_xmpp-server._tcp.example.org. 999999 IN SRV 5 0 5269 a.example.org.", 3599 * time.Second, 2 * time.Second, "SRV _xmpp-server._tcp.example.org.", ""},
		{"nothing: minimum of the SOA, RFC 2308", "example.org. 300 IN TXT x", 59 * time.Second, 2 * time.Second, "SRV _xmpp-server._tcp.example.org.", ""},
		{"the alias says less", "_xmpp-server._tcp.example.org. 20 IN CNAME srv.example.org.", 19 * time.Second, 2 * time.Second, "SRV _xmpp-server._tcp.example.org.", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := testdns.Serve(t, c.record, "a.example.org. 999999 IN A 192.0.2.1", "srv.example.org. 300 IN SRV 5 0 5269 a.example.org.")
			r, now := resolver(z, nil)
			find := func(times int) {
				t.Helper()
				_, _ = r.Find(t.Context(), "example.org", func(string) {})
				if n := z.Questions(c.question); n != times {
					t.Errorf("asked %d times, want %d", n, times)
				}
			}
			find(1)
			now.move(c.keeps)
			find(1)
			now.move(c.then)
			find(2)
		})
	}
}

// Failures are not kept, Use and Forget drop what is.
func TestNothingStale(t *testing.T) {
	z := testdns.Serve(t)
	r, now := resolver(z, nil)
	find := func() error {
		_, err := r.Find(t.Context(), "example.org", func(string) {})
		return err
	}
	z.Fail("_xmpp-server._tcp.example.org.", dns.RcodeServerFailure)
	z.Fail("_xmpps-server._tcp.example.org.", dns.RcodeServerFailure)
	if err := find(); errors.Is(err, s2s.ErrNoService) || err == nil {
		t.Fatalf("SERVFAIL: %v", err)
	}
	z.Fail("_xmpp-server._tcp.example.org.", dns.RcodeSuccess)
	z.Fail("_xmpps-server._tcp.example.org.", dns.RcodeSuccess)
	r.Forget("example.org") // the addresses
	if err := find(); !errors.Is(err, s2s.ErrNoService) {
		t.Fatalf("after SERVFAIL: %v", err)
	}
	z.Set("_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.", "a.example.org. 300 IN A 192.0.2.1")
	if err := find(); !errors.Is(err, s2s.ErrNoService) {
		t.Fatalf("not kept: %v", err)
	}
	now.move(61 * time.Second)
	if err := find(); err != nil {
		t.Fatalf("kept for longer than the SOA says: %v", err)
	}
	z.Clear()
	if err := find(); err != nil {
		t.Fatalf("not kept: %v", err)
	}
	r.Forget("example.org")
	if err := find(); err == nil {
		t.Fatal("Forget left the answer")
	}
	z.Set("example.org. 300 IN A 192.0.2.1")
	r.Use(resolve.Sources{Servers: []string{z.Address}})
	if err := find(); err != nil {
		t.Fatalf("after Use: %v", err)
	}
}

// Many who want to know ask once.
func TestOneQuestionInFlight(t *testing.T) {
	z := testdns.Serve(t, "_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.", "a.example.org. 300 IN A 192.0.2.1")
	const many = 50
	arrived := make(chan struct{})
	var once sync.Once
	z.AnswerBy(func(dns.ResponseWriter, *dns.Msg, *dns.Msg) bool {
		<-arrived // all have asked
		return false
	})
	r, _ := resolver(z, nil)
	var done sync.WaitGroup
	var waiting sync.WaitGroup
	waiting.Add(many)
	for range many {
		done.Go(func() {
			waiting.Done()
			if _, err := r.Find(context.Background(), "example.org", func(string) {}); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	once.Do(func() { close(arrived) })
	done.Wait()
	for _, q := range []string{"SRV _xmpp-server._tcp.example.org.", "SRV _xmpps-server._tcp.example.org.", "A a.example.org."} {
		if n := z.Questions(q); n != 1 {
			t.Errorf("%s was asked %d times", q, n)
		}
	}
}

// A name server that is down is passed over, and who says no is believed only
// when no other answers.
func TestSeveralServers(t *testing.T) {
	good := testdns.Serve(t, "example.org. 300 IN A 192.0.2.1")
	bad := testdns.Serve(t)
	for _, n := range []string{"_xmpp-server._tcp.example.org.", "_xmpps-server._tcp.example.org.", "example.org."} {
		bad.Fail(n, dns.RcodeServerFailure)
	}
	quiet, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = quiet.Close() })
	for _, c := range []struct {
		name    string
		servers []string
		want    string
	}{
		{"silence first", []string{quiet.LocalAddr().String(), good.Address}, ""},
		{"failure first", []string{bad.Address, good.Address}, ""},
		{"failure and silence", []string{bad.Address, quiet.LocalAddr().String()}, "SERVFAIL"},
		{"silence", []string{quiet.LocalAddr().String()}, "no name server answers in time over UDP; check the name servers in dns.server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, _ := resolver(good, func(cfg *resolve.Config) { cfg.Servers, cfg.Timeout = c.servers, silence })
			targets, err := r.Find(t.Context(), "example.org", func(string) {})
			switch {
			case c.want == "" && (err != nil || len(targets) != 1):
				t.Errorf("%v, %v", targets, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// A name server that was silent is not waited for at each question.
func TestSilentServerGoesLast(t *testing.T) {
	t.Parallel()
	good := testdns.Serve(t, "a.example. 1 IN A 192.0.2.1", "b.example. 1 IN A 192.0.2.1", "c.example. 1 IN A 192.0.2.1")
	quiet := testdns.Serve(t)
	quiet.AnswerBy(func(dns.ResponseWriter, *dns.Msg, *dns.Msg) bool { return true })
	r, now := resolver(good, func(cfg *resolve.Config) {
		cfg.Servers, cfg.Timeout = []string{quiet.Address, good.Address}, silence
	})
	find := func(domain string, asked int) {
		t.Helper()
		if _, err := r.Find(t.Context(), domain, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if n := quiet.Questions("SRV _xmpp-server._tcp." + domain + "."); n != asked {
			t.Errorf("the silent one was asked for %s %d times, want %d", domain, n, asked)
		}
	}
	find("a.example", 1)
	find("b.example", 0)
	now.move(time.Minute)
	find("c.example", 1)
}

// The files of the system are read, and read again when they change.
func TestSystemFiles(t *testing.T) {
	z := testdns.Serve(t, "example.org. 1 IN A 192.0.2.1")
	dir := t.TempDir()
	conf, hosts := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("# comment\n192.0.2.5 other.example Example.NET # more\n2001:db8::5 example.net\nrubbish here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, now := resolver(z, func(cfg *resolve.Config) {
		cfg.Servers, cfg.ResolvConf, cfg.HostsFile, cfg.Timeout = nil, conf, hosts, 50*time.Millisecond
		cfg.Hosts = map[string][]resolve.Host{"example.net": {{Name: "example.net", Port: 5269}}}
	})
	targets, err := r.Find(t.Context(), "example.net", func(string) {})
	if got := texts(targets); err != nil || got != "example.net:5269 [2001:db8::5 192.0.2.5]" {
		t.Errorf("%s, %v", got, err)
	}
	// The port cannot be written into resolv.conf, so all that can be seen is whom it
	// asks: nobody at these addresses.
	if err := os.WriteFile(conf, []byte("nameserver 127.0.0.2\noptions timeout:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.move(10 * time.Second)
	_, err = r.Find(t.Context(), "example.org", func(string) {})
	if err == nil || !strings.Contains(err.Error(), "check the name servers in "+conf) {
		t.Errorf("got %v", err)
	}
}

// What the operator says goes before DNS.
func TestStaticHosts(t *testing.T) {
	z := testdns.Serve(t, "_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 wrong.example.org.", "a.example.net. 300 IN A 192.0.2.1")
	parse := func(texts ...string) (hosts []resolve.Host) {
		for _, text := range texts {
			h, err := resolve.ParseHost(text)
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, h)
		}
		return hosts
	}
	r, _ := resolver(z, func(cfg *resolve.Config) {
		cfg.Hosts = map[string][]resolve.Host{
			"example.org":     parse("127.0.0.1:15269", "tls://a.example.net:443"),
			"*.example.org":   parse("[::1]:25269"),
			"*.b.example.org": parse("192.0.2.2"),
			"gone.example":    parse("gone.example.net:5269"),
		}
	})
	for domain, want := range map[string]string{
		"example.org":       "127.0.0.1:15269 [127.0.0.1]\ntls://a.example.net:443 [192.0.2.1]",
		"x.example.org":     "::1:25269 [::1]",
		"b.example.org":     "::1:25269 [::1]",
		"x.y.b.example.org": "192.0.2.2:5269 [192.0.2.2]",
	} {
		targets, err := r.Find(t.Context(), domain, func(string) {})
		if got := texts(targets); got != want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", domain, got, err, want)
		}
	}
	if _, err := r.Find(t.Context(), "gone.example", func(string) {}); err == nil ||
		err.Error() != "s2s.static_hosts sends gone.example to gone.example.net, which has no address in DNS; correct it there" {
		t.Errorf("a host without address: %v", err)
	}
	if n := z.Questions("SRV _xmpp-server._tcp.example.org."); n != 0 {
		t.Error("DNS was asked for SRV")
	}
}

// Some addresses are not connected to, however they are named; but for those that
// the operator named.
func TestDeniedAddresses(t *testing.T) {
	z := testdns.Serve(t,
		"_xmpp-server._tcp.some.example. 300 IN SRV 5 0 5269 some.example.", "some.example. 300 IN A 10.1.2.3", "some.example. 300 IN A 192.0.2.1",
		"_xmpp-server._tcp.all.example. 300 IN SRV 5 0 22 all.example.", "all.example. 300 IN A 10.1.2.3", "all.example. 300 IN AAAA ::ffff:10.1.2.4",
		"plain.example. 300 IN AAAA fd00::1", "inside.example. 300 IN A 10.1.2.3")
	r, _ := resolver(z, func(cfg *resolve.Config) {
		cfg.Denied = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.0/8")}
		cfg.Hosts = map[string][]resolve.Host{"named.example": {{Name: "inside.example", Port: 5269}}}
	})
	for domain, want := range map[string]string{
		"some.example":  "some.example:5269 [192.0.2.1]",
		"all.example":   "! this server does not connect to the addresses of all.example (s2s.deny_addresses)",
		"plain.example": "! this server does not connect to the addresses of plain.example (s2s.deny_addresses)",
		"127.0.0.1":     "! this server does not connect to 127.0.0.1 (s2s.deny_addresses)",
		"named.example": "inside.example:5269 [10.1.2.3]",
	} {
		var s story
		targets, err := r.Find(t.Context(), domain, s.step)
		got := texts(targets)
		if errors.Is(err, s2s.ErrNoService) {
			got = "! " + err.Error()
		} else if err != nil {
			got = "? " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s\n%s", domain, got, want, &s)
		}
		if domain == "some.example" && !strings.Contains(s.String(), "not connected to 10.1.2.3 (s2s.deny_addresses)") {
			t.Errorf("not told:\n%s", &s)
		}
	}
	if _, _, err := r.Dial(t.Context(), []s2s.Target{{Host: "inside.example", Port: 5269}}, func(string) {}); err == nil || !strings.Contains(err.Error(), "s2s.deny_addresses") {
		t.Errorf("Dial: %v", err)
	}
}

func TestParseHost(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:5269":       "127.0.0.1:5269",
		"XMPP.example.org":     "xmpp.example.org:5269",
		"xmpp.example.org.":    "xmpp.example.org:5269",
		"tls://[::1]:443":      "tls://[::1]:443",
		"[::1]":                "[::1]:5269",
		"::1":                  "[::1]:5269",
		"tls://example.org":    `! "tls://example.org": direct TLS needs a port`,
		"example.org:0":        `! "example.org:0": the port is not a number from 1 to 65535`,
		"example.org:xmpp":     `! "example.org:xmpp": the port is not a number from 1 to 65535`,
		"":                     `! "": "" is no name of a host and no IP address`,
		":5269":                `! ":5269": "" is no name of a host and no IP address`,
		"exa mple.org:5269":    `! "exa mple.org:5269": "exa mple.org" is no name of a host and no IP address`,
		"https://example.org/": `! "https://example.org/": the port is not a number from 1 to 65535`,
	} {
		h, err := resolve.ParseHost(text)
		got := h.String()
		if err != nil {
			got = "! " + err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// What is known costs no question.
func BenchmarkFindKnown(b *testing.B) {
	r, _ := resolver(testdns.Serve(b, "_xmpp-server._tcp.example.org. 300 IN SRV 5 0 5269 a.example.org.", "a.example.org. 300 IN A 192.0.2.1"), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Find(b.Context(), "example.org", func(string) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// The cache is bounded.
func TestCacheBound(t *testing.T) {
	var records []string
	for i := range 100 {
		records = append(records, fmt.Sprintf("d%d.example. 300 IN A 192.0.2.1", i))
	}
	r, _ := resolver(testdns.Serve(t, records...), func(cfg *resolve.Config) { cfg.Records = 30 })
	for i := range 100 {
		if _, err := r.Find(t.Context(), fmt.Sprintf("d%d.example", i), func(string) {}); err != nil {
			t.Fatal(err)
		}
		if n := r.Stats().Records; n > 30 {
			t.Fatalf("%d records are kept", n)
		}
	}
	if s := r.Stats(); s.QuestionsTotal != 400 || s.FailuresTotal != 0 || s.HitsTotal != 0 {
		t.Errorf("%+v", s)
	}
}

// IPv6 without a route goes last and is told.
func TestNoRoute(t *testing.T) {
	z := testdns.Serve(t, "example.org. 300 IN A 192.0.2.1", "example.org. 300 IN AAAA 2001:db8::1")
	r, _ := resolver(z, func(cfg *resolve.Config) {
		source := cfg.Source
		cfg.Source = func(ctx context.Context, to netip.Addr) (netip.Addr, error) {
			if to.Is6() {
				return netip.Addr{}, errors.New("network is unreachable")
			}
			return source(ctx, to)
		}
	})
	var s story
	targets, err := r.Find(t.Context(), "example.org", s.step)
	if got := texts(targets); err != nil || got != "example.org:5269 [192.0.2.1 2001:db8::1]" || !strings.Contains(s.String(), "this machine has no route by IPv6") {
		t.Errorf("%s, %v\n%s", got, err, &s)
	}
}
