package tls_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

func TestInfo(t *testing.T) {
	for name, version := range versions {
		cert := newCertificate(t, "localhost")
		var asked string
		server := xtls.Server(xtls.ServerConfig(func(serverName string) (*tls.Certificate, error) {
			asked = serverName
			return cert, nil
		}, nil, xtls.ALPNClient))
		cfg := clientConfig(version)
		cfg.NextProtos = []string{"h2", xtls.ALPNClient}
		client := xtls.Client(cfg)
		if server.Info().Version != 0 {
			t.Errorf("%s: Info before the handshake: %+v", name, server.Info())
		}
		shake(t, client, server, 0)
		s, c := server.Info(), client.Info()
		sum := sha256.Sum256(cert.Certificate[0])
		if s.Version != version || s.CipherSuite == 0 || s.Resumed || s.ALPN != xtls.ALPNClient || s.ServerName != "localhost" || asked != "localhost" {
			t.Errorf("%s: %+v", name, s)
		}
		if ours, theirs := s.Exporter(), c.Exporter(); len(ours) != 32 || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: tls-exporter %x and %x", name, ours, theirs)
		}
		if len(s.Unique) != len(c.Unique) || !bytes.Equal(s.Unique, c.Unique) || (len(s.Unique) > 0) != (version == tls.VersionTLS12) {
			t.Errorf("%s: tls-unique %x and %x", name, s.Unique, c.Unique)
		}
		if !bytes.Equal(s.EndPoint, sum[:]) || !bytes.Equal(c.EndPoint, sum[:]) {
			t.Errorf("%s: tls-server-end-point %x and %x, want %x", name, s.EndPoint, c.EndPoint, sum)
		}
		if len(c.PeerCertificates) != 1 || len(s.PeerCertificates) != 0 {
			t.Errorf("%s: peer certificates %d and %d", name, len(c.PeerCertificates), len(s.PeerCertificates))
		}
		server.Forget()
		if server.Info().Version != 0 || !server.Established() {
			t.Errorf("%s: Forget", name)
		}
		client.Close()
		server.Close()
	}
}

// TestExporterIsThatOfRFC9266 compares with what an ordinary tls.Conn at the
// other end exports: 32 bytes under the label, with a context of zero length.
func TestExporterIsThatOfRFC9266(t *testing.T) {
	for name, version := range versions {
		a, b := net.Pipe()
		c, f := tls.Client(a, clientConfig(version)), xtls.Server(serverConfig(t))
		failed := make(chan error, 1)
		go func() { failed <- c.Handshake() }()
		buf := make([]byte, 32<<10)
		for done := false; !done; {
			n, err := b.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			var out []byte
			if out, done, err = f.Step(buf[:n]); err != nil {
				t.Fatal(err)
			}
			if len(out) == 0 {
				continue // a net.Pipe would wait for a reader even of nothing
			}
			if _, err := b.Write(out); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
		state := c.ConnectionState()
		want, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Info().Exporter(); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", name, got, want)
		}
		_, other := pair(t, version)
		if bytes.Equal(other.Info().Exporter(), want) {
			t.Errorf("%s: two connections, one exporter", name)
		}
		f.Close()
		a.Close()
	}
}

// TestResumption: a ticket is taken, and tls-server-end-point still names the
// right certificate; after a change of the certificate it is not taken.
func TestResumption(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			cert := newCertificate(t, "localhost")
			scfg := xtls.ServerConfig(func(string) (*tls.Certificate, error) { return cert, nil }, xtls.NewTickets(time.Now()))
			ccfg := clientConfig(version)
			ccfg.ClientSessionCache = tls.NewLRUClientSessionCache(8)
			for i, resumed := range []bool{false, true, true, false, true} {
				if i == 3 {
					cert = newCertificate(t, "localhost")
				}
				client, server := xtls.Client(ccfg), xtls.Server(scfg)
				shake(t, client, server, 0)
				sum := sha256.Sum256(cert.Certificate[0])
				s, c := server.Info(), client.Info()
				if s.Resumed != resumed || c.Resumed != resumed {
					t.Errorf("connection %d resumed: %v, %v", i, s.Resumed, c.Resumed)
				}
				if !bytes.Equal(s.EndPoint, sum[:]) || !bytes.Equal(c.EndPoint, sum[:]) || !bytes.Equal(s.Exporter(), c.Exporter()) {
					t.Errorf("connection %d: bindings differ", i)
				}
				expect(t, client, encrypt(t, server, []byte("x")), []byte("x"))
				expect(t, server, encrypt(t, client, []byte("x")), []byte("x"))
				client.Close()
				server.Close()
			}
		})
	}
}

