package layers

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImports holds the table for every Go file of the module, whatever its
// build constraints. It reads the files itself: a test that asks the go command
// is answered from the test cache while imports are broken.
func TestImports(t *testing.T) {
	root := moduleRoot(t)
	count := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			return enter(rel, name)
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		count++
		for _, problem := range check(source{rel, text}) {
			t.Error(problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 10 {
		t.Errorf("only %d Go files were read under %s", count, root)
	}
}

// enter skips what the go command skips too: hidden folders, test data and
// modules of their own.
func enter(rel, name string) error {
	base := filepath.Base(rel)
	if rel == "." {
		return nil
	}
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

// TestTopFolders keeps the list of folders short: a new one needs a reason.
func TestTopFolders(t *testing.T) {
	entries, err := os.ReadDir(moduleRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && !knownFolder(name) {
			t.Errorf("folder %s is not known: add it to internal/layers/table_test.go, "+
				"and its reason to ARCHITECTURE.md", name)
		}
	}
}

func knownFolder(name string) bool {
	if strings.HasPrefix(name, ".") || name == "node_modules" || strings.HasSuffix(name, "-data") ||
		slices.Contains(otherFolders, name) {
		return true
	}
	return slices.ContainsFunc(table, func(l layer) bool { return under(strings.TrimSuffix(l.pkg, "/..."), name) })
}

// moduleRoot is the folder of go.mod above the test's own.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod of " + module + " above the test")
		}
		dir = parent
	}
}
