package sasl_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

func TestDeriveAndVerify(t *testing.T) {
	for _, password := range []string{"pencil", " ", "a b", "пароль", "I\u00adX", "\ufb01sh", "p\u00e4ss", "🔑", strings.Repeat("x", 1024)} {
		c := derive(t, password)
		if !c.Verify(password) {
			t.Errorf("%q is not its own password", password)
		}
		if c.Verify(password[:len(password)-1]) {
			t.Errorf("%q without its last byte is accepted", password)
		}
		for _, k := range []sasl.Keys{c.SHA1, c.SHA256} {
			if len(k.Salt) != sasl.SaltSize || k.Iterations != sasl.MinIterations {
				t.Errorf("%q: salt of %d bytes, %d iterations", password, len(k.Salt), k.Iterations)
			}
		}
		if bytes.Equal(c.SHA1.Salt, c.SHA256.Salt) {
			t.Errorf("%q: one salt for both", password)
		}
		parsed, err := sasl.ParseCredentials(c.Append([]byte("x"))[1:])
		if err != nil || !reflect.DeepEqual(parsed, *c) {
			t.Errorf("%q: stored form: %v\n%+v\n%+v", password, err, parsed, *c)
		}
		c.SHA256 = sasl.Keys{}
		if !c.Verify(password) {
			t.Errorf("%q: not with SHA-1 keys", password)
		}
	}
}

