package engine

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// handshakeError says what a failed TLS handshake with another server means and
// what to do.
func handshakeError(err error) error {
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &record):
		return errors.New("what answers there speaks no TLS: the port may be one for STARTTLS, or of another service; check the SRV records")
	case errors.As(err, &op) && op.Op == remoteAlert:
		return fmt.Errorf("the other server broke off TLS (%w): %s", op.Err, alertRemedy(op.Err.Error()))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the other server closed the connection during the TLS handshake; its log may say why, often that it has no certificate for the domain")
	}
	return fmt.Errorf("TLS handshake: %w", err)
}

// remoteAlert is how crypto/tls marks an alert of the other side.
const remoteAlert = "remote error"

// alertRemedy is for the alerts of RFC 8446 §6.2 that are seen in practice.
// crypto/tls tells them by their text only.
func alertRemedy(alert string) string {
	switch alert {
	case "tls: handshake failure", "tls: protocol version not supported", "tls: insufficient security level":
		return "the two have no version or cipher of TLS in common; this server takes TLS 1.2 and 1.3"
	case "tls: unrecognized name":
		return "it has no certificate for the domain; its operator must configure one"
	case "tls: no application protocol":
		return "its port for direct TLS does not take servers (ALPN xmpp-server); check the SRV records of _xmpps-server"
	case "tls: bad certificate", "tls: unsupported certificate", "tls: revoked certificate", "tls: expired certificate",
		"tls: unknown certificate", "tls: unknown certificate authority", "tls: certificate required":
		return "it does not take the certificate that is shown here; give the local domain one from a public authority"
	}
	return "its log may say why"
}
