package sasl_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
	mellium "mellium.im/sasl"
)

// tlsPair returns the states of both ends of a TLS 1.3 connection.
func tlsPair(t *testing.T) (client, server tls.ConnectionState) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	s := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true})
	c := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	failed := make(chan error, 1)
	go func() { failed <- s.Handshake() }()
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState(), s.ConnectionState()
}

// TestMelliumClient lets the client side of mellium.im/sasl log in.
func TestMelliumClient(t *testing.T) {
	clientState, serverState := tlsPair(t)
	exporter, err := serverState.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &sasl.Config{Bindings: []sasl.Binding{{Type: sasl.TLSExporter, Data: exporter}}, Domain: "example.org", DecoySecret: secret}
	stored := derive(t, "pen,cil=")
	for name, mechanism := range map[string]mellium.Mechanism{
		sasl.Plain: mellium.Plain, sasl.SCRAMSHA1: mellium.ScramSha1, sasl.SCRAMSHA256: mellium.ScramSha256,
		sasl.SCRAMSHA1Plus: mellium.ScramSha1Plus, sasl.SCRAMSHA256Plus: mellium.ScramSha256Plus,
	} {
		for password, want := range map[string]sasl.StepKind{"pen,cil=": sasl.Success, "pencil": sasl.Failure} {
			t.Run(name+"/"+want.String(), func(t *testing.T) {
				if mechanism.Name != name {
					t.Fatalf("mellium's name is %q", mechanism.Name)
				}
				// No authzid: mellium does not escape it.
				c := mellium.NewClient(mechanism, mellium.RemoteMechanisms(name), mellium.TLSState(clientState),
					mellium.Credentials(func() ([]byte, []byte, []byte) { return []byte("a=b,c"), []byte(password), nil }))
				e, err := sasl.Start(name, cfg)
				if err != nil {
					t.Fatal(err)
				}
				more, msg, err := c.Step(nil)
				if err != nil {
					t.Fatal(err)
				}
				s := e.Respond(msg)
				for {
					switch s.Kind {
					case sasl.NeedCredentials:
						s = e.Credentials(stored)
						continue
					case sasl.NeedVerify:
						s = e.Verified(cfg.Verify(stored, e.Username(), s.Password))
						continue
					case sasl.Challenge:
						if more, msg, err = c.Step(s.Data); err != nil {
							t.Fatal(err)
						}
						s = e.Respond(msg)
						continue
					}
					break
				}
				if s.Kind != want {
					t.Fatalf("got %+v", s)
				}
				if s.Kind == sasl.Success && more && len(s.Data) > 0 {
					if _, _, err := c.Step(s.Data); err != nil {
						t.Fatalf("mellium does not accept our signature: %v", err)
					}
				}
			})
		}
	}
}
