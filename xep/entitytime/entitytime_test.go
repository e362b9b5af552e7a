package entitytime_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/entitytime"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, entitytime.Register) }
