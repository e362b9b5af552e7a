package offline_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/offline"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, presence, offline.New(offline.Options{}))
}
