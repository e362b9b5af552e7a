package sasl_test

import (
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// BenchmarkServerSCRAM is all that a login by SCRAM costs the loop.
func BenchmarkServerSCRAM(b *testing.B) {
	v := vectors["RFC7677_3"]
	cfg := hostileConfig()
	stored := sasl.DeriveWith("pencil", []byte{0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81}, 4096)
	for name, c := range map[string]*sasl.Credentials{"known": &stored, "unknown": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, _ := sasl.Start(v.mechanism, cfg)
				e.Respond([]byte(v.first))
				e.Credentials(c)
				if s := e.Respond([]byte(v.final)); (s.Kind == sasl.Success) != (c != nil) {
					b.Fatalf("%+v", s)
				}
			}
		})
	}
}

// BenchmarkVerify is what a login by PLAIN costs a worker.
func BenchmarkVerify(b *testing.B) {
	c, err := sasl.Derive("pencil", sasl.DefaultIterations, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !c.Verify("pencil") {
			b.Fatal("refused")
		}
	}
}

// TestAllocationsOfALogin holds the number of allocations that one SCRAM login
// makes on the server (most are HMAC states) below a bound that would show a
// mistake such as a PBKDF2 run or a copy per step.
func TestAllocationsOfALogin(t *testing.T) {
	v := vectors["RFC7677_3"]
	cfg := hostileConfig()
	stored := sasl.DeriveWith("pencil", unbase64(t, v.salt), 4096)
	n := testing.AllocsPerRun(100, func() {
		e, _ := sasl.Start(v.mechanism, cfg)
		e.Respond([]byte(v.first))
		e.Credentials(&stored)
		e.Respond([]byte(v.final))
	})
	t.Logf("%.0f allocations per SCRAM login", n)
	if n > 100 {
		t.Fatalf("%.0f allocations per SCRAM login", n)
	}
}
