package ping_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/ping"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, ping.Register) }
