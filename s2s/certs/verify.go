package certs

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/xylem-im/xylem/s2s"
)

// maxChain certificates of a peer are looked at. Real chains have two to five.
const maxChain = 16

// minRSA is the shortest modulus of an RSA key in bits, RFC 9325 §4.5.
const minRSA = 2048

// Verify judges the certificates that a peer has shown, leaf first, at the time
// now. server tells that the peer was the server of the TLS connection: we have
// connected to it. nil if it has shown none. For a worker; the result is safe
// for concurrent use.
func Verify(chain []*x509.Certificate, roots *Roots, now time.Time, server bool) s2s.Proof {
	if len(chain) == 0 {
		return nil
	}
	p := &proof{title: title(chain[0]), names: namesOf(chain[0])}
	p.fault = p.judge(chain[:min(len(chain), maxChain)], roots, now, server)
	return p
}

// proof is what was found out about a certificate.
type proof struct {
	title   string // "the certificate for example.org"
	names   names
	onlyDNS bool   // the authority may vouch for some domains only, see unconstrained
	fault   string // what is wrong with it for any domain; "" if nothing
}

// Proves says why the certificate is not a valid one for domain; nil if it is.
func (p *proof) Proves(domain string) error {
	if p.fault != "" {
		return errors.New(p.title + " " + p.fault)
	}
	if !p.names.match(domain, p.onlyDNS) {
		return errors.New(p.mismatch(domain))
	}
	return nil
}

// judge says what is wrong with a certificate whatever domain it is to prove.
func (p *proof) judge(chain []*x509.Certificate, roots *Roots, now time.Time, server bool) string {
	leaf := chain[0]
	if fault := lifetime(leaf, now); fault != "" {
		return fault + "; " + renew
	}
	pool, err := roots.get()
	if err != nil {
		return "could not be judged: " + err.Error()
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	// A copy without what is handled here: names of other kinds alone in a
	// critical extension, which crypto/x509 takes for unknown.
	known := *leaf
	known.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(leaf.UnhandledCriticalExtensions), oidSubjectAltName.Equal)
	chains, err := known.Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: intermediates, CurrentTime: now, KeyUsages: usages(server),
	})
	if err != nil {
		return describe(err, chain, now)
	}
	p.onlyDNS = !slices.ContainsFunc(chains, unconstrained)
	return weakness(leaf)
}

// usages are the extended key usages of which a chain must allow one. They are
// given to crypto/x509, which looks at the whole chain: an authority for mail
// cannot vouch for servers. The side that opens a stream is the client of TLS,
// but a server's certificate is all that public authorities still issue: they
// leave out clientAuth since browsers' root programs ask for it (2026). XEP-0178
// demands none, so either will do.
func usages(server bool) []x509.ExtKeyUsage {
	if server {
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
}

// unconstrained tells that no authority in a chain is bound to certain names
// (RFC 5280 §4.2.1.10). crypto/x509 holds such bounds for DNS names and
// addresses but does not know the others, with which an authority for
// example.org could vouch for example.com.
func unconstrained(chain []*x509.Certificate) bool {
	for _, c := range chain[1:] {
		if len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges)+
			len(c.PermittedEmailAddresses)+len(c.ExcludedEmailAddresses)+len(c.PermittedURIDomains)+len(c.ExcludedURIDomains) > 0 {
			return false
		}
	}
	return true
}

// weakness says what crypto/x509 lets pass of a leaf that it has verified.
func weakness(leaf *x509.Certificate) string {
	// RFC 8446 §4.4.2.2; with TLS 1.2 the same, as keys are exchanged by ECDHE.
	if leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return "may not be used for TLS (its key usage lacks digitalSignature); its operator must get one for servers"
	}
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		return "has a weak RSA key of " + itoa(key.N.BitLen()) + " bits; its operator must make one of 2048 bits or more, or an ECDSA key"
	}
	return ""
}
