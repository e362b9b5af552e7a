package resolve

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// defaultPort is where servers without SRV records are, RFC 6120 §3.2.2.
const defaultPort = 5269

// Host is a server that an operator named for a domain.
type Host struct {
	Name   string // name in lower-case ASCII, or IP address
	Port   uint16
	Direct bool // TLS from the first byte
}

// String is h as ParseHost reads it.
func (h Host) String() string {
	text := net.JoinHostPort(h.Name, strconv.Itoa(int(h.Port)))
	if h.Direct {
		return "tls://" + text
	}
	return text
}

// ParseHost reads HOST:PORT, or tls://HOST:PORT for TLS from the first byte.
// Without a port 5269 is meant; direct TLS has no port of its own and needs one.
func ParseHost(text string) (Host, error) {
	rest, direct := strings.CutPrefix(text, "tls://")
	h := Host{Name: strings.ToLower(rest), Port: defaultPort, Direct: direct}
	if name, port, err := net.SplitHostPort(rest); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Host{}, fmt.Errorf("%q: the port is not a number from 1 to 65535", text)
		}
		h.Name, h.Port = strings.ToLower(name), uint16(n)
	} else if direct {
		return Host{}, fmt.Errorf("%q: direct TLS needs a port", text)
	}
	h.Name = strings.TrimSuffix(strings.Trim(h.Name, "[]"), ".")
	if _, err := netip.ParseAddr(h.Name); err != nil && !isHostName(h.Name) {
		return Host{}, fmt.Errorf("%q: %q is no name of a host and no IP address", text, h.Name)
	}
	return h, nil
}

// hostsOf finds the hosts that the operator named for a domain.
func (s *Sources) hostsOf(domain string) ([]Host, bool) {
	if h, ok := s.Hosts[domain]; ok {
		return h, true
	}
	for rest := domain; ; {
		_, parent, ok := strings.Cut(rest, ".")
		if !ok {
			return nil, false
		}
		if h, ok := s.Hosts["*."+parent]; ok {
			return h, true
		}
		rest = parent
	}
}

// literal is the address of a domain that is one: RFC 7622 §3.2.
func literal(domain string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(domain, "["), "]"))
	return addr.Unmap(), err == nil
}
