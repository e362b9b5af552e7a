// Package testdns is a name server for tests, on loopback.
package testdns

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Zone is a name server. Its answers may change while it runs.
type Zone struct {
	t       testing.TB
	Address string // HOST:PORT

	mu     sync.Mutex
	rrs    map[string][]dns.RR // by name and type
	exists map[string]bool
	rcode  map[string]int // by name, what is answered instead
	change func(w dns.ResponseWriter, q, a *dns.Msg) (answered bool)
	asked  map[string]int // by "type name transport"
}

// Serve starts a name server on a free port of loopback, with records in the
// form of master files.
func Serve(t testing.TB, records ...string) *Zone {
	t.Helper()
	z := &Zone{t: t, rrs: make(map[string][]dns.RR), exists: make(map[string]bool), rcode: make(map[string]int), asked: make(map[string]int)}
	z.Set(records...)
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
	z.Address = udp.LocalAddr().String()
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

// Set adds records in the form of master files.
func (z *Zone) Set(records ...string) {
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

// Clear removes all records.
func (z *Zone) Clear() {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.rrs)
	clear(z.exists)
}

// Fail has the questions for a name, with the dot at its end, answered by a code;
// dns.RcodeSuccess: as usual again.
func (z *Zone) Fail(name string, rcode int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if rcode == dns.RcodeSuccess {
		delete(z.rcode, name)
		return
	}
	z.rcode[name] = rcode
}

// AnswerBy has change see each answer first; true: it has answered in its way.
func (z *Zone) AnswerBy(change func(w dns.ResponseWriter, q, a *dns.Msg) (answered bool)) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.change = change
}

// Questions is how often something was asked: "SRV NAME." or, over one transport,
// "SRV NAME. udp".
func (z *Zone) Questions(what string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[what]
}

func key(name string, t uint16) string { return dns.TypeToString[t] + " " + strings.ToLower(name) }

// ServeDNS implements dns.Handler as a resolver does: aliases are followed.
func (z *Zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
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

func (z *Zone) answer(w dns.ResponseWriter, q *dns.Msg) *dns.Msg {
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
