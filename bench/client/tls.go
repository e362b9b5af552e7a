package client

import "crypto/tls"

// TLSConfig is how a load generator on the same machine meets a server: TLS
// 1.3 as clients speak it. Without tickets resumption is off, so that each login
// is a whole handshake. The certificate is not checked, because a test server has
// none that could be.
func TLSConfig(domain string, tickets bool) *tls.Config {
	cfg := &tls.Config{
		ServerName:             domain,
		InsecureSkipVerify:     true, //nolint:gosec // loopback only, see bench.CheckLoopback
		SessionTicketsDisabled: !tickets,
		NextProtos:             nil,
	}
	if tickets {
		cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return cfg
}
