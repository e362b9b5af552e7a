package engine_test

import (
	"sync/atomic"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// Each loop calls Hooks.Round before what it has been woken for.
func TestRoundHook(t *testing.T) {
	var rounds [2]atomic.Int64
	s := serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.Hooks.Round = len(rounds), func(loop int) { rounds[loop].Add(1) }
	})
	for loop := range rounds {
		before := rounds[loop].Load()
		s.Stall(loop)()
		if n := rounds[loop].Load(); n == before {
			t.Errorf("loop %d did something in no round", loop)
		}
	}
}
