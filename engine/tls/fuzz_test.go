package tls_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// FuzzHandshake feeds anything to a server that waits for a ClientHello: no
// panic, never done, and cutting the input differently changes nothing but the
// place where the error is noticed.
func FuzzHandshake(f *testing.F) {
	client := xtls.Client(clientConfig(tls.VersionTLS13))
	hello, _, err := client.Step(nil)
	if err != nil {
		f.Fatal(err)
	}
	client.Close()
	f.Add(hello, uint16(5))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint16(1))
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), uint16(3))
	cfg := serverConfig(f)
	f.Fuzz(func(t *testing.T, in []byte, piece uint16) {
		if len(in) > xtls.MaxHeld {
			return
		}
		whole, cutUp := xtls.Server(cfg), xtls.Server(cfg)
		defer whole.Close()
		defer cutUp.Close()
		_, done, wholeErr := whole.Step(in)
		if done {
			t.Fatal("done without a second flight")
		}
		var err error
		for rest := in; len(rest) > 0 && err == nil; {
			n := cut(len(rest), int(piece)+1)
			if _, done, err = cutUp.Step(rest[:n]); done {
				t.Fatal("done without a second flight")
			}
			rest = rest[n:]
		}
		if (err == nil) != (wholeErr == nil) || err != nil && err.Error() != wholeErr.Error() {
			t.Fatalf("at once: %v; in pieces of %d: %v", wholeErr, int(piece)+1, err)
		}
	})
}

// FuzzDecrypt damages one byte of a conversation and cuts it anywhere: what
// comes out is a prefix of what went in, all of it if nothing was damaged.
func FuzzDecrypt(f *testing.F) {
	f.Add(false, uint16(0), byte(0), uint16(7), uint16(300))
	f.Add(true, uint16(3), byte(0x40), uint16(1), uint16(17000))
	f.Add(true, uint16(600), byte(1), uint16(64), uint16(400))
	scfg := map[bool]*tls.Config{false: serverConfig(f), true: serverConfig(f)}
	f.Fuzz(func(t *testing.T, old bool, at uint16, flip byte, piece, size uint16) {
		version := uint16(tls.VersionTLS13)
		if old {
			version = tls.VersionTLS12
		}
		client, server := xtls.Client(clientConfig(version)), xtls.Server(scfg[old])
		defer client.Close()
		defer server.Close()
		shake(t, client, server, 0)
		var wire, want, got []byte
		for i := range 3 {
			m := bytes.Repeat([]byte{byte('a' + i)}, int(size)+i)
			want, wire = append(want, m...), append(wire, encrypt(t, client, m)...)
		}
		wire[int(at)%len(wire)] ^= flip
		var err error
		for len(wire) > 0 && err == nil {
			n := cut(len(wire), int(piece)+1)
			got, err = server.Decrypt(wire[:n], got)
			wire = wire[n:]
		}
		if !bytes.HasPrefix(want, got) {
			t.Fatalf("%d bytes that were never sent", len(got))
		}
		if flip == 0 && (err != nil || len(got) != len(want)) {
			t.Fatalf("undamaged: %d of %d bytes, %v", len(got), len(want), err)
		}
		if errors.Is(err, xtls.ErrPhase) || errors.Is(err, xtls.ErrClosed) {
			t.Fatal(err)
		}
	})
}
