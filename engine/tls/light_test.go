package tls_test

import (
	"crypto/tls"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestLight: the one step that a loop may do is the server's last of TLS 1.3, when
// no certificate of the client's is in it.
func TestLight(t *testing.T) {
	retry := func(server *tls.Config) { server.CurvePreferences = []tls.CurveID{tls.CurveP256} } // the client's share is X25519's
	ask := func(server *tls.Config) { server.ClientAuth = tls.RequestClientCert }
	for _, c := range []struct {
		name    string
		version uint16
		change  func(server *tls.Config)
		want    []bool // before each of the server's steps
	}{
		{"TLS 1.3", tls.VersionTLS13, nil, []bool{false, true}},
		{"TLS 1.3 with another hello", tls.VersionTLS13, retry, []bool{false, false, true}},
		{"TLS 1.3 that asks for a certificate", tls.VersionTLS13, ask, []bool{false, false}},
		{"TLS 1.2", tls.VersionTLS12, nil, []bool{false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			scfg, ccfg := serverConfig(t), clientConfig(c.version)
			ccfg.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256}
			if c.change != nil {
				c.change(scfg)
			}
			client, server := xtls.Client(ccfg), xtls.Server(scfg)
			defer client.Close()
			defer server.Close()
			var got []bool
			toServer, _, err := client.Step(nil)
			for done := false; !done; {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, server.Light())
				var toClient []byte
				if toClient, done, err = server.Step(toServer); err != nil {
					t.Fatal(err)
				}
				if client.Light() {
					t.Error("a client has no light step")
				}
				if !done {
					toServer, _, err = client.Step(toClient)
				}
			}
			if server.Light() {
				t.Error("light behind the end")
			}
			if len(got) != len(c.want) {
				t.Fatalf("light %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Fatalf("light %v, want %v", got, c.want)
				}
			}
		})
	}
}
