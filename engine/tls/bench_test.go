package tls_test

import (
	"runtime"
	"testing"

	xtls "github.com/xylem-im/xylem/engine/tls"
)

// TestNoAllocationPerRecord: 400 bytes each way, in the steady state.
func TestNoAllocationPerRecord(t *testing.T) {
	for name, version := range versions {
		client, server := pair(t, version)
		plain := make([]byte, 400)
		wire, got := make([]byte, 0, 4096), make([]byte, 0, 4096)
		for _, c := range []struct {
			direction string
			from, to  *xtls.Filter
		}{{"to the server", client, server}, {"to the client", server, client}} {
			n := testing.AllocsPerRun(1000, func() {
				var err error
				if wire, err = c.from.Encrypt(plain, wire[:0]); err != nil {
					t.Fatal(err)
				}
				if got, err = c.to.Decrypt(wire, got[:0]); err != nil || len(got) != len(plain) {
					t.Fatal(len(got), err)
				}
			})
			if n > poolAllocs {
				t.Errorf("%s, %s: %v allocations per record", name, c.direction, n)
			}
		}
	}
}

func BenchmarkEncrypt(b *testing.B) {
	for name, version := range versions {
		for size, n := range map[string]int{"400B": 400, "4KB": 4000, "16KB": 16000} {
			b.Run(name+"/"+size, func(b *testing.B) {
				_, server := pair(b, version)
				plain, wire := make([]byte, n), make([]byte, 0, n+1024)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if wire, err = server.Encrypt(plain, wire[:0]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRoundTrip is Encrypt at one end and Decrypt at the other; what it
// takes more than BenchmarkEncrypt is Decrypt.
func BenchmarkRoundTrip(b *testing.B) {
	for name, version := range versions {
		for size, n := range map[string]int{"400B": 400, "4KB": 4000, "16KB": 16000} {
			b.Run(name+"/"+size, func(b *testing.B) {
				client, server := pair(b, version)
				plain, wire, got := make([]byte, n), make([]byte, 0, n+1024), make([]byte, 0, n+1024)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if wire, err = client.Encrypt(plain, wire[:0]); err != nil {
						b.Fatal(err)
					}
					if got, err = server.Decrypt(wire, got[:0]); err != nil || len(got) != n {
						b.Fatal(len(got), err)
					}
				}
			})
		}
	}
}

// BenchmarkHandshake is both ends together.
func BenchmarkHandshake(b *testing.B) {
	for name, version := range versions {
		b.Run(name, func(b *testing.B) {
			scfg, ccfg := serverConfig(b), clientConfig(version)
			b.ReportAllocs()
			for b.Loop() {
				client, server := xtls.Client(ccfg), xtls.Server(scfg)
				shake(b, client, server, 0)
				client.Close()
				server.Close()
			}
		})
	}
}

// idle makes n server ends that have exchanged one 400 B record each way and
// returns the heap that each keeps, in bytes and objects.
func idle(t testing.TB, version uint16, n int) (size, objects float64) {
	t.Helper()
	scfg, ccfg := serverConfig(t), clientConfig(version)
	plain := make([]byte, 400)
	kept := make([]*xtls.Filter, n)
	fill := func(i int) {
		client, server := xtls.Client(ccfg), xtls.Server(scfg)
		shake(t, client, server, 0)
		expect(t, server, encrypt(t, client, plain), plain)
		expect(t, client, encrypt(t, server, plain), plain)
		client.Close()
		server.Forget()
		server.Rest()
		kept[i] = server
	}
	fill(0) // ticket keys, pools
	before := heap()
	for i := range n {
		fill(i)
	}
	after := heap()
	runtime.KeepAlive(kept)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(n), float64(after.HeapObjects-before.HeapObjects) / float64(n)
}

func heap() (m runtime.MemStats) {
	for range 3 { // pools are emptied by the second collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m
}

// TestIdleConnectionIsSmall holds what a connection costs that rests. The
// benchmark below says the figure.
func TestIdleConnectionIsSmall(t *testing.T) {
	for name, limit := range map[string]float64{"TLS1.2": 3300, "TLS1.3": 400} {
		size, objects := idle(t, versions[name], 300)
		t.Logf("%s: %.0f B and %.1f objects for each idle connection", name, size, objects)
		if size > limit {
			t.Errorf("%s: %.0f B for each idle connection, at most %.0f", name, size, limit)
		}
	}
}

// BenchmarkIdle reports the memory of 3,000 idle connections, per connection.
func BenchmarkIdle(b *testing.B) {
	for name, version := range versions {
		b.Run(name, func(b *testing.B) {
			var size, objects float64
			for b.Loop() {
				size, objects = idle(b, version, 3000)
			}
			b.ReportMetric(size, "B/conn")
			b.ReportMetric(objects, "objects/conn")
		})
	}
}

// BenchmarkWake is a message each way for a connection that has rested; what it
// takes more than BenchmarkRoundTrip is the making of its keys.
func BenchmarkWake(b *testing.B) {
	client, server := pair(b, versions["TLS1.3"])
	plain, wire, got := make([]byte, 400), make([]byte, 0, 1024), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		for _, from := range []*xtls.Filter{client, server} {
			to := map[bool]*xtls.Filter{true: server, false: client}[from == client]
			if wire, err = from.Encrypt(plain, wire[:0]); err != nil {
				b.Fatal(err)
			}
			if got, err = to.Decrypt(wire, got[:0]); err != nil || len(got) != len(plain) {
				b.Fatal(len(got), err)
			}
		}
		server.Rest()
	}
}
