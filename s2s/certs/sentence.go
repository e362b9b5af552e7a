package certs

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// renew is the remedy for what time has done.
const renew = "its operator must renew it"

// Describe tells in a few words whom a certificate is for, who issued it and
// until when it is valid.
func Describe(cert *x509.Certificate) string {
	return title(cert) + ", issued by " + issuer(cert) + ", valid until " + date(cert.NotAfter)
}

// title is the beginning of sentences about a certificate.
func title(cert *x509.Certificate) string {
	n := namesOf(cert)
	if list := n.String(); list != "" {
		return "the certificate for " + list
	}
	if cert.Subject.CommonName != "" {
		return "the certificate of " + clean(cert.Subject.CommonName)
	}
	return "the certificate"
}

// mismatch is the sentence for a domain that is not among the names.
func (p *proof) mismatch(domain string) string {
	if p.onlyDNS && p.names.match(domain, false) {
		return p.title + " names " + domain + " only in a way (SRV-ID, XmppAddr) that its authority, which is bound to certain domains, " +
			"cannot vouch for; its operator must get one with a DNS name"
	}
	if p.names.String() == "" {
		return p.title + " names no domain in its subjectAltName, and the common name does not count (RFC 9525 §2); " +
			"its operator must get one that names " + domain
	}
	return p.title + " is not one for " + domain + "; its operator must get one that names it"
}

// lifetime says that a certificate is out of its time; "" if it is not.
func lifetime(cert *x509.Certificate, now time.Time) string {
	switch {
	case now.After(cert.NotAfter):
		return "expired on " + date(cert.NotAfter)
	case now.Before(cert.NotBefore):
		return "is not valid before " + cert.NotBefore.UTC().Format("2006-01-02 15:04 MST") + " (here it is " + now.UTC().Format("2006-01-02 15:04 MST") + ")"
	}
	return ""
}

// describe says what the error of x509.Verify means.
func describe(err error, chain []*x509.Certificate, now time.Time) string {
	leaf := chain[0]
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid):
		return invalidity(invalid, leaf, now)
	case errors.As(err, &unknown):
		return untrusted(chain, now)
	case errors.As(err, new(x509.UnhandledCriticalExtension)):
		return "has a critical extension that is not understood here; its operator must get one without"
	}
	return "could not be verified: " + clean(err.Error())
}

func invalidity(e x509.CertificateInvalidError, leaf *x509.Certificate, now time.Time) string {
	switch e.Reason {
	case x509.Expired:
		if fault := lifetime(e.Cert, now); e.Cert != nil && fault != "" {
			return "is issued by " + issuer(leaf) + ", and the certificate of " + subject(e.Cert) + " " + fault +
				"; its operator must install the chain that its authority offers now"
		}
	case x509.NotAuthorizedToSign:
		return noAuthority(leaf)
	case x509.IncompatibleUsage:
		return "is not for servers (its extended key usage, or that of its authority, lacks serverAuth); its operator must get one that is"
	case x509.CANotAuthorizedForThisName:
		return "has names that its authority " + issuer(leaf) + " may not vouch for; its operator must get one from another"
	}
	return "could not be verified: " + clean(strings.TrimPrefix(e.Error(), "x509: ")) + "; its operator must get another"
}

func noAuthority(leaf *x509.Certificate) string {
	return "is signed by " + issuer(leaf) + ", which is no authority; its operator must get one from an authority"
}

// untrusted says why no chain led to a root.
func untrusted(chain []*x509.Certificate, now time.Time) string {
	leaf := chain[0]
	const trust = "add it to tls.ca_file here if you know it to be right"
	for _, c := range chain {
		selfIssued := bytes.Equal(c.RawSubject, c.RawIssuer) // a root's signature is not checked by anybody
		if weak(c.SignatureAlgorithm) && !selfIssued {
			return "is signed with " + c.SignatureAlgorithm.String() + ", which can be forged; its operator must get a new one"
		}
		if fault := lifetime(c, now); fault != "" {
			return "is issued by " + issuer(leaf) + ", and the certificate of " + subject(c) + " " + fault +
				"; its operator must install the chain that its authority offers now"
		}
	}
	last := chain[len(chain)-1]
	switch {
	case len(chain) > 1 && bytes.Equal(chain[1].RawSubject, leaf.RawIssuer) && !chain[1].IsCA:
		return noAuthority(leaf)
	case bytes.Equal(leaf.RawSubject, leaf.RawIssuer):
		return "is self-signed; its operator must get one from a public authority, or " + trust
	case len(chain) == 1:
		return "is issued by " + issuer(leaf) + ", which is not trusted here, or an intermediate certificate is missing; " +
			"its operator must send the whole chain, or " + trust
	}
	return "is issued by " + issuer(leaf) + " under " + issuer(last) + ", which is not trusted here; " +
		"its operator must get one from a public authority, or " + trust
}

func weak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

func issuer(c *x509.Certificate) string  { return nameOf(c.Issuer) }
func subject(c *x509.Certificate) string { return nameOf(c.Subject) }

// nameOf is the name of an authority as people call it.
func nameOf(n pkix.Name) string {
	name := n.CommonName
	if len(n.Organization) > 0 && !strings.Contains(name, n.Organization[0]) {
		if name != "" {
			name += " of "
		}
		name += n.Organization[0]
	}
	if name == "" {
		return "an authority without a name"
	}
	return fmt.Sprintf("%q", clean(name))
}

// clean makes what a peer wrote fit for a log and a terminal.
func clean(s string) string {
	const most = 120 // bytes
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func itoa(n int) string { return strconv.Itoa(n) }
