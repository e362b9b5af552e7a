package client

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
)

// KeyExchanges are the key exchanges that [TLSConfig] can offer alone, by their
// names in the registry of TLS groups. They are a comparison on equal terms: OpenSSL
// before 3.5 has no ML-KEM.
var KeyExchanges = [...]string{"X25519MLKEM768", "X25519", "P-256"}

var groups = [...]tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256} // in the same order

// TLSConfig is how a load generator on the same machine meets a server: TLS
// 1.3 as clients speak it. Without tickets resumption is off, so that each login
// is a whole handshake. The server's certificate must be the domain's and lead to
// one of roots; nil does not check it, because most test servers have none that
// could be. keyExchange is one of KeyExchanges; "" offers what Go does.
func TLSConfig(domain string, tickets bool, keyExchange string, roots *x509.CertPool) *tls.Config {
	cfg := &tls.Config{
		ServerName:             domain,
		RootCAs:                roots,
		InsecureSkipVerify:     roots == nil, //nolint:gosec // loopback only, see checkLoopback in package bench
		SessionTicketsDisabled: !tickets,
		NextProtos:             nil,
	}
	if tickets {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	if i := slices.Index(KeyExchanges[:], keyExchange); i >= 0 {
		cfg.CurvePreferences = groups[i : i+1]
	}
	return cfg
}

// Roots are the certificates in PEM text, for [TLSConfig]; nil when that is "".
func Roots(pem string) *x509.CertPool {
	if pem == "" {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	return pool
}
