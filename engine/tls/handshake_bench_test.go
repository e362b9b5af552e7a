package tls_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// exchanges are the key exchanges of TLS 1.3 that clients of today offer first.
var exchanges = map[string]tls.CurveID{"X25519MLKEM768": tls.X25519MLKEM768, "X25519": tls.X25519}

// BenchmarkServerHandshake is the server's part of a handshake of TLS 1.3, in
// server-ns/op: of a Filter, of crypto/tls by itself, and of the arithmetic that no
// server can do without.
func BenchmarkServerHandshake(b *testing.B) {
	for name, curve := range exchanges {
		ccfg := clientConfig(tls.VersionTLS13)
		ccfg.CurvePreferences = []tls.CurveID{curve}
		scfg := serverConfig(b)
		b.Run(name+"/filter", func(b *testing.B) { serverTime(b, func() time.Duration { return filterServer(b, scfg, ccfg) }) })
		b.Run(name+"/stock", func(b *testing.B) { serverTime(b, func() time.Duration { return stockServer(b, scfg, ccfg) }) })
		resuming := ccfg.Clone()
		resuming.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		b.Run(name+"/filter resumed", func(b *testing.B) {
			filterServer(b, scfg, resuming)
			serverTime(b, func() time.Duration { return filterServer(b, scfg, resuming) })
		})
		b.Run(name+"/arithmetic", func(b *testing.B) { arithmetic(b, curve == tls.X25519MLKEM768) })
	}
}

// serverTime reports what each call returns.
func serverTime(b *testing.B, once func() time.Duration) {
	b.ReportAllocs()
	var sum time.Duration
	for b.Loop() {
		sum += once()
	}
	b.ReportMetric(float64(sum)/float64(b.N), "server-ns/op")
}

// filterServer makes one handshake between filters and returns the time of the
// server's.
func filterServer(b *testing.B, scfg, ccfg *tls.Config) (spent time.Duration) {
	client, server := xtls.Client(ccfg), xtls.Server(scfg)
	defer client.Close()
	defer server.Close()
	toServer, _, err := client.Step(nil)
	for done := false; !done && err == nil; {
		var toClient []byte
		begin := time.Now()
		toClient, done, err = server.Step(toServer)
		spent += time.Since(begin)
		if err == nil && !done {
			toServer, _, err = client.Step(toClient)
		}
	}
	if err == nil {
		var ticket []byte
		if ticket, err = server.Encrypt(nil, nil); err == nil {
			_, err = client.Decrypt(ticket, nil)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return spent
}

// stockServer is the same with a tls.Conn on the server's side.
func stockServer(b *testing.B, scfg, ccfg *tls.Config) time.Duration {
	client := xtls.Client(ccfg)
	defer client.Close()
	w := &inlineClient{b: b, client: client}
	begin := time.Now()
	if err := tls.Server(w, scfg).Handshake(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin) - w.spent
}

// inlineClient is the connection of a server that has the client answer when it
// reads.
type inlineClient struct {
	net.Conn // for the addresses that nobody asks for
	b        *testing.B
	client   *xtls.Filter
	in, out  []byte
	spent    time.Duration // by the client
}

func (c *inlineClient) Read(p []byte) (int, error) {
	if len(c.out) == 0 {
		begin := time.Now()
		var err error
		if c.out, _, err = c.client.Step(c.in); err != nil {
			return 0, err
		}
		c.in = nil
		c.spent += time.Since(begin)
	}
	if len(c.out) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *inlineClient) Write(p []byte) (int, error) {
	c.in = append(c.in, p...)
	return len(p), nil
}

// arithmetic is a key exchange and a signature, with new keys as in a handshake.
func arithmetic(b *testing.B, hybrid bool) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	peer, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	kem, err := mlkem.GenerateKey768()
	if err != nil {
		b.Fatal(err)
	}
	share, transcript := kem.EncapsulationKey().Bytes(), sha256.Sum256(nil)
	serverTime(b, func() time.Duration {
		begin := time.Now()
		own, _ := ecdh.X25519().GenerateKey(rand.Reader)
		if _, err := own.ECDH(peer.PublicKey()); err != nil {
			b.Fatal(err)
		}
		if hybrid {
			key, err := mlkem.NewEncapsulationKey768(share)
			if err != nil {
				b.Fatal(err)
			}
			key.Encapsulate()
		}
		if _, err := ecdsa.SignASN1(rand.Reader, signer, transcript[:]); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	})
}
