package tls_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// newCertificate makes a self-signed ECDSA certificate for names.
func newCertificate(t testing.TB, names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serverConfig serves one certificate for every name.
func serverConfig(t testing.TB, alpn ...string) *tls.Config {
	cert := newCertificate(t, "localhost")
	return xtls.ServerConfig(func(string) (*tls.Certificate, error) { return cert, nil }, xtls.NewTickets(time.Now()), alpn...)
}

func clientConfig(version uint16) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", MinVersion: version, MaxVersion: version}
}

var versions = map[string]uint16{"TLS1.2": tls.VersionTLS12, "TLS1.3": tls.VersionTLS13}

// shake runs a handshake between two filters in pieces of at most piece bytes
// (0: whole flights). It returns what the client has still sent to the server,
// or the other way round, after both were done: nothing in a full handshake.
func shake(t testing.TB, client, server *xtls.Filter, piece int) {
	t.Helper()
	toServer, clientDone, err := client.Step(nil)
	if err != nil {
		t.Fatalf("client: %v", err)
	}
	var toClient []byte
	serverDone := false
	for range 100_000 {
		if clientDone && serverDone {
			if len(toClient) > 0 {
				if plain, err := client.Decrypt(toClient, nil); err != nil || len(plain) > 0 {
					t.Fatalf("client, after the handshake: %q, %v", plain, err)
				}
			}
			return
		}
		var out []byte
		if n := cut(len(toServer), piece); n > 0 && !serverDone {
			out, serverDone, err = server.Step(toServer[:n])
			toServer, toClient = toServer[n:], append(toClient, out...)
			if err != nil {
				t.Fatalf("server: %v", err)
			}
		}
		if n := cut(len(toClient), piece); n > 0 && !clientDone {
			out, clientDone, err = client.Step(toClient[:n])
			toClient, toServer = toClient[n:], append(toServer, out...)
			if err != nil {
				t.Fatalf("client: %v", err)
			}
		}
	}
	t.Fatal("the handshake does not end")
}

func cut(n, piece int) int {
	if piece > 0 {
		return min(n, piece)
	}
	return n
}

// pair returns both ends of an established connection.
func pair(t testing.TB, version uint16) (client, server *xtls.Filter) {
	t.Helper()
	client, server = xtls.Client(clientConfig(version)), xtls.Server(serverConfig(t))
	shake(t, client, server, 0)
	t.Cleanup(client.Close)
	t.Cleanup(server.Close)
	return client, server
}

func encrypt(t testing.TB, f *xtls.Filter, plain []byte) []byte {
	t.Helper()
	out, err := f.Encrypt(plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// expect decrypts in and compares what comes out, and the error if one is expected.
func expect(t testing.TB, f *xtls.Filter, in, want []byte, wantErr ...error) {
	t.Helper()
	got, err := f.Decrypt(in, nil)
	if len(wantErr) > 0 && err == wantErr[0] {
		err = nil
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes (%.40q), %v; want %d", len(got), got, err, len(want))
	}
}
