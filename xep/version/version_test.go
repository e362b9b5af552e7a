package version_test

import (
	"testing"

	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/version"
)

func TestPlays(t *testing.T) {
	enginetest.Plays(t, version.New(version.Options{Version: "1.2 <3>"}))
}
