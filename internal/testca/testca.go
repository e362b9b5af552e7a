// Package testca is a certificate authority for tests: it issues certificates
// with every kind of name that XMPP knows, and every fault that a real one may
// have.
package testca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is an authority with its key. Make it with New or CA.Intermediate.
type CA struct {
	Cert *x509.Certificate
	key  crypto.Signer
	path [][]byte // what is sent behind a leaf: this CA and those above, without the root
}

// Leaf is what a certificate says. Its zero value names nobody, is valid from
// an hour ago for a day, and may be used for servers.
type Leaf struct {
	CommonName string
	DNS        []string // DNS-ID, may be wildcards
	SRV        []string // SRV-ID, such as "_xmpp-server.example.org" (RFC 4985)
	XMPP       []string // id-on-xmppAddr (RFC 6120 §13.7.1.4)
	IPs        []net.IP

	NotBefore, NotAfter time.Time
	Usages              []x509.ExtKeyUsage // nil: serverAuth; empty: no such extension

	Key  crypto.Signer           // nil: ECDSA P-256
	Edit func(*x509.Certificate) // last changes to the template
}

// New makes a root.
func New(t testing.TB, name string) *CA {
	t.Helper()
	key := newKey(t)
	template := authority(name)
	return &CA{Cert: sign(t, template, template, key.Public(), key), key: key}
}

// Intermediate makes an authority below ca. edit, unless nil, changes its
// template.
func (ca *CA) Intermediate(t testing.TB, name string, edit func(*x509.Certificate)) *CA {
	t.Helper()
	key := newKey(t)
	template := authority(name)
	if edit != nil {
		edit(template)
	}
	cert := sign(t, template, ca.Cert, key.Public(), ca.key)
	return &CA{Cert: cert, key: key, path: append([][]byte{cert.Raw}, ca.path...)}
}

// Issue makes a certificate, with the intermediates that a server sends.
func (ca *CA) Issue(t testing.TB, leaf Leaf) *tls.Certificate {
	t.Helper()
	key := leaf.key(t)
	cert := sign(t, leaf.template(t), ca.Cert, key.Public(), ca.key)
	return &tls.Certificate{Certificate: append([][]byte{cert.Raw}, ca.path...), PrivateKey: key, Leaf: cert}
}

// For makes a certificate for domains (DNS-ID), as most servers have.
func (ca *CA) For(t testing.TB, domains ...string) *tls.Certificate {
	t.Helper()
	return ca.Issue(t, Leaf{DNS: domains})
}

// SelfSigned makes a certificate that no authority has signed.
func SelfSigned(t testing.TB, leaf Leaf) *tls.Certificate {
	t.Helper()
	key := leaf.key(t)
	template := leaf.template(t)
	cert := sign(t, template, template, key.Public(), key)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// Chain is what the other end of a handshake gets to see.
func Chain(t testing.TB, cert *tls.Certificate) (chain []*x509.Certificate) {
	t.Helper()
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}

// File writes the authority's certificate into a file of the test and returns
// its name, for tls.ca_file.
func (ca *CA) File(t testing.TB) string {
	t.Helper()
	return write(t, t.TempDir(), "ca.pem", block("CERTIFICATE", ca.Cert.Raw))
}

// Files writes a certificate with its chain, and its key, into files of the
// test, for [[tls.certificate]].
func Files(t testing.TB, cert *tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	var chain []byte
	for _, der := range cert.Certificate {
		chain = append(chain, block("CERTIFICATE", der)...)
	}
	dir := t.TempDir()
	return write(t, dir, "cert.pem", chain), write(t, dir, "key.pem", block("PRIVATE KEY", key))
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
}

func (l *Leaf) key(t testing.TB) crypto.Signer {
	if l.Key != nil {
		return l.Key
	}
	return newKey(t)
}

func (l *Leaf) template(t testing.TB) *x509.Certificate {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: l.CommonName}, NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: l.Usages, BasicConstraintsValid: true,
	}
	if l.Usages == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if l.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if l.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	if san := l.names(t); san != nil {
		template.ExtraExtensions = []pkix.Extension{{Id: oidSubjectAltName, Value: san, Critical: l.CommonName == ""}}
	}
	if l.Edit != nil {
		l.Edit(template)
	}
	return template
}

func sign(t testing.TB, template, parent *x509.Certificate, public any, key crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB) crypto.Signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t testing.TB, dir, name string, content []byte) string {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
