package carbons_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/carbons"
)

func TestPlays(t *testing.T) { enginetest.Plays(t, carbons.Register) }
