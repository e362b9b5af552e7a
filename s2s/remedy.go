package s2s

import (
	"errors"

	"github.com/xylem-im/xylem/stanza"
)

// What operators can do about what another server says or lacks.
const (
	remedyCertificate = "it takes nothing but certificates, and not the one shown here: give the local domain one from a public authority ([[tls.certificate]])"
	remedyReachable   = "it must reach the local domain to confirm who this is (dialback): publish the SRV record _xmpp-server._tcp of the local domain, " +
		"and let its port through the firewall"
	remedyServed  = "that server does not serve the domain: its DNS points to the wrong host, or its configuration lacks the domain; its operator must correct that"
	remedyRefuses = "its operator does not want streams with the local domain, or has limits; ask them"
)

// Remedy says what to do about the reason of a failed attempt or a stream's end;
// "" when the reason says it, or nothing can be done but wait.
func Remedy(reason error) string {
	var pe stanza.PeerError
	var se stanza.Error
	switch {
	case reason == nil:
		return ""
	case errors.Is(reason, errNoTLS), errors.Is(reason, errTLSRefused):
		return "its operator must give it a certificate; this server sends nothing unencrypted"
	case errors.Is(reason, errNoAuth), errors.Is(reason, errAuthFailed):
		return remedyCertificate
	case errors.As(reason, &pe):
		return streamRemedy(pe.Condition)
	case errors.As(reason, &se):
		return dialbackRemedy(se.Condition)
	}
	return ""
}

// streamRemedy is for stream errors, RFC 6120 §4.9.3.
func streamRemedy(c stanza.StreamCondition) string {
	switch c {
	case stanza.StreamHostUnknown, stanza.StreamHostGone:
		return remedyServed
	case stanza.StreamNotAuthorized:
		return "it does not trust who this is: give the local domain a certificate from a public authority; if it takes dialback, " + remedyReachable
	case stanza.StreamRemoteConnectionFailed:
		return remedyReachable
	case stanza.StreamPolicyViolation:
		return remedyRefuses
	case stanza.StreamResourceConstraint, stanza.StreamInternalServerError:
		return "it has a problem of its own; its operator's log says more"
	case stanza.StreamUnsupportedVersion, stanza.StreamUnsupportedEncoding, stanza.StreamInvalidNamespace:
		return "what answers there may be no XMPP server, or the port for clients; check the SRV records"
	}
	return ""
}

// dialbackRemedy is for the errors of dialback, XEP-0220 §2.5.
func dialbackRemedy(c stanza.Condition) string {
	switch c {
	case stanza.RemoteServerNotFound, stanza.RemoteServerTimeout, "remote-connection-failed":
		return remedyReachable
	case stanza.ItemNotFound:
		return remedyServed
	case stanza.NotAuthorized:
		return remedyCertificate
	case stanza.PolicyViolation, stanza.Forbidden, stanza.NotAllowed:
		return remedyRefuses
	}
	return ""
}
