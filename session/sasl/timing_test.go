package sasl_test

import (
	"math"
	"testing"
	"time"

	"github.com/xylem-im/xylem/session/sasl"
)

// attempt is what one login with a wrong password costs the server, the client's
// own work left out. stored is nil for an unknown user.
func attempt(t testing.TB, mechanism string, cfg *sasl.Config, stored *sasl.Credentials) (spent time.Duration) {
	t.Helper()
	c, err := sasl.NewClient(mechanism, sasl.ClientConfig{Username: "user", Password: "guess", Binding: &binding})
	if err != nil {
		t.Fatal(err)
	}
	first := c.First()
	began := time.Now()
	pause := func(f func()) {
		spent += time.Since(began)
		f()
		began = time.Now()
	}
	e, err := sasl.Start(mechanism, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for s := e.Respond(first); ; {
		switch s.Kind {
		case sasl.NeedCredentials:
			s = e.Credentials(stored)
		case sasl.NeedVerify:
			s = e.Verified(cfg.Verify(stored, e.Username(), s.Password))
		case sasl.Challenge:
			var answer []byte
			pause(func() { answer, err = c.Next(s.Data) })
			if err != nil {
				t.Fatal(err)
			}
			s = e.Respond(answer)
		case sasl.Failure:
			return spent + time.Since(began)
		default:
			t.Fatalf("%s: %+v", mechanism, s)
		}
	}
}

// A login as a user who does not exist takes the same steps (about as
// many allocations) and as long as one with a wrong password: the quickest of some
// attempts of each, in turns, differ by less than a factor. A server that gives
// up early would be a thousand times as fast with PLAIN.
func TestUnknownUsersTakeAsLong(t *testing.T) {
	stored := derive(t, "pencil")
	cfg := &sasl.Config{Bindings: []sasl.Binding{binding}, DecoySecret: secret, Iterations: sasl.MinIterations}
	for _, mechanism := range mechanisms {
		least := func(n int) (known, unknown time.Duration) {
			for i := range n {
				k, u := attempt(t, mechanism, cfg, stored), attempt(t, mechanism, cfg, nil)
				if i == 0 || k < known {
					known = k
				}
				if i == 0 || u < unknown {
					unknown = u
				}
			}
			return known, unknown
		}
		differ := func() bool { // on a busy machine some microseconds can be anything
			known, unknown := least(20)
			t.Logf("%s: known %v, unknown %v", mechanism, known, unknown)
			return unknown > 3*known || known > 3*unknown
		}
		tries := 4
		for tries > 0 && differ() {
			tries--
		}
		if tries == 0 {
			t.Errorf("%s: a user who does not exist can be told by the time", mechanism)
		}
		a := testing.AllocsPerRun(10, func() { attempt(t, mechanism, cfg, stored) })
		b := testing.AllocsPerRun(10, func() { attempt(t, mechanism, cfg, nil) })
		if mechanism == sasl.Plain {
			b -= testing.AllocsPerRun(10, func() { sasl.Decoy(secret, "user", sasl.MinIterations) }) // made for those only
		}
		if math.Abs(a-b) > 5 { // of about 130: pools are emptied by the collector, and at random by the race detector
			t.Errorf("%s: %.0f allocations for a known user, %.0f for an unknown one", mechanism, a, b)
		}
	}
}

// BenchmarkUnknownUser tells how much longer an attempt as nobody takes than one
// with a wrong password, in the same run: unknown/known should be 1.
func BenchmarkUnknownUser(b *testing.B) {
	stored := derive(b, "pencil")
	cfg := &sasl.Config{Bindings: []sasl.Binding{binding}, DecoySecret: secret, Iterations: sasl.MinIterations}
	for _, mechanism := range []string{sasl.SCRAMSHA256, sasl.Plain} {
		b.Run(mechanism, func(b *testing.B) {
			var known, unknown time.Duration
			for b.Loop() {
				known += attempt(b, mechanism, cfg, stored)
				unknown += attempt(b, mechanism, cfg, nil)
			}
			b.ReportMetric(float64(unknown)/float64(known), "unknown/known")
			b.ReportMetric(0, "ns/op")
		})
	}
}
