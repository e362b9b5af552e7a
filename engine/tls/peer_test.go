package tls_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestPeersSeeEachOthersCertificates: in both versions both ends have the
// other's certificate after the handshake, whoever issued it, and data flows.
func TestPeersSeeEachOthersCertificates(t *testing.T) {
	ours, theirs := newCertificate(t, "ours.example"), newCertificate(t, "theirs.example")
	for name, version := range versions {
		for _, direct := range []bool{false, true} {
			var alpn []string
			if direct {
				alpn = []string{xtls.ALPNServer}
			}
			scfg := xtls.PeerServerConfig(fixed(theirs), alpn...)
			ccfg := xtls.PeerClientConfig("theirs.example", func() (*tls.Certificate, error) { return ours, nil }, direct)
			scfg.MaxVersion, ccfg.MaxVersion = version, version
			client, server := xtls.Client(ccfg), xtls.Server(scfg)
			shake(t, client, server, 0)
			s, c := server.Info(), client.Info()
			if !shows(s, ours) || !shows(c, theirs) {
				t.Errorf("%s: certificates %d and %d", name, len(s.PeerCertificates), len(c.PeerCertificates))
			}
			if s.ServerName != "theirs.example" || s.Version != version || s.Resumed {
				t.Errorf("%s: %+v", name, s)
			}
			if direct != (s.ALPN == xtls.ALPNServer) || s.ALPN != c.ALPN {
				t.Errorf("%s, direct %v: ALPN %q", name, direct, s.ALPN)
			}
			expect(t, client, encrypt(t, server, []byte("<stream>")), []byte("<stream>"))
			expect(t, server, encrypt(t, client, []byte("<stream>")), []byte("<stream>"))
			client.Close()
			server.Close()
		}
	}
}

// TestPeerWithoutCertificate: no certificate on our side is no reason to fail.
func TestPeerWithoutCertificate(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	theirs := newCertificate(t, "theirs.example")
	for what, own := range map[string]func() (*tls.Certificate, error){
		"none":  func() (*tls.Certificate, error) { return nil, nil },
		"error": func() (*tls.Certificate, error) { return nil, errors.New("no disk") },
	} {
		for name, version := range versions {
			scfg, ccfg := xtls.PeerServerConfig(fixed(theirs)), xtls.PeerClientConfig("theirs.example", own, false)
			scfg.MaxVersion, ccfg.MaxVersion = version, version
			client, server := xtls.Client(ccfg), xtls.Server(scfg)
			shake(t, client, server, 7)
			if n := len(server.Info().PeerCertificates); n != 0 {
				t.Errorf("%s, %s: %d certificates", what, name, n)
			}
			client.Close()
			server.Close()
		}
	}
	// A kind of signature that the peer cannot check is not shown to it.
	odd := xtls.PeerClientConfig("", func() (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
	}, false)
	for scheme, want := range map[tls.SignatureScheme]int{tls.ECDSAWithP256AndSHA256: 0, tls.Ed25519: 1} {
		got, err := odd.GetClientCertificate(&tls.CertificateRequestInfo{
			Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{scheme}, AcceptableCAs: [][]byte{{0x30, 0}},
		})
		if err != nil || len(got.Certificate) != want {
			t.Errorf("%v: %v, %v", scheme, got, err)
		}
	}
}

// TestPeerOfAnotherALPN: a client that speaks HTTP at the port is refused.
func TestPeerOfAnotherALPN(t *testing.T) {
	ccfg := xtls.PeerClientConfig("a.example", func() (*tls.Certificate, error) { return nil, nil }, true)
	ccfg.NextProtos = []string{"h2"}
	if err, _ := refused(t, ccfg, xtls.PeerServerConfig(fixed(newCertificate(t, "a.example")), xtls.ALPNServer)); err == nil {
		t.Error("no error")
	}
}

func fixed(cert *tls.Certificate) xtls.GetCertificate {
	return func(string) (*tls.Certificate, error) { return cert, nil }
}

func shows(info xtls.Info, cert *tls.Certificate) bool {
	return len(info.PeerCertificates) == 1 && string(info.PeerCertificates[0].Raw) == string(cert.Certificate[0])
}
