package certs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/certs"
)

// trusting are roots of only these authorities.
func trusting(t testing.TB, cas ...*testca.CA) *certs.Roots {
	t.Helper()
	s := certs.Sources{NoSystem: true}
	for _, ca := range cas {
		s.Files = append(s.Files, ca.File(t))
	}
	return load(t, s)
}

func load(t testing.TB, s certs.Sources) *certs.Roots {
	t.Helper()
	roots := &certs.Roots{}
	if err := roots.Load(s); err != nil {
		t.Fatal(err)
	}
	return roots
}

// proves tells what Verify and Proves say of a certificate.
func proves(t testing.TB, cert *tls.Certificate, roots *certs.Roots, server bool, domain string) error {
	t.Helper()
	return certs.Verify(testca.Chain(t, cert), roots, time.Now(), server).Proves(domain)
}

func TestNames(t *testing.T) {
	ca := testca.New(t, "Root")
	roots := trusting(t, ca)
	for _, tc := range []struct {
		name    string
		leaf    testca.Leaf
		yes, no []string
	}{
		{"DNS-ID", testca.Leaf{DNS: []string{"a.example", "B.example"}},
			[]string{"a.example", "b.example"}, []string{"c.example", "x.a.example", "example", "a.example.org"}},
		{"RFC 9525 §6.3: a wildcard is one label", testca.Leaf{DNS: []string{"*.a.example"}},
			[]string{"x.a.example", "bücher.a.example"}, []string{"a.example", "x.y.a.example", "*.a.example"}},
		{"part of a label is no wildcard", testca.Leaf{DNS: []string{"x*.a.example", "*x.a.example", "y.*.example", "*.*.example"}},
			nil, []string{"xy.a.example", "yx.a.example", "y.a.example", "a.b.example"}},
		{"SRV-ID", testca.Leaf{SRV: []string{"_xmpp-server.a.example", "_XMPP-Server.b.example"}},
			[]string{"a.example", "b.example"}, []string{"x.a.example", "_xmpp-server.a.example"}},
		{"SRV-ID of another service", testca.Leaf{SRV: []string{"_xmpp-client.a.example", "_imaps.a.example", "_xmpp-server.", "_xmpp-server"}},
			nil, []string{"a.example"}},
		{"SRV-ID has no wildcard", testca.Leaf{SRV: []string{"_xmpp-server.*.a.example"}}, nil, []string{"x.a.example"}},
		{"XmppAddr", testca.Leaf{XMPP: []string{"a.example"}}, []string{"a.example"}, []string{"x.a.example"}},
		{"XmppAddr of a user", testca.Leaf{XMPP: []string{"user@a.example", "a.example/x"}}, nil, []string{"a.example"}},
		{"all kinds", testca.Leaf{DNS: []string{"d.example"}, SRV: []string{"_xmpp-server.s.example"}, XMPP: []string{"x.example"}},
			[]string{"d.example", "s.example", "x.example"}, nil},
		{"IDN", testca.Leaf{DNS: []string{"xn--bcher-kva.example"}}, []string{"bücher.example", "xn--bcher-kva.example"}, []string{"bucher.example"}},
		{"IDN as SRV-ID, XmppAddr", testca.Leaf{SRV: []string{"_xmpp-server.xn--bcher-kva.example"}, XMPP: []string{"straße.example"}},
			[]string{"bücher.example", "straße.example"}, []string{"strasse.example"}},
		{"IP address", testca.Leaf{IPs: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")}},
			[]string{"192.0.2.1", "[2001:db8::1]"}, []string{"192.0.2.2", "[2001:db8::2]"}},
		{"an address in a DNS-ID is none", testca.Leaf{DNS: []string{"192.0.2.1", "*.0.2.1"}}, nil, []string{"192.0.2.1"}},
		{"the common name does not count", testca.Leaf{CommonName: "a.example"}, nil, []string{"a.example"}},
		{"nobody", testca.Leaf{}, nil, []string{"a.example", "", "[", "a..b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cert := ca.Issue(t, tc.leaf)
			for _, domain := range tc.yes {
				if err := proves(t, cert, roots, true, domain); err != nil {
					t.Errorf("%s: %v", domain, err)
				}
			}
			for _, domain := range tc.no {
				if err := proves(t, cert, roots, true, domain); err == nil {
					t.Errorf("%s is proved", domain)
				}
			}
		})
	}
}

// TestSentences: what is wrong is said, with what to do about it.
func TestSentences(t *testing.T) {
	root, other := testca.New(t, "Good Root"), testca.New(t, "Other Root")
	middle := root.Intermediate(t, "Middle", nil)
	day := func(n int) time.Time { return time.Now().AddDate(0, 0, n) }
	old := root.Intermediate(t, "Old Middle", func(c *x509.Certificate) { c.NotBefore, c.NotAfter = day(-9), day(-2) })
	mail := root.Intermediate(t, "Mail", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} })
	noCA := root.Intermediate(t, "No CA", func(c *x509.Certificate) { c.IsCA = false })
	bound := root.Intermediate(t, "Bound", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"b.example"} })
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	a := testca.Leaf{DNS: []string{"a.example"}}
	with := func(change func(*testca.Leaf)) testca.Leaf {
		l := a
		change(&l)
		return l
	}
	cut := middle.Issue(t, a)
	cut.Certificate = cut.Certificate[:1]
	sha1RSA := testca.SelfSigned(t, with(func(l *testca.Leaf) {
		l.Key = rsaKey(t)
		l.Edit = func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }
	}))
	roots := trusting(t, root)
	for _, tc := range []struct {
		name   string
		cert   *tls.Certificate
		client bool // the peer has opened the connection
		want   []string
	}{
		{name: "good", cert: root.Issue(t, a)},
		{name: "good with an intermediate", cert: middle.Issue(t, a)},
		{name: "good with an intermediate of few names", cert: bound.For(t, "a.b.example", "b.example"), want: []string{"for a.b.example, b.example is not one for a.example"}},
		{name: "expired", cert: root.Issue(t, with(func(l *testca.Leaf) { l.NotBefore, l.NotAfter = day(-9), day(-2) })),
			want: []string{"the certificate for a.example expired on " + day(-2).UTC().Format(time.DateOnly), "must renew"}},
		{name: "not yet", cert: root.Issue(t, with(func(l *testca.Leaf) { l.NotBefore, l.NotAfter = day(2), day(9) })),
			want: []string{"is not valid before " + day(2).UTC().Format(time.DateOnly), "here it is " + time.Now().UTC().Format(time.DateOnly)}},
		{name: "self-signed", cert: testca.SelfSigned(t, a), want: []string{"for a.example is self-signed", "tls.ca_file"}},
		{name: "self-signed without names", cert: testca.SelfSigned(t, testca.Leaf{CommonName: "old\x1b[2J"}), want: []string{"the certificate of old?[2J is self-signed"}},
		{name: "unknown authority", cert: other.Issue(t, a), want: []string{`issued by "Other Root", which is not trusted here`, "whole chain", "tls.ca_file"}},
		{name: "unknown root", cert: other.Intermediate(t, "Other Middle", nil).Issue(t, a), want: []string{`issued by "Other Middle" under "Other Root", which is not trusted`}},
		{name: "no intermediate", cert: cut, want: []string{`issued by "Middle"`, "intermediate certificate is missing", "whole chain"}},
		{name: "expired intermediate", cert: old.Issue(t, a), want: []string{`"Old Middle" expired on ` + day(-2).UTC().Format(time.DateOnly), "install the chain"}},
		{name: "issued by no authority", cert: noCA.Issue(t, a), want: []string{`signed by "No CA", which is no authority`}},
		{name: "authority of something else", cert: mail.Issue(t, a), want: []string{"is not for servers", "serverAuth"}},
		{name: "for clients, of a server", cert: root.Issue(t, with(func(l *testca.Leaf) { l.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })),
			want: []string{"is not for servers", "serverAuth"}},
		{name: "for clients, of who connects", client: true, cert: root.Issue(t, with(func(l *testca.Leaf) { l.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))},
		{name: "for servers, of who connects", client: true, cert: root.Issue(t, a)},
		{name: "for code, of who connects", client: true, cert: root.Issue(t, with(func(l *testca.Leaf) { l.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} })),
			want: []string{"is not for servers"}},
		{name: "for anything", cert: root.Issue(t, with(func(l *testca.Leaf) { l.Usages = []x509.ExtKeyUsage{} }))},
		{name: "key usage", cert: root.Issue(t, with(func(l *testca.Leaf) {
			l.Edit = func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }
		})),
			want: []string{"lacks digitalSignature"}},
		{name: "short key", cert: root.Issue(t, with(func(l *testca.Leaf) { l.Key = short })), want: []string{"weak RSA key of 1024 bits"}},
		{name: "forgeable signature, but of itself", cert: sha1RSA, want: []string{"is self-signed"}},
		{name: "names outside of the bound", cert: bound.Issue(t, a), want: []string{"may not vouch for"}},
		{name: "other kind of name outside of the bound", cert: bound.Issue(t, testca.Leaf{CommonName: "x", DNS: []string{"b.example"}, XMPP: []string{"a.example"}}),
			want: []string{"only in a way (SRV-ID, XmppAddr)", "DNS name"}},
		{name: "critical extension", cert: root.Issue(t, with(func(l *testca.Leaf) {
			l.Edit = func(c *x509.Certificate) {
				c.ExtraExtensions = append(c.ExtraExtensions, extension(true))
			}
		})), want: []string{"critical extension"}},
		{name: "other name", cert: root.For(t, "b.example", "c.example"), want: []string{"for b.example, c.example is not one for a.example", "must get one that names it"}},
		{name: "common name only", cert: root.Issue(t, testca.Leaf{CommonName: "a.example"}), want: []string{"the certificate of a.example names no domain", "RFC 9525"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := proves(t, tc.cert, roots, !tc.client, "a.example")
			if len(tc.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant %s", err, want)
				}
			}
		})
	}
}

