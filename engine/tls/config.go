package tls

import (
	"bytes"
	"crypto/sha256"
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
// TLS 1.2 and 1.3, session tickets, certificates by SNI. With alpn, a client
// that offers none of these names gets no_application_protocol, one that
// offers no names at all is let in; without alpn, ALPN is not looked at
// (STARTTLS). A ticket is honoured only while get still returns the certificate
// it was issued under, so tls-server-end-point is right on resumed connections.
func ServerConfig(get GetCertificate, alpn ...string) *tls.Config {
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
	cfg.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, ticketMark(get, cs.ServerName))
		return cfg.EncryptTicket(cs, ss)
	}
	cfg.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := cfg.DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, nil // not ours any more: a full handshake
		}
		mark := ticketMark(get, cs.ServerName)
		if len(mark) == 0 || len(ss.Extra) != 1 || !bytes.Equal(ss.Extra[0], mark) {
			return nil, nil
		}
		return ss, nil
	}
	return cfg
}

// ticketMark names the certificate in a ticket; empty if there is none.
func ticketMark(get GetCertificate, serverName string) []byte {
	cert, err := get(serverName)
	if err != nil || cert == nil || len(cert.Certificate) == 0 {
		return nil
	}
	sum := sha256.Sum256(cert.Certificate[0])
	return sum[:]
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
