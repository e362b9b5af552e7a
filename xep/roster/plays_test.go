package roster_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/roster"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, roster.Register) }
