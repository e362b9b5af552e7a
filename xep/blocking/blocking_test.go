package blocking_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/blocking"
	"github.com/xylem-im/xylem/xep/carbons"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/roster"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, blocking.New(blocking.Options{MaxItems: 3}), roster.New(roster.Options{}), offline.New(offline.Options{}), carbons.Register)
}
