package engine_test

import (
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage/memory"
)

// signUp asks for an account and tells the condition of the error, or nothing.
func (c *client) signUp(user, password string) string {
	c.t.Helper()
	c.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>%s</username><password>%s</password></query></iq>", user, password)
	n := c.expect("iq")
	switch typ := n.attr("type"); typ {
	case "result":
		return ""
	case "error":
		return n.child("error").Children[0].XMLName.Local
	default:
		return fmt.Sprintf("an IQ of type %q", typ)
	}
}

func registering(r engine.Registration) func(*engine.Config) {
	return func(cfg *engine.Config) {
		r.Enabled = true
		cfg.Auth, cfg.Store, cfg.Registration = nil, memory.New(memory.Options{}), r
	}
}

func TestXEP0077_3_1_RegisterThenLogIn(t *testing.T) {
	t.Parallel()
	s := serve(t, registering(engine.Registration{}))
	c := s.connect(t, "tcp")
	c.open()
	if got := c.signUp("alice", "a\u0085b"); got != "not-acceptable" {
		t.Errorf("a bad password: %q", got)
	}
	if got := c.signUp("alice", "secret"); got != "" {
		t.Fatalf("refused with %s", got)
	}
	c.authenticate("alice")
	c.bind("r")
	again := s.connect(t, "tls")
	again.open()
	if got := again.signUp("Alice", "other"); got != "conflict" {
		t.Errorf("a name that is taken: %q", got)
	}
}

func TestRegistrationsAreLimited(t *testing.T) {
	t.Parallel()
	s := serve(t, registering(engine.Registration{PerAddress: 2, PerHour: 3}))
	try := func(transport, user, want string) {
		t.Helper()
		c := s.connect(t, transport)
		c.open()
		if got := c.signUp(user, "p"); got != want {
			t.Errorf("%s from %s: %q, want %q", user, transport, got, want)
		}
		c.conn.Close()
	}
	try("tcp", "one", "")
	try("tcp", "one", "conflict") // counts as well
	try("tcp", "two", "resource-constraint")
	try("pipe", "three", "")
	try("pipe", "four", "resource-constraint") // the third of all was the last
}

func TestRegistrationNeedsAStore(t *testing.T) {
	cfg := newConfig()
	cfg.Registration.Enabled = true
	if _, err := engine.New(cfg); err == nil {
		t.Error("Registration with an Authenticator was accepted")
	}
	cfg.Registration = engine.Registration{PerAddress: -1}
	if _, err := engine.New(cfg); err == nil {
		t.Error("PerAddress -1 was accepted")
	}
}
