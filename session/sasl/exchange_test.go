package sasl_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/xylem-im/xylem/session/sasl"
)

// run holds a whole exchange between client and server and returns the last
// step of the server, and what the client made of a success.
func run(t *testing.T, mechanism string, cfg *sasl.Config, stored *sasl.Credentials, cc sasl.ClientConfig) (sasl.Step, error) {
	t.Helper()
	c, err := sasl.NewClient(mechanism, cc)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sasl.Start(mechanism, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := e.Respond(c.First())
	for range 4 {
		switch s.Kind {
		case sasl.NeedCredentials:
			s = e.Credentials(stored)
		case sasl.NeedVerify:
			s = e.Verified(cfg.Verify(stored, e.Username(), s.Password))
		case sasl.Challenge:
			answer, err := c.Next(s.Data)
			if err != nil {
				t.Fatal(err)
			}
			s = e.Respond(answer)
		case sasl.Success:
			return s, c.Finish(s.Data)
		case sasl.Failure:
			return s, nil
		}
	}
	t.Fatal("no end")
	return s, nil
}

func derive(t testing.TB, password string) *sasl.Credentials {
	t.Helper()
	c, err := sasl.Derive(password, sasl.MinIterations, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

var mechanisms = []string{sasl.SCRAMSHA256Plus, sasl.SCRAMSHA1Plus, sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain}

func TestRoundTrips(t *testing.T) {
	endPoint := sasl.Binding{Type: sasl.TLSServerEndPoint, Data: bytes.Repeat([]byte{7}, 48)}
	cfg := &sasl.Config{Bindings: []sasl.Binding{binding, endPoint}, Domain: "example.org", DecoySecret: secret}
	stored := derive(t, "pencil")
	for _, mechanism := range mechanisms {
		for _, b := range []sasl.Binding{binding, endPoint} {
			for _, authzid := range []string{"", "user@example.org", "USER@Example.ORG", "user"} {
				cc := sasl.ClientConfig{Username: "User", Password: "pencil", Authzid: authzid, Binding: &b}
				if s, err := run(t, mechanism, cfg, stored, cc); s.Kind != sasl.Success || err != nil {
					t.Errorf("%s %s %q: %+v, %v", mechanism, b.Type, authzid, s, err)
				}
				cc.Password = "Pencil"
				if s, _ := run(t, mechanism, cfg, stored, cc); !reflect.DeepEqual(s, sasl.Step{Kind: sasl.Failure, Condition: notAuthorized}) {
					t.Errorf("%s %s %q, wrong password: %+v", mechanism, b.Type, authzid, s)
				}
				if s, _ := run(t, mechanism, cfg, nil, cc); !reflect.DeepEqual(s, sasl.Step{Kind: sasl.Failure, Condition: notAuthorized}) {
					t.Errorf("%s %s %q, unknown user: %+v", mechanism, b.Type, authzid, s)
				}
			}
		}
	}
}

func TestBindingOfAnotherStreamIsRefused(t *testing.T) {
	cfg := &sasl.Config{Bindings: []sasl.Binding{binding}, DecoySecret: secret}
	other := sasl.Binding{Type: binding.Type, Data: bytes.Repeat([]byte{1}, 32)}
	cc := sasl.ClientConfig{Username: "user", Password: "pencil", Binding: &other}
	for _, mechanism := range mechanisms[:2] {
		if s, _ := run(t, mechanism, cfg, derive(t, "pencil"), cc); s.Kind != sasl.Failure || s.Condition != notAuthorized {
			t.Errorf("%s: %+v", mechanism, s)
		}
	}
}

func TestEscapedNames(t *testing.T) {
	cfg := &sasl.Config{DecoySecret: secret, Domain: "example.org"}
	cc := sasl.ClientConfig{Username: "a,b=c", Password: "pencil", Authzid: "a,b=c@example.org"}
	if s, err := run(t, sasl.SCRAMSHA256, cfg, derive(t, "pencil"), cc); s.Kind != sasl.Success || err != nil {
		t.Fatalf("%+v, %v", s, err)
	}
}

// TestRFC6120_6_4_2_EmptyAuthIsPrompted: no initial response, not even "=".
func TestRFC6120_6_4_2_EmptyAuthIsPrompted(t *testing.T) {
	for _, mechanism := range mechanisms {
		e, _ := sasl.Start(mechanism, hostileConfig())
		if s := e.Respond(nil); s.Kind != sasl.Challenge || s.Data == nil || len(s.Data) != 0 {
			t.Errorf("%s: %+v", mechanism, s)
		}
		first := map[string]string{sasl.Plain: "\x00user\x00pw", sasl.SCRAMSHA1: "n,,n=user,r=abc"}[mechanism]
		if first == "" {
			continue
		}
		if s := e.Respond([]byte(first)); s.Kind != sasl.NeedCredentials && s.Kind != sasl.NeedVerify {
			t.Errorf("%s, then: %+v", mechanism, s)
		}
	}
}

func TestAccessors(t *testing.T) {
	e, _ := sasl.Start(sasl.Plain, hostileConfig())
	s := e.Respond([]byte("user@example.org\x00USER\x00 p\u00e4ss"))
	if s.Password != " p\u00e4ss" || e.Username() != "user" || e.Authzid() != "user@example.org" || e.Mechanism() != sasl.Plain {
		t.Fatalf("%+v %q %q %q", s, e.Username(), e.Authzid(), e.Mechanism())
	}
	if s := e.Abort(); s.Condition != sasl.CondAborted {
		t.Fatalf("%+v", s)
	}
}

func TestStartRefuses(t *testing.T) {
	for _, name := range []string{"", "plain", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS-PLUS", "PLAIN-PLUS", "EXTERNAL", "SCRAM-SHA-256\x00"} {
		if _, err := sasl.Start(name, hostileConfig()); !errors.Is(err, sasl.ErrMechanism) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := sasl.Start(sasl.SCRAMSHA1, &sasl.Config{DecoySecret: secret[:15]}); !errors.Is(err, sasl.ErrConfig) {
		t.Errorf("short secret: %v", err)
	}
}

// TestAccountWithoutKeysForTheMechanism must look like an unknown user.
func TestAccountWithoutKeysForTheMechanism(t *testing.T) {
	cfg := hostileConfig()
	challenge := func(stored *sasl.Credentials) []byte {
		e, _ := sasl.Start(sasl.SCRAMSHA1, cfg)
		e.Respond([]byte("n,,n=user,r=abc"))
		return e.Credentials(stored).Data
	}
	stored := derive(t, "pencil")
	stored.SHA1 = sasl.Keys{}
	if got, want := challenge(stored), challenge(nil); !bytes.Equal(got, want) {
		t.Fatalf("%q, unknown user %q", got, want)
	}
	cc := sasl.ClientConfig{Username: "user", Password: "pencil"}
	if s, _ := run(t, sasl.SCRAMSHA1, cfg, stored, cc); s.Kind != sasl.Failure {
		t.Fatalf("SHA-1: %+v", s)
	}
	if s, err := run(t, sasl.SCRAMSHA256, cfg, stored, cc); s.Kind != sasl.Success || err != nil {
		t.Fatalf("SHA-256: %+v, %v", s, err)
	}
}

// TestDecoysOfDomainsDiffer: an unknown romeo looks the same every time, and
// not like the unknown romeo of another domain on this server.
func TestDecoysOfDomainsDiffer(t *testing.T) {
	challenge := func(domain, user string) string {
		cfg := hostileConfig()
		cfg.Domain = domain
		e, _ := sasl.Start(sasl.SCRAMSHA256, cfg)
		e.Respond([]byte("n,,n=" + user + ",r=abc"))
		return string(e.Credentials(nil).Data)
	}
	first := challenge("example.org", "romeo")
	if again := challenge("example.org", "ROMEO"); again != first {
		t.Errorf("%q, then %q", first, again)
	}
	for _, other := range []string{challenge("example.com", "romeo"), challenge("example.org", "juliet"), challenge("", "romeo")} {
		if other == first {
			t.Errorf("two users with %q", other)
		}
	}
}

func TestOffer(t *testing.T) {
	bindings := []sasl.Binding{binding}
	for name, c := range map[string]struct {
		bindings          []sasl.Binding
		secure, plaintext bool
		have              sasl.Kinds
		want              []string
	}{
		"TLS":                        {bindings, true, false, sasl.HaveAll, mechanisms},
		"TLS without binding":        {nil, true, false, sasl.HaveAll, mechanisms[2:]},
		"in the clear":               {bindings, false, false, sasl.HaveAll, nil},
		"in the clear, allowed":      {bindings, false, true, sasl.HaveAll, mechanisms[2:4]},
		"SHA-1 only":                 {bindings, true, false, sasl.HaveSHA1, []string{sasl.SCRAMSHA1Plus, sasl.SCRAMSHA1}},
		"password only":              {bindings, true, false, sasl.HavePassword, mechanisms[4:]},
		"password only in the clear": {nil, false, true, sasl.HavePassword, nil},
	} {
		if got := sasl.Offer(c.bindings, c.secure, c.plaintext, c.have); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestClientRefusesServer(t *testing.T) {
	v := vectors["RFC7677_3"]
	fresh := func() *sasl.Client {
		c, err := sasl.NewClient(v.mechanism, sasl.ClientConfig{Username: "user", Password: "pencil", Nonce: fixed(v.clientNonce)})
		if err != nil {
			t.Fatal(err)
		}
		c.First()
		return c
	}
	for name, challenge := range map[string]string{
		"empty":             "",
		"its own nonce":     "r=" + v.clientNonce + ",s=QSXCR+Q6sek8bf92,i=4096",
		"other nonce":       "r=xyz" + v.serverNonce + ",s=QSXCR+Q6sek8bf92,i=4096",
		"no salt":           "r=" + v.clientNonce + "x,s=,i=4096",
		"no count":          "r=" + v.clientNonce + "x,s=QSXCR+Q6sek8bf92",
		"count of zero":     "r=" + v.clientNonce + "x,s=QSXCR+Q6sek8bf92,i=0",
		"count too large":   "r=" + v.clientNonce + "x,s=QSXCR+Q6sek8bf92,i=99999999",
		"mandatory":         "m=x,r=" + v.clientNonce + "x,s=QSXCR+Q6sek8bf92,i=4096",
		"mandatory, behind": "r=" + v.clientNonce + "x,s=QSXCR+Q6sek8bf92,i=4096,m=x",
	} {
		if _, err := fresh().Next([]byte(challenge)); !errors.Is(err, sasl.ErrServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := fresh().Finish(nil); !errors.Is(err, sasl.ErrServer) {
		t.Errorf("success at once: %v", err)
	}
	for data, want := range map[string]error{
		"":                 sasl.ErrServer,
		"e=other-error":    sasl.ErrServer,
		"v=AAAA":           sasl.ErrSignature,
		v.success + "\n":   sasl.ErrSignature,
		v.success + ",m=x": sasl.ErrServer,
	} {
		c := fresh()
		if _, err := c.Next([]byte(v.challenge)); err != nil {
			t.Fatal(err)
		}
		if err := c.Finish([]byte(data)); !errors.Is(err, want) {
			t.Errorf("success with %q: %v", data, err)
		}
	}
	c := fresh()
	if _, err := c.Next([]byte(v.challenge)); err != nil {
		t.Fatal(err)
	}
	if answer, err := c.Next([]byte(v.success)); err != nil || len(answer) != 0 || c.Finish(nil) != nil {
		t.Errorf("signature in a challenge: %q, %v", answer, err)
	}
}
