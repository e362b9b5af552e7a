package target

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// names is a DNS server for the domains of a pair. What it does not know does
// not exist, so that nobody outside is asked.
type names struct {
	server dns.Server
	port   int
}

// serveNames answers for domains whose servers listen on 127.0.0.1 at the
// given ports.
func serveNames(ports map[string]int) (*names, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &names{port: c.LocalAddr().(*net.UDPAddr).Port}
	n.server = dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(answer(ports, q)) // who asked asks again
	})}
	go func() { _ = n.server.ActivateAndServe() }() // until stop
	return n, nil
}

func (n *names) stop() error { return n.server.PacketConn.Close() }

// answer is what is known: an SRV record for servers. Its target is a name that
// the operating system knows too, as ejabberd asks that for addresses.
func answer(ports map[string]int, q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative, m.Rcode = true, dns.RcodeNameError
	if len(q.Question) != 1 {
		return m
	}
	question := q.Question[0]
	head := dns.RR_Header{Name: question.Name, Rrtype: question.Qtype, Class: dns.ClassINET, Ttl: 3600}
	name := strings.TrimSuffix(strings.ToLower(question.Name), ".")
	domain, _ := strings.CutPrefix(name, "_xmpp-server._tcp.")
	if port := ports[domain]; port != 0 && domain != name && question.Qtype == dns.TypeSRV {
		m.Rcode = dns.RcodeSuccess
		m.Answer = []dns.RR{&dns.SRV{Hdr: head, Port: uint16(port), Target: "localhost."}}
	}
	return m
}
