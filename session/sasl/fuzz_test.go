package sasl_test

import (
	"bytes"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// FuzzRespond feeds two messages of an attacker who does not know the
// password. Whatever they are: no panic, no Success, only known conditions,
// and a name that was let through is a name that preparation leaves alone.
func FuzzRespond(f *testing.F) {
	for _, v := range vectors {
		f.Add(uint8(2), []byte(v.first), []byte(v.final))
	}
	f.Add(uint8(4), []byte("user@example.org\x00user\x00pw"), []byte(""))
	f.Add(uint8(0), []byte("p=tls-exporter,a=user@example.org,n=us=2Cer,r=abc,x=y"), []byte("c=biws,r=abc,p="))
	stored := sasl.DeriveWith("correct horse battery staple", []byte("0123456789abcdef"), 4096)
	f.Fuzz(func(t *testing.T, mech uint8, first, second []byte) {
		cfg := hostileConfig()
		e, err := sasl.Start(mechanisms[int(mech)%len(mechanisms)], cfg)
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(first)
		s := e.Respond(first)
		if !bytes.Equal(before, first) {
			t.Fatal("input was written to")
		}
		if s.Kind == sasl.NeedCredentials || s.Kind == sasl.NeedVerify {
			if again, err := sasl.PrepareUsername(e.Username()); err != nil || again != e.Username() {
				t.Fatalf("prepared name %q becomes %q, %v", e.Username(), again, err)
			}
		}
		if s.Kind == sasl.NeedCredentials {
			if s = e.Credentials(&stored); s.Kind != sasl.Challenge {
				t.Fatalf("no challenge: %+v", s)
			}
		}
		if s.Kind == sasl.Challenge {
			s = e.Respond(second)
		}
		switch s.Kind {
		case sasl.Success:
			t.Fatal("got in")
		case sasl.Failure:
			if s.Condition != notAuthorized && s.Condition != malformed && s.Condition != wrongAuthzid {
				t.Fatalf("condition %q", s.Condition)
			}
		}
	})
}

// FuzzParseCredentials: what is accepted is written again as it was read.
func FuzzParseCredentials(f *testing.F) {
	f.Add(sasl.DeriveWith("pencil", []byte("0123456789abcdef"), 4096).Append(nil))
	f.Add(sasl.Credentials{}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := sasl.ParseCredentials(b)
		if err != nil {
			return
		}
		again, err := sasl.ParseCredentials(c.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), c.Append(nil)) {
			t.Fatalf("%+v is read back as %+v, %v", c, again, err)
		}
	})
}
