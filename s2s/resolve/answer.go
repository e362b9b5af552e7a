package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	typeA    = dns.TypeA
	typeAAAA = dns.TypeAAAA
	typeSRV  = dns.TypeSRV
)

// kind tells what there is in DNS.
type kind uint8

const (
	found  kind = iota
	noData      // the name exists but has no such record
	noName      // it does not exist (NXDOMAIN)
)

// answer is what DNS says to a question. It is shared and not changed.
type answer struct {
	kind  kind
	srv   []record
	addrs []netip.Addr
	via   string        // where aliases led; "" without
	ttl   time.Duration // as DNS says; negative answers: RFC 2308 §5
	at    time.Time     // when it came
}

// record is an SRV record. host is "" for the target ".": no service.
type record struct {
	priority, weight, port uint16
	host                   string
	direct                 bool // of _xmpps-server
}

// Bounds on what one answer may hold.
const (
	mostRecords = 256
	mostAliases = 8
)

// interpret reads the answer to q. ask is set instead when the name is an alias
// of another one that must be asked for itself.
func interpret(q question, m *dns.Msg) (a answer, ask string, err error) {
	name, ttl := dns.Fqdn(q.name), uint32(1<<31-1)
	for range mostAliases {
		c := findAlias(m.Answer, name)
		if c == nil {
			break
		}
		name, ttl = c.Target, min(ttl, c.Hdr.Ttl)
		if a.via, err = hostName(c.Target); err != nil {
			return a, "", fmt.Errorf("an alias (CNAME) leads to %w", err)
		}
	}
	if findAlias(m.Answer, name) != nil {
		return a, "", errors.New("the aliases (CNAME) go in a circle or are too many")
	}
	for _, rr := range m.Answer {
		if h := rr.Header(); h.Rrtype == q.qtype && sameName(h.Name, name) && a.add(rr) {
			ttl = min(ttl, h.Ttl)
		}
	}
	a.ttl = time.Duration(ttl) * time.Second
	if len(a.srv)+len(a.addrs) > 0 {
		return a, "", nil
	}
	return negative(a, m)
}

// negative reads why there is nothing. Without a SOA it may not be kept
// (RFC 2308 §5).
func negative(a answer, m *dns.Msg) (answer, string, error) {
	soa, ttl := false, time.Duration(0)
	for _, rr := range m.Ns {
		if s, ok := rr.(*dns.SOA); ok {
			soa, ttl = true, time.Duration(min(s.Minttl, s.Hdr.Ttl))*time.Second
		}
	}
	if a.via != "" && !soa && m.Rcode == dns.RcodeSuccess {
		return a, a.via, nil
	}
	a.ttl = min(a.ttl, ttl)
	switch {
	case m.Rcode == dns.RcodeNameError:
		a.kind = noName
	case !m.Authoritative && !m.RecursionAvailable && !soa:
		return a, "", errors.New("it is no resolver and knows only other name servers")
	default:
		a.kind = noData
	}
	return a, "", nil
}

// add takes a record; false when it is of no use or too much.
func (a *answer) add(rr dns.RR) bool {
	if len(a.srv)+len(a.addrs) >= mostRecords {
		return false
	}
	switch rr := rr.(type) {
	case *dns.SRV:
		host, err := hostName(rr.Target)
		if err != nil {
			return false
		}
		a.srv = append(a.srv, record{priority: rr.Priority, weight: rr.Weight, port: rr.Port, host: host})
		return true
	case *dns.A:
		return a.addAddr(rr.A)
	case *dns.AAAA:
		return a.addAddr(rr.AAAA)
	}
	return false
}

func (a *answer) addAddr(ip []byte) bool {
	addr, ok := netip.AddrFromSlice(ip)
	if addr = addr.Unmap(); !ok || slices.Contains(a.addrs, addr) {
		return false
	}
	a.addrs = append(a.addrs, addr)
	return true
}

func findAlias(rrs []dns.RR, name string) *dns.CNAME {
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok && sameName(c.Hdr.Name, name) {
			return c
		}
	}
	return nil
}

func sameName(a, b string) bool { return strings.EqualFold(dns.Fqdn(a), dns.Fqdn(b)) }

// hostName brings a name of a message into the form of questions; "" for the
// root. What no host can be called, such as a name with a space, is refused.
func hostName(fqdn string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(fqdn, "."))
	if name == "" {
		return "", nil
	}
	if !isHostName(name) {
		return "", fmt.Errorf("%.100q, which is no name of a host", name)
	}
	return name, nil
}

// isHostName checks lower-case names: letters, digits, hyphens, and the
// underscores that are seen in practice.
func isHostName(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
