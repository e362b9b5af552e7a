package standard_test

import (
	"path/filepath"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/xep/standard"
)

// RFC 6121 with one side on another server, a.example and b.example.
func TestFederation(t *testing.T) {
	paths, err := filepath.Glob("testdata/federation/*.play")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			w := enginetest.NewWorld(t)
			for _, domain := range []string{"a.example", "b.example"} {
				w.Start(func(c *engine.Config) { c.Extensions = standard.Register }, domain)
			}
			w.Play(path)
		})
	}
}