// TestForgeableSignature: one by SHA-1 under a trusted root is refused, and why
// is said. The root is one whose key signs what crypto/x509 no longer verifies.
func TestForgeableSignature(t *testing.T) {
	key := rsaKey(t)
	self := testca.SelfSigned(t, testca.Leaf{CommonName: "RSA Root", Key: key, Edit: func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	}})
	template := &x509.Certificate{
		SerialNumber: self.Leaf.SerialNumber, DNSNames: []string{"a.example"}, SignatureAlgorithm: x509.SHA1WithRSA,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, self.Leaf, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := testca.Files(t, self)
	roots := load(t, certs.Sources{NoSystem: true, Files: []string{file}})
	err = proves(t, &tls.Certificate{Certificate: [][]byte{der}}, roots, true, "a.example")
	if err == nil || !strings.Contains(err.Error(), "signed with SHA1-RSA, which can be forged") {
		t.Error(err)
	}
}

// TestTrustedByItself: a self-signed certificate in tls.ca_file is trusted with
// its names, and with nothing else.
func TestTrustedByItself(t *testing.T) {
	cert := testca.SelfSigned(t, testca.Leaf{DNS: []string{"a.example"}})
	file, _ := testca.Files(t, cert)
	roots := load(t, certs.Sources{NoSystem: true, Files: []string{file}})
	if err := proves(t, cert, roots, true, "a.example"); err != nil {
		t.Error(err)
	}
	if err := proves(t, cert, roots, true, "b.example"); err == nil {
		t.Error("b.example is proved")
	}
	if err := proves(t, testca.SelfSigned(t, testca.Leaf{DNS: []string{"a.example"}}), roots, true, "a.example"); err == nil {
		t.Error("another certificate of the same name is trusted")
	}
}

