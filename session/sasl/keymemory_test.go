package sasl_test

import (
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// serverFirst is a challenge that extends a client's nonce "abc".
func serverFirst(salt string) []byte { return []byte("r=abcdef,s=" + salt + ",i=200000") }

// answer lets a client with the given password answer a challenge.
func answer(t *testing.T, m *sasl.KeyMemory, password, salt string) string {
	t.Helper()
	c, err := sasl.NewClient(sasl.SCRAMSHA256, sasl.ClientConfig{Username: "u", Password: password, Keys: m,
		Nonce: func() []byte { return []byte("abc") }})
	if err != nil {
		t.Fatal(err)
	}
	c.First()
	out, err := c.Next(serverFirst(salt))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What is remembered gives the same proof as what is computed, and neither
// another password nor another salt gets it.
func TestKeyMemoryChangesNoProof(t *testing.T) {
	var m sasl.KeyMemory
	seen := map[string]bool{}
	for _, password := range []string{"secret", "Secret"} {
		for _, salt := range []string{"c2FsdA==", "cGVwcGVy"} {
			want := answer(t, nil, password, salt)
			if first, again := answer(t, &m, password, salt), answer(t, &m, password, salt); first != want || again != want {
				t.Errorf("%s with %s: %q and %q, want %q", password, salt, first, again, want)
			}
			seen[want] = true
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d different proofs of 4 pairs of password and salt", len(seen))
	}
}

// The second login must not pay for PBKDF2: at 200,000 iterations it allocates
// the same but takes a thousandth of the time.
func BenchmarkKeyMemory(b *testing.B) {
	var m sasl.KeyMemory
	for b.Loop() {
		c, _ := sasl.NewClient(sasl.SCRAMSHA256, sasl.ClientConfig{Username: "u", Password: "secret", Keys: &m,
			Nonce: func() []byte { return []byte("abc") }})
		c.First()
		if _, err := c.Next(serverFirst("c2FsdA==")); err != nil {
			b.Fatal(err)
		}
	}
}
