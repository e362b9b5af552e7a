package tls

import "crypto/tls"

// PeerServerConfig is ServerConfig for streams that other servers open: they
// are asked for a certificate, which SASL EXTERNAL (XEP-0178) and dialback may
// use. The handshake accepts any and none; what it proves is for package
// s2s/certs to say, and for the stream to act on: a stream error tells the
// peer's operator more than a TLS alert, and dialback may do without. The
// request names no authorities, as some peers stay silent when theirs is
// missing from the list. No tickets: servers reconnect rarely, and each proof
// is made from a handshake that showed the certificate.
func PeerServerConfig(get GetCertificate, alpn ...string) *tls.Config {
	cfg := ServerConfig(get, nil, alpn...)
	cfg.ClientAuth = tls.RequestClientCert
	return cfg
}

// PeerClientConfig is for a stream of our own to another server: TLS 1.2 and
// 1.3. serverName goes into SNI, the peer's domain in its ASCII form
// (jid.DomainASCII) and not the host that SRV names (RFC 6120 §13.7.2.1); an IP
// address is left out by crypto/tls, RFC 6066 §3. own is the certificate of the
// domain that the stream is for, nil or an error for none; called in the
// handshake when the peer asks, and must not wait. direct: TLS from the first
// byte, with ALPN (XEP-0368); after STARTTLS there is none.
func PeerClientConfig(serverName string, own func() (*tls.Certificate, error), direct bool) *tls.Config {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: serverName,
		// The certificate is judged after the handshake by package s2s/certs, which
		// knows the names that XMPP allows and says what is wrong in words. Dialback
		// may do without (RFC 7590 §3.4): refusing here would leave only plaintext.
		InsecureSkipVerify:          true,
		DynamicRecordSizingDisabled: true,
		GetClientCertificate: func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := own()
			if err != nil || cert == nil {
				return &tls.Certificate{}, nil // none: dialback is left
			}
			// Whatever authorities the peer lists: it may know ours all the same, and
			// lists are often those of its clients. Only a signature that it cannot
			// check would end the handshake.
			asked := *request
			asked.AcceptableCAs = nil
			if asked.SupportsCertificate(cert) != nil {
				return &tls.Certificate{}, nil
			}
			return cert, nil
		},
	}
	if direct {
		cfg.NextProtos = []string{ALPNServer}
	}
	return cfg
}
