package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	rounds  = 2    // in which all name servers are asked
	udpSize = 1232 // bytes of an answer over UDP; what the DNS flag day of 2020 asks for
)

// failure is why a name server was of no use. Its address is not in it: what
// went wrong is told to the senders of stanzas too. Unlike s2s.ErrNoService it may be
// otherwise in a moment.
type failure struct {
	text   string
	silent bool // it did not answer, or could not be reached
}

func (f *failure) Error() string { return f.text }

// exchange asks the name servers in turn until one of them gives a usable
// answer.
func (r *Resolver) exchange(ctx context.Context, servers []string, named string, q question) (*dns.Msg, error) {
	var last *failure
	for round := range rounds {
		for _, server := range r.inTurn(servers) {
			m, fail := r.ask(ctx, server, q, r.cfg.Timeout<<round)
			if fail == nil {
				if last != nil && last.silent {
					r.prefer(server)
				}
				return m, nil
			}
			if last == nil || !fail.silent || last.silent {
				last = fail // what a name server says is worth more than the silence of another
			}
			if ctx.Err() != nil {
				return nil, last
			}
		}
		if last != nil && !last.silent {
			break // all have been asked, and one has said no
		}
	}
	if last.silent {
		last = &failure{fmt.Sprintf("%s; check the name servers in %s", last.text, named), true}
	}
	return nil, last
}

// ask puts a question to one name server, by TCP too when it must be.
func (r *Resolver) ask(ctx context.Context, server string, q question, timeout time.Duration) (*dns.Msg, *failure) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(q.name), q.qtype) // with a random id
	m.SetEdns0(udpSize, false)
	reply, fail := roundTrip(ctx, "udp", server, m)
	if fail == nil && (reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented) {
		m.Extra, m.Id = nil, dns.Id() // RFC 6891 §7: without EDNS0
		reply, fail = roundTrip(ctx, "udp", server, m)
	}
	if fail == nil && reply.Truncated {
		m.Id = dns.Id()
		reply, fail = roundTrip(ctx, "tcp", server, m)
	}
	if fail != nil {
		return nil, fail
	}
	return reply, refusal(q, reply.Rcode)
}

// refusal is what a response code means that is no answer.
func refusal(q question, rcode int) *failure {
	switch rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
		return nil
	case dns.RcodeServerFailure:
		return &failure{text: "the name server cannot find out about " + q.name + " (SERVFAIL): the zone or its DNSSEC signatures are broken, or its name servers are down"}
	case dns.RcodeRefused:
		return &failure{text: "the name server refuses to answer (REFUSED); it must allow recursion for this machine, or dns.server must name another"}
	}
	return &failure{text: fmt.Sprintf("the name server answers %s for %s", rcodeName(rcode), q.name)}
}

func rcodeName(rcode int) string {
	if s, ok := dns.RcodeToString[rcode]; ok {
		return s
	}
	return fmt.Sprintf("response code %d", rcode)
}

// roundTrip sends a question from a new port and waits for its answer. What is
// not that, be it late or forged, is passed over.
func roundTrip(ctx context.Context, network, server string, m *dns.Msg) (*dns.Msg, *failure) {
	raw, err := new(net.Dialer).DialContext(ctx, network, server)
	if err != nil {
		return nil, networkFailure(network, err)
	}
	conn := &dns.Conn{Conn: raw, UDPSize: udpSize}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end) // fails only on a closed connection, and then so does what follows
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.WriteMsg(m); err != nil {
		return nil, networkFailure(network, err)
	}
	for {
		reply, err := conn.ReadMsg()
		var ne net.Error
		switch {
		case errors.As(err, &ne):
			return nil, networkFailure(network, err)
		case err != nil && network == "tcp", err != nil && reply != nil && reply.Id == m.Id:
			return nil, &failure{text: "the name server sends what is no DNS message"}
		case err == nil && answers(reply, m):
			return reply, nil
		case network == "tcp":
			return nil, &failure{text: "the name server answers something else than it was asked"}
		}
	}
}

// answers tells whether reply belongs to the question m.
func answers(reply, m *dns.Msg) bool {
	if reply.Id != m.Id || !reply.Response || reply.Opcode != dns.OpcodeQuery {
		return false
	}
	if len(reply.Question) == 0 { // some leave it out of what they refuse
		return reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError
	}
	q, a := m.Question[0], reply.Question[0]
	return len(reply.Question) == 1 && a.Qtype == q.Qtype && a.Qclass == q.Qclass && strings.EqualFold(a.Name, q.Name)
}

func networkFailure(network string, err error) *failure {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return &failure{"no name server answers in time over " + strings.ToUpper(network), true}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return &failure{"no name server can be reached over " + strings.ToUpper(network) + " (" + err.Error() + ")", true}
}
