package s2s

// Pair is one direction of trust between a domain of ours and one of another
// server. Both are prepared domainparts (RFC 7622 §3.2).
type Pair struct {
	Local  string // served here
	Remote string
}

// Require is what a remote domain must show before its stanzas are taken and
// ours are given to it. TLS is needed in every case (RFC 7590 §3.1).
type Require uint8

// The requirements.
const (
	// Dialback: Server Dialback (XEP-0220) is enough; a certificate that proves
	// the domain is used where there is one.
	Dialback Require = iota
	// Certificate: the certificate must prove the domain (RFC 6120 §13.7.2).
	Certificate
)

// Policy is what holds for one remote domain.
type Policy struct {
	Denied  bool // no stream in either direction
	Require Require
}

// Proof is what the TLS handshake has shown of the peer's certificate. Made by
// package s2s/certs.
type Proof interface {
	// Proves is nil when the certificate is valid now and is one for domain, a
	// prepared domainpart; else the reason, a sentence for an operator.
	Proves(domain string) error
}

// Security is what a stream learns of its TLS connection.
type Security struct {
	Version string // "TLS 1.3"
	Cipher  string
	Proof   Proof // nil: the peer has shown no certificate
}

// Verify is the question of Server Dialback whether a key is right, XEP-0220
// §2.2: the domain that it is asked of made Key for the stream ID, on which it
// wants to speak as Pair.Remote to Pair.Local.
type Verify struct {
	Pair Pair
	ID   string // of the stream on which the key came
	Key  string
}

// Verdict is the answer to a Verify.
type Verdict uint8

// The verdicts, XEP-0220 §2.4.
const (
	Invalid Verdict = iota
	Valid
	Failed // the authoritative server could not be asked: see Event.Err
)
