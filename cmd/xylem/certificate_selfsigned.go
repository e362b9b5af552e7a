package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	selfSignedYears = 3
	// selfSignedRenew is the time left at which a new one is made. The server
	// looks once a day.
	selfSignedRenew = 30 * 24 * time.Hour
)

// selfSigned is the pair in the two files, or a new one that is written there
// when there is none or it nears its end.
func selfSigned(domain, file, keyFile string, now time.Time) (pair *tls.Certificate, made bool, err error) {
	kept, err := tls.LoadX509KeyPair(file, keyFile)
	switch {
	case err == nil && !nearsEnd(kept.Leaf.NotAfter, now):
		return &kept, false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, false, fmt.Errorf("self-signed certificate of %s: %w; delete %s and %s to have new ones made", domain, err, file, keyFile)
	}
	cert, key, err := makeSelfSigned(domain, now)
	if err != nil {
		return nil, false, fmt.Errorf("self-signed certificate of %s: %w", domain, err)
	}
	if err := writePair(file, cert, keyFile, key); err != nil {
		return nil, false, fmt.Errorf("self-signed certificate of %s: %w", domain, err)
	}
	fresh, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, false, fmt.Errorf("self-signed certificate of %s: %w", domain, err)
	}
	return &fresh, true, nil
}

// nearsEnd tells whether a certificate of this program is to be made anew.
func nearsEnd(notAfter, now time.Time) bool { return notAfter.Sub(now) <= selfSignedRenew }

// selfSignedName is a domain as a file name: its ASCII form, with what file
// systems do not like (the colons of an IPv6 address) escaped.
func selfSignedName(domain string) string { return url.PathEscape(asciiName(domain)) }

// makeSelfSigned makes an ECDSA P-256 certificate for one domain, in PEM. It
// is not a certificate authority: who trusts it trusts it for this name only.
func makeSelfSigned(domain string, now time.Time) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.Add(-24 * time.Hour), // clients with a slow clock
		NotAfter:              now.AddDate(selfSignedYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	nameSubject(template, asciiName(domain))
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// nameSubject puts the domain into the certificate; localhost also gets the
// loopback addresses, which test clients connect to by number.
func nameSubject(template *x509.Certificate, name string) {
	if len(name) <= 64 { // the longest commonName, RFC 5280 appendix A
		template.Subject = pkix.Name{CommonName: name}
	} else {
		template.Subject = pkix.Name{CommonName: "xylem"}
	}
	if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil {
		template.IPAddresses = []net.IP{ip}
		return
	}
	template.DNSNames = []string{name}
	if name == "localhost" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
}

// writePair writes both files so that a crash leaves no half of one. The key
// goes first: a certificate without its key could not be mended by itself.
func writePair(certFile string, cert []byte, keyFile string, key []byte) error {
	if err := os.MkdirAll(filepath.Dir(certFile), 0o700); err != nil {
		return err
	}
	if err := os.Remove(certFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // the old certificate must not meet the new key
	}
	if err := writeFile(keyFile, key); err != nil {
		return err
	}
	return writeFile(certFile, cert)
}
