package register_test

import (
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/xep/register"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, register.Register) }

// elsewhere keeps accounts in its own way: the one password is "secret".
type elsewhere struct{}

func (elsewhere) Credentials(_, _ string, done func(*sasl.Credentials, error)) {
	creds, err := sasl.Derive("secret", 10_000, zeros{})
	done(&creds, err)
}

func (elsewhere) Verify(_, _, password string, done func(bool, error)) {
	done(password == "secret", nil)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestAccountsElsewhere(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Auth: elsewhere{}, Extensions: register.Register})
	s.Perform("testdata/elsewhere/elsewhere.play")
}
