package s2s

import (
	"errors"
	"net/netip"
)

// Target is one way to reach a domain: a host of its SRV records (RFC 6120 §3.2,
// XEP-0368), the domain itself when it has none, or what the operator wrote.
type Target struct {
	Host   string // as SRV names it, for an operator to read; not what the certificate is checked against
	Port   uint16
	Direct bool         // TLS from the first byte
	Addrs  []netip.Addr // in the order in which they are to be tried (RFC 6724, RFC 8305 §4)
}

// ErrNoService is wrapped by what a resolver returns for a domain that exists
// without federation: an SRV target of "." (RFC 6120 §3.2.1), or a name that
// does not exist. Senders get remote-server-not-found.
var ErrNoService = errors.New("s2s: the domain offers no service to other servers")
