package sasl_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

var htMechanisms = []string{sasl.HTExporter, sasl.HTUnique, sasl.HTEndPoint, sasl.HTNone}

// allBindings has one of each type.
var allBindings = []sasl.Binding{
	{Type: sasl.TLSExporter, Data: bytes.Repeat([]byte{1}, 32)},
	{Type: sasl.TLSUnique, Data: bytes.Repeat([]byte{2}, 12)},
	{Type: sasl.TLSServerEndPoint, Data: bytes.Repeat([]byte{3}, 48)},
}

func TestOfferTokens(t *testing.T) {
	if got := sasl.OfferTokens(allBindings); !slices.Equal(got, htMechanisms) {
		t.Errorf("got %s", got)
	}
	if got := sasl.OfferTokens(allBindings[2:]); !slices.Equal(got, htMechanisms[2:]) {
		t.Errorf("with tls-server-end-point alone: %s", got)
	}
	if got := sasl.OfferTokens(nil); !slices.Equal(got, htMechanisms[3:]) {
		t.Errorf("without bindings: %s", got)
	}
}

// TestHashedToken: the client's message and the server's answer, by each mechanism
// and with each of two tokens; both prove themselves.
func TestHashedToken(t *testing.T) {
	cfg := &sasl.Config{Bindings: allBindings, Domain: "example.org", DecoySecret: secret}
	for i, mechanism := range htMechanisms {
		var b *sasl.Binding
		if i < len(allBindings) {
			b = &allBindings[i]
		}
		for n, tokens := range [][]string{{"good"}, {"other", "good"}, {"good", "other"}, {"good", "good"}} {
			c, e := tokenPair(t, mechanism, cfg, sasl.ClientConfig{Username: "User", Password: "good", Binding: b})
			if s := e.Respond(c.First()); s.Kind != sasl.NeedTokens || e.Username() != "user" {
				t.Fatalf("%s: %+v for %q", mechanism, s, e.Username())
			}
			s := e.Tokens(tokens)
			if s.Kind != sasl.Success || tokens[e.Token()] != "good" || n < 3 && e.Token() != slices.Index(tokens, "good") {
				t.Fatalf("%s: %+v, token %d of %q", mechanism, s, e.Token(), tokens)
			}
			if err := c.Finish(s.Data); err != nil {
				t.Errorf("%s: %v", mechanism, err)
			}
			if s := e.Respond(c.First()); s.Kind != sasl.Failure {
				t.Errorf("%s: goes on after success: %+v", mechanism, s)
			}
		}
		for _, tokens := range [][]string{nil, {}, {""}, {"other"}, {"other", "another"}, {"other", "another", "good"}} {
			c, e := tokenPair(t, mechanism, cfg, sasl.ClientConfig{Username: "user", Password: "good", Binding: b})
			e.Respond(c.First())
			if s := e.Tokens(tokens); s.Kind != sasl.Failure || s.Condition != notAuthorized || s.Text != "" {
				t.Errorf("%s with tokens %q: %+v", mechanism, tokens, s)
			}
		}
	}
}

