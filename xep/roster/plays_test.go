package roster_test

import (
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/roster"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, roster.New(roster.Options{})) }

func TestPlayAcrossDomains(t *testing.T) {
	s := enginetest.StartConfig(t, engine.Config{
		Domains: []string{"one.example", "two.example"}, Extensions: roster.New(roster.Options{}),
	})
	s.Play("testdata/domains/two.play")
}
