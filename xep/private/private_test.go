package private_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/private"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, private.New(private.Options{MaxBytes: 200, MaxElements: 3}))
}
