package tls

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
)

// exporterLabel and exporterSize are those of tls-exporter, RFC 9266 §2.
const (
	exporterLabel = "EXPORTER-Channel-Binding"
	exporterSize  = 32
)

// Info is what the rest of the server may know of a TLS connection.
type Info struct {
	Version          uint16              // tls.VersionTLS12 or VersionTLS13
	CipherSuite      uint16              // id, see tls.CipherSuiteName
	Resumed          bool                // by a session ticket
	ServerName       string              // SNI, empty if none was sent
	ALPN             string              // empty if none was negotiated
	PeerCertificates []*x509.Certificate // leaf first; nil for most clients
	// Exporter computes the data of the channel binding "tls-exporter" (RFC 9266), 32
	// bytes; nil on TLS 1.2 without the extended master secret (RFC 9266 §3). It is
	// half a per cent of a login, so it is for who asks for it.
	Exporter func() []byte
	// Unique is the data of the channel binding "tls-unique" (RFC 5929 §3) on TLS
	// 1.2 with the extended master secret, without which it is not safe (RFC 7627);
	// nil otherwise.
	Unique []byte
	// EndPoint is the data of the channel binding "tls-server-end-point" (RFC 5929
	// §4): the hash of the server's certificate. Nil when the certificate is not
	// known (a Config not made by ServerConfig) or its signature algorithm has no
	// single hash function (Ed25519).
	EndPoint []byte
}

// Info returns what the handshake found out; the zero value before its end,
// after Forget and after Close. The slices must not be modified.
func (f *Filter) Info() Info {
	if f.info == nil {
		return Info{}
	}
	return *f.info
}

// Forget drops the Info, once it is no longer needed: after authentication it
// is 300 bytes that nobody asks for.
func (f *Filter) Forget() { f.info = nil }

// newInfo must be called before fields.release: that takes the exporter away.
func newInfo(c *tls.Conn, l leaf, client bool) *Info {
	cs := c.ConnectionState()
	info := &Info{
		Version: cs.Version, CipherSuite: cs.CipherSuite, Resumed: cs.DidResume,
		ServerName: cs.ServerName, ALPN: cs.NegotiatedProtocol, PeerCertificates: cs.PeerCertificates,
	}
	// RFC 9266 §2 says a context of zero length, which on TLS 1.2 is not the
	// same as no context (RFC 5705 §4).
	export := func() ([]byte, error) { return cs.ExportKeyingMaterial(exporterLabel, []byte{}, exporterSize) }
	if cs.Version == tls.VersionTLS13 {
		info.Exporter = func() []byte {
			key, _ := export() // can fail on TLS 1.2 only
			return key
		}
	} else if key, err := export(); err == nil { // at once: what it is made of pins the hellos
		info.Exporter = func() []byte { return key }
		info.Unique = bytes.Clone(cs.TLSUnique)
	}
	if client && len(cs.PeerCertificates) > 0 {
		info.EndPoint = EndPoint(cs.PeerCertificates[0])
	} else if cert := l.certificate(cs.ServerName); cert != nil {
		info.EndPoint = EndPoint(cert)
	}
	return info
}

// EndPoint hashes a certificate for tls-server-end-point, RFC 5929 §4.1: with
// the hash function of its signature, SHA-256 in place of MD5 and SHA-1. Nil
// where the signature algorithm has none.
func EndPoint(cert *x509.Certificate) []byte {
	var h crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.DSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h = crypto.SHA512
	default:
		return nil
	}
	d := h.New() // linked in by crypto/tls
	d.Write(cert.Raw)
	return d.Sum(nil)
}
