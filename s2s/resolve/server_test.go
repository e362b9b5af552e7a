package resolve_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/xylem-im/xylem/s2s/resolve"
)

// zone is a name server for tests. Its answers may change while it runs.
type zone struct {
	t       testing.TB
	address string

	mu     sync.Mutex
	rrs    map[string][]dns.RR // by name and type
	exists map[string]bool
	rcode  map[string]int // by name, what is answered instead
	change func(w dns.ResponseWriter, q, a *dns.Msg) (answered bool)
	asked  map[string]int // by "type name transport"
}

// serve starts a name server on a free port of loopback, with records in the
// form of master files.
func serve(t testing.TB, records ...string) *zone {
	t.Helper()
	z := &zone{t: t, rrs: make(map[string][]dns.RR), exists: make(map[string]bool), rcode: make(map[string]int), asked: make(map[string]int)}
	z.set(records...)
	var udp net.PacketConn
	var tcp net.Listener
	for tcp == nil { // one port that is free for both
		var err error
		if udp, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if tcp, err = net.Listen("tcp", udp.LocalAddr().String()); err != nil {
			_ = udp.Close()
		}
	}
	z.address = udp.LocalAddr().String()
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: z}, {Listener: tcp, Handler: z}} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		ended := make(chan error, 1)
		go func() { ended <- s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			_ = s.Shutdown()
			<-ended
		})
	}
	return z
}

// set adds records.
func (z *zone) set(records ...string) {
	z.t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			z.t.Fatal(err)
		}
		name := strings.ToLower(rr.Header().Name)
		z.rrs[key(name, rr.Header().Rrtype)] = append(z.rrs[key(name, rr.Header().Rrtype)], rr)
		for ; name != "."; name = parent(name) {
			z.exists[name] = true
		}
	}
}

func parent(name string) string {
	i, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[i:]
}

// clear removes all records.
func (z *zone) clear() {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.rrs)
	clear(z.exists)
}

func (z *zone) fail(name string, rcode int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.rcode[name] = rcode
}

// answerBy has change see each answer first; true: it has answered in its way.
func (z *zone) answerBy(change func(w dns.ResponseWriter, q, a *dns.Msg) (answered bool)) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.change = change
}

// questions is how often something was asked.
func (z *zone) questions(what string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[what]
}

func key(name string, t uint16) string { return dns.TypeToString[t] + " " + strings.ToLower(name) }

// ServeDNS implements dns.Handler as a resolver does: aliases are followed.
func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	z.mu.Lock()
	change := z.change
	a := z.answer(w, q)
	z.mu.Unlock()
	if change != nil && change(w, q, a) {
		return
	}
	if w.RemoteAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if o := q.IsEdns0(); o != nil {
			size = int(o.UDPSize())
		}
		a.Truncate(size)
	}
	_ = w.WriteMsg(a)
}

func (z *zone) answer(w dns.ResponseWriter, q *dns.Msg) *dns.Msg {
	name, kind := q.Question[0].Name, q.Question[0].Qtype
	z.asked[key(name, kind)+" "+w.RemoteAddr().Network()]++
	z.asked[key(name, kind)]++
	a := new(dns.Msg)
	a.SetReply(q)
	a.RecursionAvailable = true
	if code, ok := z.rcode[strings.ToLower(name)]; ok {
		a.Rcode = code
		return a
	}
	for range 10 {
		alias := z.rrs[key(name, dns.TypeCNAME)]
		if len(alias) == 0 {
			break
		}
		a.Answer = append(a.Answer, alias[0])
		name = alias[0].(*dns.CNAME).Target
	}
	a.Answer = append(a.Answer, z.rrs[key(name, kind)]...)
	if len(z.rrs[key(name, kind)]) == 0 {
		if !z.exists[strings.ToLower(name)] {
			a.Rcode = dns.RcodeNameError
		}
		soa, _ := dns.NewRR("example. 600 IN SOA ns.example. admin.example. 1 2 3 4 60")
		a.Ns = append(a.Ns, soa)
	}
	return a
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// resolver asks z, has a clock of its own, ways to both families, and takes the
// first of what is random.
func (z *zone) resolver(edit func(*resolve.Config)) (*resolve.Resolver, *clock) {
	c := newClock()
	cfg := resolve.Config{
		Sources: resolve.Sources{Servers: []string{z.address}},
		Now:     c.Now,
		Random:  func(int) int { return 0 },
		Source: func(_ context.Context, to netip.Addr) (netip.Addr, error) {
			if to.Is4() {
				return netip.MustParseAddr("192.0.2.99"), nil
			}
			return netip.MustParseAddr("2001:db8::99"), nil
		},
	}
	if edit != nil {
		edit(&cfg)
	}
	return resolve.New(cfg), c
}

// story collects steps.
type story struct{ lines []string }

func (s *story) step(text string) { s.lines = append(s.lines, text) }

func (s *story) String() string { return strings.Join(s.lines, "\n") }
