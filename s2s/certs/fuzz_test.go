package certs_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/xylem-im/xylem/internal/testca"
	"github.com/xylem-im/xylem/s2s/certs"
)

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

func extension(critical bool) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: critical, Value: []byte{5, 0}}
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// FuzzNames feeds hostile subjectAltName extensions: nothing panics, and no
// domain is proved whose letters the extension does not hold.
func FuzzNames(f *testing.F) {
	ca := testca.New(f, "Root")
	roots := trusting(f, ca)
	base := ca.Issue(f, testca.Leaf{CommonName: "x", Usages: []x509.ExtKeyUsage{}})
	leaf := testca.Chain(f, base)[0]
	for _, l := range []testca.Leaf{
		{DNS: []string{"a.example"}},
		{SRV: []string{"_xmpp-server.a.example"}, XMPP: []string{"a.example", "b.example"}},
	} {
		for _, ext := range ca.Issue(f, l).Leaf.Extensions {
			if ext.Id.Equal(subjectAltName) {
				f.Add(ext.Value)
			}
		}
	}
	f.Add([]byte{0x30, 0x80, 0xa0, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, san []byte) {
		// As if the authority had signed this extension: only its reading is tested.
		cert := *leaf
		cert.Extensions = append(slices.Clone(leaf.Extensions), pkix.Extension{Id: subjectAltName, Value: san})
		proof := certs.Verify([]*x509.Certificate{&cert}, roots, time.Now(), true)
		if proof.Proves("never.example") == nil && !slices.Contains(san, 'v') {
			t.Errorf("%x proves never.example", san)
		}
		if text := certs.Describe(&cert); text == "" {
			t.Error("no description")
		}
	})
}
