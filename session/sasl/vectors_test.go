package sasl_test

import (
	"encoding/base64"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

var secret = []byte("a secret of the server, 32 bytes")

func fixed(s string) func() []byte { return func() []byte { return []byte(s) } }

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vector is an exchange as an RFC prints it.
type vector struct {
	mechanism, clientNonce, serverNonce, salt string
	first, challenge, final, success          string
}

var vectors = map[string]vector{
	"RFC5802_5": {
		mechanism: sasl.SCRAMSHA1, clientNonce: "fyko+d2lbbFgONRv9qkxdawL", serverNonce: "3rfcNHYJY1ZVvWVs7j", salt: "QSXCR+Q6sek8bf92",
		first:     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
		challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
		final:     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		success:   "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
	},
	"RFC7677_3": {
		mechanism: sasl.SCRAMSHA256, clientNonce: "rOprNGfwEbeRWgbNEkqO", serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
		first:     "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
		challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		final:     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		success:   "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
	},
}

func TestVectorsServer(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			creds := sasl.DeriveWith("pencil", unbase64(t, v.salt), 4096)
			e, err := sasl.Start(v.mechanism, &sasl.Config{DecoySecret: secret, Nonce: fixed(v.serverNonce)})
			if err != nil {
				t.Fatal(err)
			}
			if s := e.Respond([]byte(v.first)); s.Kind != sasl.NeedCredentials || e.Username() != "user" {
				t.Fatalf("first: %+v for %q", s, e.Username())
			}
			if s := e.Credentials(&creds); s.Kind != sasl.Challenge || string(s.Data) != v.challenge {
				t.Fatalf("challenge: %v %q", s.Kind, s.Data)
			}
			if s := e.Respond([]byte(v.final)); s.Kind != sasl.Success || string(s.Data) != v.success {
				t.Fatalf("final: %+v %q", s, s.Data)
			}
			if s := e.Respond([]byte(v.final)); s.Kind != sasl.Failure || s.Condition != sasl.CondMalformedRequest {
				t.Fatalf("after success: %+v", s)
			}
		})
	}
}

func TestVectorsClient(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			c, err := sasl.NewClient(v.mechanism, sasl.ClientConfig{Username: "user", Password: "pencil", Nonce: fixed(v.clientNonce)})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.First(); string(got) != v.first {
				t.Fatalf("first: %q", got)
			}
			if got, err := c.Next([]byte(v.challenge)); err != nil || string(got) != v.final {
				t.Fatalf("final: %q, %v", got, err)
			}
			if err := c.Finish([]byte(v.success)); err != nil {
				t.Fatal(err)
			}
		})
	}
}