func tokenPair(t *testing.T, mechanism string, cfg *sasl.Config, cc sasl.ClientConfig) (*sasl.Client, *sasl.Exchange) {
	t.Helper()
	c, err := sasl.NewClient(mechanism, cc)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sasl.Start(mechanism, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, e
}

// TestHashedTokenVector: HMAC-SHA-256 of "Initiator" and "Responder" under the
// token, computed by another program (openssl dgst -sha256 -hmac token).
func TestHashedTokenVector(t *testing.T) {
	c, _ := tokenPair(t, sasl.HTNone, hostileConfig(), sasl.ClientConfig{Username: "user", Password: "token"})
	const initiator, responder = "d24d95482f0d6e035c56e787dac4ed832bdd84ee3ea242aaadd982270c330006", "3f7cfbe081b3e9ea2aaa3561180a60932290ae9a2b155327d03ba819fffe0ab6"
	if got := hex.EncodeToString(c.First()); got != hex.EncodeToString([]byte("user\x00"))+initiator {
		t.Errorf("got %s", got)
	}
	data, _ := hex.DecodeString(responder)
	if err := c.Finish(data); err != nil {
		t.Error(err)
	}
	data[0] ^= 1
	if err := c.Finish(data); err == nil {
		t.Error("a wrong answer is taken")
	}
}

// TestHashedTokenOfAnotherChannel: a message is good on its own connection and by
// its own mechanism only.
func TestHashedTokenOfAnotherChannel(t *testing.T) {
	mine := &sasl.Config{Bindings: allBindings, DecoySecret: secret}
	other := slices.Clone(allBindings)
	for i := range other {
		other[i].Data = bytes.Repeat([]byte{9}, len(other[i].Data))
	}
	for i, mechanism := range htMechanisms[:3] {
		c, _ := tokenPair(t, mechanism, mine, sasl.ClientConfig{Username: "user", Password: "good", Binding: &allBindings[i]})
		for _, there := range []struct {
			mechanism string
			cfg       *sasl.Config
		}{{mechanism, &sasl.Config{Bindings: other, DecoySecret: secret}}, {sasl.HTNone, mine}, {htMechanisms[(i+1)%3], mine}} {
			e, err := sasl.Start(there.mechanism, there.cfg)
			if err != nil {
				t.Fatal(err)
			}
			e.Respond(c.First())
			if s := e.Tokens([]string{"good"}); s.Kind != sasl.Failure || s.Condition != notAuthorized {
				t.Errorf("%s at %s: %+v", mechanism, there.mechanism, s)
			}
		}
	}
	e, err := sasl.Start(sasl.HTExporter, &sasl.Config{DecoySecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	e.Respond(append([]byte("user\x00"), make([]byte, 32)...))
	if s := e.Tokens([]string{"good"}); s.Kind != sasl.Failure || s.Condition != malformed {
		t.Errorf("without a binding: %+v", s)
	}
}

func TestHashedTokenMalformed(t *testing.T) {
	mac := string(make([]byte, 32))
	for _, c := range []struct{ msg, condition string }{
		{"", malformed}, {"user", malformed}, {"\x00" + mac, malformed}, {"user\x00", malformed}, {"user\x00" + mac[1:], malformed},
		{"user\x00" + mac + "x", malformed}, {string(make([]byte, sasl.MaxMessage+1)), malformed},
		{"us er\x00" + mac, notAuthorized}, {"\xff\x00" + mac, notAuthorized}, {"user@example.org\x00" + mac, notAuthorized},
	} {
		e, err := sasl.Start(sasl.HTNone, hostileConfig())
		if err != nil {
			t.Fatal(err)
		}
		if s := e.Respond([]byte(c.msg)); s.Kind != sasl.Failure || s.Condition != c.condition {
			t.Errorf("%q: %+v, want %s", c.msg, s, c.condition)
		}
		if s := e.Tokens([]string{"x"}); s.Kind != sasl.Failure {
			t.Errorf("%q: tokens are asked for: %+v", c.msg, s)
		}
	}
}

// FuzzHashedToken: no message of somebody without the token lets in, or panics.
func FuzzHashedToken(f *testing.F) {
	f.Add(uint8(3), []byte("user\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	f.Add(uint8(0), []byte("a\x00b\x00c"))
	f.Fuzz(func(t *testing.T, mech uint8, msg []byte) {
		e, err := sasl.Start(htMechanisms[int(mech)%len(htMechanisms)], &sasl.Config{Bindings: allBindings, DecoySecret: secret})
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(msg)
		s := e.Respond(msg)
		if !bytes.Equal(before, msg) {
			t.Fatal("input was written to")
		}
		if s.Kind == sasl.NeedTokens {
			if again, err := sasl.PrepareUsername(e.Username()); err != nil || again != e.Username() {
				t.Fatalf("prepared name %q becomes %q, %v", e.Username(), again, err)
			}
			s = e.Tokens([]string{"first token", "second token"})
		}
		if s.Kind != sasl.Failure && !(s.Kind == sasl.Challenge && msg == nil) || s.Kind == sasl.Failure && s.Condition != notAuthorized && s.Condition != malformed {
			t.Fatalf("%q: %+v", msg, s)
		}
	})
}
