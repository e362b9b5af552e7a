package client

import (
	"crypto/tls"
	"slices"
)

// KeyExchanges are the key exchanges that [TLSConfig] can offer alone, by their
// names in the registry of TLS groups. They are a comparison on equal terms: OpenSSL
// before 3.5 has no ML-KEM.
var KeyExchanges = [...]string{"X25519MLKEM768", "X25519", "P-256"}

var groups = [...]tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256} // in the same order

// TLSConfig is how a load generator on the same machine meets a server: TLS
// 1.3 as clients speak it. Without tickets resumption is off, so that each login
// is a whole handshake. The certificate is not checked, because a test server has
// none that could be. keyExchange is one of KeyExchanges; "" offers what Go does.
func TLSConfig(domain string, tickets bool, keyExchange string) *tls.Config {
	cfg := &tls.Config{
		ServerName:             domain,
		InsecureSkipVerify:     true, //nolint:gosec // loopback only, see checkLoopback in package bench
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