// refused runs a handshake that must fail, and returns what both ends say.
func refused(t *testing.T, ccfg, scfg *tls.Config) (clientErr, serverErr error) {
	t.Helper()
	client, server := xtls.Client(ccfg), xtls.Server(scfg)
	defer client.Close()
	defer server.Close()
	hello, _, err := client.Step(nil)
	if err != nil {
		t.Fatal(err)
	}
	out, done, serverErr := server.Step(hello)
	if done || serverErr == nil {
		t.Fatalf("done %v, %v", done, serverErr)
	}
	_, _, clientErr = client.Step(out)
	return clientErr, serverErr
}

func TestALPN(t *testing.T) {
	scfg := serverConfig(t, xtls.ALPNClient)
	for _, version := range versions {
		ccfg := clientConfig(version)
		client, server := xtls.Client(ccfg), xtls.Server(scfg)
		shake(t, client, server, 0)
		if alpn := server.Info().ALPN; alpn != "" {
			t.Errorf("no ALPN from the client, and %q", alpn)
		}
		client.Close()
		server.Close()
		ccfg.NextProtos = []string{"h2", "http/1.1"}
		if err, _ := refused(t, ccfg, scfg); err == nil || !strings.Contains(err.Error(), "no application protocol") {
			t.Errorf("other names: %v", err)
		}
	}
}

func TestNoCertificateAndOldVersion(t *testing.T) {
	none := xtls.ServerConfig(func(string) (*tls.Certificate, error) { return nil, nil }, xtls.NewTickets(time.Now()))
	broken := xtls.ServerConfig(func(string) (*tls.Certificate, error) { return nil, errors.New("no disk") }, xtls.NewTickets(time.Now()))
	for name, c := range map[string]struct {
		version uint16
		scfg    *tls.Config
		want    string
	}{
		"no certificate 1.2": {tls.VersionTLS12, none, "unrecognized name"},
		"no certificate 1.3": {tls.VersionTLS13, none, "unrecognized name"},
		"error":              {tls.VersionTLS13, broken, "internal error"},
		"TLS 1.1":            {tls.VersionTLS11, serverConfig(t), "protocol version"},
	} {
		if err, _ := refused(t, clientConfig(c.version), c.scfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndPointFollowsTheSignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, hash := range map[x509.SignatureAlgorithm]crypto.Hash{
		x509.SHA256WithRSA: crypto.SHA256, x509.SHA384WithRSA: crypto.SHA384, x509.SHA512WithRSA: crypto.SHA512,
		x509.SHA256WithRSAPSS: crypto.SHA256, x509.SHA512WithRSAPSS: crypto.SHA512,
	} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: algorithm}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		h := hash.New()
		h.Write(der)
		if got := xtls.EndPoint(cert); !bytes.Equal(got, h.Sum(nil)) {
			t.Errorf("%v: %x", algorithm, got)
		}
	}
	// RFC 5929 §4.1: MD5 and SHA-1 count as SHA-256.
	sum := sha256.Sum256([]byte("raw"))
	for _, algorithm := range []x509.SignatureAlgorithm{x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1} {
		if got := xtls.EndPoint(&x509.Certificate{SignatureAlgorithm: algorithm, Raw: []byte("raw")}); !bytes.Equal(got, sum[:]) {
			t.Errorf("%v: %x", algorithm, got)
		}
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if got := xtls.EndPoint(cert); got != nil {
		t.Errorf("Ed25519: %x", got)
	}
}
