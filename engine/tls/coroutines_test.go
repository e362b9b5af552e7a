package tls_test

import (
	"runtime"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestHandshakesShareCoroutines: one handshake after the other runs on the same
// coroutine, also after one that was given up in the middle, and none is left when
// all is closed.
func TestHandshakesShareCoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	var shared xtls.Coroutines
	scfg, ccfg := serverConfig(t), clientConfig(versions["TLS1.3"])
	for i := range 10 {
		client, server := xtls.Client(ccfg), xtls.Server(scfg)
		server.RunOn(&shared)
		if i%2 == 0 {
			hello, _, err := client.Step(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, done, err := server.Step(hello); done || err != nil {
				t.Fatalf("done %v, %v", done, err)
			}
		} else {
			shake(t, client, server, 0)
			expect(t, client, encrypt(t, server, []byte("hello")), []byte("hello"))
		}
		client.Close()
		server.Close()
		if n := runtime.NumGoroutine(); n > before+1 {
			t.Fatalf("round %d: %d goroutines, one more than %d at most", i, n, before)
		}
	}
	late := xtls.Client(ccfg)
	late.RunOn(&shared)
	if _, _, err := late.Step(nil); err != nil {
		t.Fatal(err)
	}
	shared.Close()
	late.Close() // is given back to what is closed
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}
