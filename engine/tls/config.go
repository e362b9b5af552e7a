package tls

import (
	"crypto/tls"
	"crypto/x509"
)

// ALPNClient is the ALPN name of client streams on direct TLS, XEP-0368 §4.
// ALPNServer is that of streams between servers.
const (
	ALPNClient = "xmpp-client"
	ALPNServer = "xmpp-server"
)

// GetCertificate returns the certificate for the name in SNI, "" if the client
// sent none. nil without an error means that there is none; the client gets
// unrecognized_name. Safe for concurrent use, and it must not wait: it is
// called in the handshake.
type GetCertificate = func(serverName string) (*tls.Certificate, error)

// ServerConfig makes the one Config that all connections of a listener share:
// TLS 1.2 and 1.3, certificates by SNI, and tickets (nil: none). With alpn, a client
// that offers none of these names gets no_application_protocol, one that
// offers no names at all is let in; without alpn, ALPN is not looked at
// (STARTTLS). Early data (0-RTT) is never taken: crypto/tls has it for QUIC only.
func ServerConfig(get GetCertificate, tickets *Tickets, alpn ...string) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: alpn,
		// Small records in the beginning are made for browsers that render early.
		// Here they only cost: 22 bytes and 0.2 µs each.
		DynamicRecordSizingDisabled: true,
	}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if w, ok := hello.Conn.(*wire); ok {
			w.hs.leaf.get = get
		}
		return nil, nil
	}
	cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get(hello.ServerName)
		if w, ok := hello.Conn.(*wire); ok {
			w.hs.leaf.chosen = cert
		}
		return cert, err
	}
	tickets.use(cfg, get)
	return cfg
}

// leaf is how a server's certificate is found again after the handshake, since
// tls.ConnectionState does not tell: chosen in a full handshake, looked up by
// get in one that was resumed.
type leaf struct {
	get    GetCertificate
	chosen *tls.Certificate
}

func (l leaf) certificate(serverName string) *x509.Certificate {
	cert := l.chosen
	if cert == nil && l.get != nil {
		cert, _ = l.get(serverName)
	}
	if cert == nil || len(cert.Certificate) == 0 {
		return nil
	}
	if cert.Leaf != nil {
		return cert.Leaf
	}
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil
	}
	return parsed
}
