package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session/sasl"
)

// TestLookup: a function that finds credentials is all that SCRAM and PLAIN need,
// also when it takes its time and when it fails.
func TestLookup(t *testing.T) {
	t.Parallel()
	secret, err := engine.NewCredentials("secret")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 16)
	s := serve(t, func(cfg *engine.Config) {
		cfg.Auth = engine.Lookup(func(local, domain string) (*engine.Credentials, error) {
			asked <- local + "@" + domain
			switch local {
			case "alice":
				return secret, nil
			case "broken":
				return nil, errors.New("the directory is away")
			}
			return nil, nil
		})
	})
	for _, mechanism := range []string{sasl.SCRAMSHA256, sasl.SCRAMSHA1, sasl.Plain} {
		for _, try := range []struct{ user, password, want string }{
			{"alice", "secret", "success"},
			{"alice", "guess", "<not-authorized/>"},
			{"mallory", "secret", "<not-authorized/>"},
			{"broken", "secret", "<temporary-auth-failure/>"},
		} {
			c := s.connect(t, "tls")
			c.open()
			n := c.auth(mechanism, sasl.ClientConfig{Username: try.user, Password: try.password})
			if got := n.Inner; got != try.want && n.XMLName.Local != try.want {
				t.Errorf("%s, %+v: got %s", mechanism, try, n)
			}
			if got := <-asked; got != try.user+"@localhost" {
				t.Errorf("asked for %s", got)
			}
		}
	}
	if _, err := engine.NewCredentials(""); !errors.Is(err, sasl.ErrPassword) {
		t.Errorf("an empty password: %v", err)
	}
}

// TestLateLookup: an answer that comes when the engine has ended disturbs
// nobody.
func TestLateLookup(t *testing.T) {
	t.Parallel()
	asked, free, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := serve(t, func(cfg *engine.Config) {
		cfg.Limits.DrainTime = time.Millisecond
		cfg.Auth = laterLookup(func(done func(*engine.Credentials, error)) {
			close(asked)
			<-free
			done(nil, nil)
			close(answered)
		})
	})
	c := s.connect(t, "tls")
	c.open()
	c.send("%s", expand(authWith(sasl.Plain, "{b64:\x00alice\x00secret}")))
	<-asked
	s.shutdown(t)
	close(free)
	<-answered
}

type laterLookup func(done func(*engine.Credentials, error))

func (l laterLookup) Credentials(_, _ string, done func(*engine.Credentials, error)) { go l(done) }

// TestReadyHook: it tells the real addresses, and a message's body is what was
// written, unescaped.
func TestReadyHook(t *testing.T) {
	t.Parallel()
	ready, bodies := make(chan []engine.Addr, 1), make(chan string, 4)
	s := serve(t, func(cfg *engine.Config) {
		cfg.Hooks.Ready = func(at []engine.Addr) { ready <- at }
		cfg.Hooks.Message = func(m engine.MessageView) { bodies <- m.Body() }
	})
	if at := <-ready; len(at) == 0 || len(at) != len(s.Addrs()) || at[0] != s.Addrs()[0] {
		t.Errorf("ready at %v, want %v", at, s.Addrs())
	}
	c := s.login(t, "pipe", "alice", "")
	for _, m := range []struct{ content, want string }{
		{"<body>a &lt; b</body>", "a < b"},
		{"<x xmlns='urn:x'><body>not this</body></x><body xml:lang='en'>one</body><body xml:lang='de'>eins</body>", "one"},
		{"<body xmlns='urn:x'>nor this</body><subject>s</subject>", ""},
		{"", ""},
	} {
		c.send("<message to='%s'>%s</message>", c.jid, m.content)
		c.expect("message")
		if got := <-bodies; got != m.want {
			t.Errorf("%s: got %q", m.content, got)
		}
	}
}
