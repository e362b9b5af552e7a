package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The first thing in README.md are two commands: one starts the server, one runs the tests.
func TestReadmeBeginsWithTwoCommands(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(block.FindString(string(text))) {
		command, _, _ := strings.Cut(line, "#")
		if command = strings.TrimSpace(command); !strings.HasPrefix(command, "```") {
			commands = append(commands, command)
		}
	}
	want := []string{"go run ./cmd/xylem serve", "go test ./..."}
	if strings.Join(commands, "\n") != strings.Join(want, "\n") {
		t.Errorf("README.md begins with %q, want %q", commands, want)
	}
}
