package tls_test

import (
	"bytes"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestForgerWritesWhatIsRead(t *testing.T) {
	for _, version := range versions {
		_, server, f := forgedPair(t, version, true)
		expect(t, server, f.record(typeData, []byte("one")), []byte("one"))
		expect(t, server, f.record(typeData, []byte("two")), []byte("two"))
		expect(t, server, f.record(typeData, nil), nil)
		client, _, f := forgedPair(t, version, false)
		expect(t, client, f.record(typeData, []byte("one")), []byte("one"))
	}
}

// TestKeyUpdate: the peer changes its keys and asks for ours (RFC 8446 §4.6.3).
// The answer must go out in front of the next data, whether the caller asks for
// it or not.
func TestKeyUpdate(t *testing.T) {
	for _, ask := range []bool{false, true} {
		client, server, f := forgedPair(t, tls.VersionTLS13, true)
		for round := range 5 {
			in := f.record(typeData, []byte("before"))
			in = append(in, f.record(typeHandshake, keyUpdateWanted)...)
			f.update(t)
			in = append(in, f.record(typeData, []byte(" after"))...)
			expect(t, server, in, []byte("before after"))
			var out []byte
			if ask {
				if out = server.Pending(); len(out) == 0 {
					t.Fatal("no answer is pending")
				}
			}
			out = append(out, encrypt(t, server, []byte("answer"))...)
			if server.Pending() != nil {
				t.Fatal("something is still pending")
			}
			got, err := client.Decrypt(out, nil)
			if err != nil || string(got) != "answer" {
				t.Fatalf("round %d, asked %v: %q, %v", round, ask, got, err)
			}
		}
	}
}

func TestKeyUpdateNotAskedForHasNoAnswer(t *testing.T) {
	_, server, f := forgedPair(t, tls.VersionTLS13, true)
	expect(t, server, f.record(typeHandshake, keyUpdate), nil)
	if out := server.Pending(); out != nil {
		t.Fatalf("%d bytes are pending", len(out))
	}
	f.update(t)
	expect(t, server, f.record(typeData, []byte("x")), []byte("x"))
}

// TestFragmentedMessage: a handshake message may be spread over records, and
// these over calls.
func TestFragmentedMessage(t *testing.T) {
	_, server, f := forgedPair(t, tls.VersionTLS13, true)
	for _, b := range keyUpdateWanted {
		for _, part := range f.record(typeHandshake, []byte{b}) {
			expect(t, server, []byte{part}, nil)
		}
	}
	f.update(t)
	expect(t, server, f.record(typeData, []byte("x")), []byte("x"))
	if len(server.Pending()) == 0 {
		t.Fatal("no answer")
	}
}

// TestKeyUpdateFlood: crypto/tls gives up after 16 records without data.
func TestKeyUpdateFlood(t *testing.T) {
	_, server, f := forgedPair(t, tls.VersionTLS13, true)
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		_, err = server.Decrypt(f.record(typeHandshake, keyUpdateWanted), nil)
		f.update(t)
	}
	if err == nil || n > 20 {
		t.Fatalf("%v after %d", err, n)
	}
	if out := server.Pending(); len(out) > 1000 {
		t.Fatalf("%d bytes are pending", len(out))
	}
}

// TestRenegotiationIsRefused in both directions and versions.
func TestRenegotiationIsRefused(t *testing.T) {
	hello := slices.Concat([]byte{1, 0, 0, 41, 3, 3}, bytes.Repeat([]byte{7}, 32), []byte{0, 0, 2, 0xc0, 0x2b, 1, 0})
	for name, c := range map[string]struct {
		version  uint16
		asClient bool
		message  []byte
	}{
		"1.2 client sends ClientHello":  {tls.VersionTLS12, true, hello},
		"1.2 server sends HelloRequest": {tls.VersionTLS12, false, helloRequest},
		"1.3 client sends ClientHello":  {tls.VersionTLS13, true, hello},
		"1.3 server sends HelloRequest": {tls.VersionTLS13, false, helloRequest},
	} {
		t.Run(name, func(t *testing.T) {
			client, server, f := forgedPair(t, c.version, c.asClient)
			receiver := server
			if !c.asClient {
				receiver = client
			}
			_, err := receiver.Decrypt(f.record(typeHandshake, c.message), nil)
			if err == nil || !strings.HasPrefix(err.Error(), "tls: ") && !strings.Contains(err.Error(), "local error") {
				t.Fatalf("got %v", err)
			}
			if len(receiver.Pending()) == 0 {
				t.Fatal("no alert")
			}
			if _, err := receiver.Decrypt(f.record(typeData, []byte("x")), nil); err == nil {
				t.Fatal("goes on")
			}
		})
	}
}
