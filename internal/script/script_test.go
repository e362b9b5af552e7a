package script_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/xylem-im/xylem/internal/script"
)

var rewrite = flag.Bool("rewrite", false, "make the plays in testdata what was received")

func TestPlays(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.play")
	if err != nil || len(paths) < 4 {
		t.Fatalf("plays: %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			script.Run(t, path, newServer(t).dial, script.Options{Rewrite: *rewrite})
		})
	}
}