func TestDeriveRefuses(t *testing.T) {
	for _, password := range []string{"", strings.Repeat("x", 1025), "a\x00b", "a\nb", "\xff", "\u00ad"} {
		if _, err := sasl.Derive(password, 0, nil); !errors.Is(err, sasl.ErrPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, n := range []int{-1, 1, sasl.MinIterations - 1, sasl.MaxIterations + 1} {
		if _, err := sasl.Derive("pencil", n, nil); !errors.Is(err, sasl.ErrIterations) {
			t.Errorf("%d iterations: %v", n, err)
		}
	}
	if _, err := sasl.Derive("pencil", 0, bytes.NewReader(make([]byte, 20))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("random source that ends: %v", err)
	}
	if (sasl.Credentials{}).Verify("pencil") {
		t.Error("no keys, and a password fits")
	}
}

// TestPreparationOfClients: whatever a client does to the password that the
// user typed (OpaqueString, SASLprep, nothing), it gets in.
func TestPreparationOfClients(t *testing.T) {
	cfg := &sasl.Config{DecoySecret: secret}
	for name, c := range map[string]struct{ typed, opaque, prep string }{
		"ASCII":          {"pencil", "pencil", "pencil"},
		"ligature":       {"\ufb01sh", "\ufb01sh", "fish"},
		"full width":     {"Ｐａｓｓ", "Ｐａｓｓ", "Pass"},
		"Roman numeral":  {"\u2168", "\u2168", "IX"},
		"soft hyphen":    {"I\u00adX", "IX", "IX"}, // OpaqueString refuses it
		"no-break space": {"a\u00a0b", "a b", "a b"},
		"decomposed":     {"a\u0308", "\u00e4", "\u00e4"},
	} {
		t.Run(name, func(t *testing.T) {
			prepared, legacy, err := sasl.PreparePassword(c.typed)
			if err != nil || prepared != c.opaque || legacy != c.prep {
				t.Fatalf("prepared as %q and %q, %v", prepared, legacy, err)
			}
			stored := derive(t, c.typed)
			for _, sent := range []string{c.typed, c.opaque, c.prep} {
				if !stored.Verify(sent) {
					t.Errorf("PLAIN with %q is refused", sent)
				}
				cc := sasl.ClientConfig{Username: "user", Password: sent}
				if s, err := run(t, sasl.SCRAMSHA256, cfg, stored, cc); s.Kind != sasl.Success || err != nil {
					t.Errorf("SCRAM with %q: %+v, %v", sent, s, err)
				}
			}
		})
	}
}

func TestPrepareUsername(t *testing.T) {
	for in, want := range map[string]string{
		"user": "user", "User": "user", "ＵＳＥＲ": "user", "Ärger": "ärger", "a.b-c_d+e": "a.b-c_d+e", strings.Repeat("u", 1023): strings.Repeat("u", 1023),
	} {
		if got, err := sasl.PrepareUsername(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a b", `a"b`, "a&b", "a'b", "a/b", "a:b", "a<b", "a>b", "a@b", "ａ＠ｂ", "a\x7fb", "☃", strings.Repeat("u", 1024)} {
		if got, err := sasl.PrepareUsername(in); !errors.Is(err, sasl.ErrUsername) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestParseCredentialsRefuses(t *testing.T) {
	good := derive(t, "pencil").Append(nil)
	for n := range good {
		if _, err := sasl.ParseCredentials(good[:n]); !errors.Is(err, sasl.ErrFormat) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(good), err)
		}
	}
	if _, err := sasl.ParseCredentials(append(bytes.Clone(good), 0)); !errors.Is(err, sasl.ErrFormat) {
		t.Errorf("one byte more: %v", err)
	}
	bad := bytes.Clone(good)
	bad[0] = 2
	if _, err := sasl.ParseCredentials(bad); !errors.Is(err, sasl.ErrFormat) {
		t.Errorf("version 2: %v", err)
	}
	bad = append([]byte{1}, bytes.Repeat([]byte{0xff}, 9)...)
	if _, err := sasl.ParseCredentials(append(bad, 1)); !errors.Is(err, sasl.ErrFormat) {
		t.Errorf("huge count: %v", err)
	}
}

func TestDecoy(t *testing.T) {
	a := sasl.Decoy(secret, "romeo", 10000)
	if !reflect.DeepEqual(a, sasl.Decoy(bytes.Clone(secret), "romeo", 10000)) {
		t.Error("not the same at the second time")
	}
	b, c := sasl.Decoy(secret, "juliet", 10000), sasl.Decoy(secret[1:], "romeo", 10000)
	real := derive(t, "pencil")
	for _, k := range []func(sasl.Credentials) sasl.Keys{
		func(c sasl.Credentials) sasl.Keys { return c.SHA1 }, func(c sasl.Credentials) sasl.Keys { return c.SHA256 },
	} {
		if bytes.Equal(k(a).Salt, k(b).Salt) || bytes.Equal(k(a).Salt, k(c).Salt) {
			t.Error("salt does not depend on user and secret")
		}
		if len(k(a).Salt) != len(k(*real).Salt) || len(k(a).StoredKey) != len(k(*real).StoredKey) || len(k(a).ServerKey) != len(k(*real).ServerKey) {
			t.Error("a decoy has another shape than an account")
		}
	}
	if a.Verify("pencil") || (&sasl.Config{DecoySecret: secret}).Verify(nil, "romeo", "pencil") {
		t.Error("a password fits a decoy")
	}
}

// TestDecoyStaysTheSame: what an unknown user seems to have must outlive a new
// version of the program, too.
func TestDecoyStaysTheSame(t *testing.T) {
	mac := func(key []byte, msg string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(msg))
		return m.Sum(nil)
	}
	key := mac(secret, "xylem sasl decoy\x00romeo")
	d := sasl.Decoy(secret, "romeo", 10000)
	for label, got := range map[string][]byte{
		"salt-1": d.SHA1.Salt, "stored-1": d.SHA1.StoredKey, "server-1": d.SHA1.ServerKey,
		"salt-256": d.SHA256.Salt, "stored-256": d.SHA256.StoredKey, "server-256": d.SHA256.ServerKey,
	} {
		if want := mac(key, label); len(got) < 16 || !bytes.Equal(got, want[:len(got)]) {
			t.Errorf("%s: %x, want what %x begins with", label, got, want)
		}
	}
}