func TestNoCertificate(t *testing.T) {
	if p := certs.Verify(nil, &certs.Roots{}, time.Now(), true); p != s2s.Proof(nil) {
		t.Error(p)
	}
}

func TestDescribe(t *testing.T) {
	ca := testca.New(t, "Root")
	leaf := ca.Issue(t, testca.Leaf{DNS: []string{"a.example", "*.a.example"}, NotAfter: time.Date(2040, 1, 2, 3, 0, 0, 0, time.UTC)}).Leaf
	if got, want := certs.Describe(leaf), `the certificate for a.example, *.a.example, issued by "Root", valid until 2040-01-02`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestLoad(t *testing.T) {
	one, two := testca.New(t, "One"), testca.New(t, "Two")
	roots := trusting(t, one)
	if err := proves(t, one.For(t, "a.example"), roots, true, "a.example"); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.pem")
	for content, want := range map[string]string{
		"":     "no such file",
		"text": "holds no certificate",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "certificate 1",
	} {
		if content != "" {
			if err := os.WriteFile(bad, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if content == "" {
			os.Remove(bad)
		}
		err := roots.Load(certs.Sources{NoSystem: true, Files: []string{two.File(t), bad}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := proves(t, one.For(t, "a.example"), roots, true, "a.example"); err != nil {
			t.Errorf("after an error: %v", err)
		}
	}
	if err := roots.Load(certs.Sources{NoSystem: true, Files: []string{two.File(t)}}); err != nil {
		t.Fatal(err)
	}
	if err := proves(t, two.For(t, "a.example"), roots, true, "a.example"); err != nil {
		t.Error(err)
	}
	if err := proves(t, one.For(t, "a.example"), roots, true, "a.example"); err == nil {
		t.Error("the authority that was removed is still trusted")
	}
	// With the system's authorities, those of the file count too.
	both := load(t, certs.Sources{Files: []string{two.File(t)}})
	if err := proves(t, two.For(t, "a.example"), both, true, "a.example"); err != nil {
		t.Error(err)
	}
}
