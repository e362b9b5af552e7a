package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const journalSize = 64 << 10

// memoryOf opens the journal of a data folder, as a server that starts does.
func memoryOf(t *testing.T, folder, data string) *journal {
	t.Helper()
	j, err := openJournal(folder, data, journalSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(j.memory) })
	return j
}

// wantJournal wants what a journal begins with, and no copy of it.
func wantJournal(t *testing.T, j *journal, begin string) {
	t.Helper()
	if got := strings.TrimRight(string(j.memory[:8]), "\x00"); got != begin {
		t.Errorf("got %q, want %q", got, begin)
	}
	if _, err := os.Stat(j.kept); !os.IsNotExist(err) {
		t.Errorf("a copy is in the data folder: %v", err)
	}
}

// A journal outlives a kill where it is, and an orderly stop in the data folder.
func TestJournalIsKept(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	first := memoryOf(t, folder, data)
	wantJournal(t, first, "")
	copy(first.memory, "killed")
	second := memoryOf(t, folder, data)
	wantJournal(t, second, "killed")
	copy(second.memory, "stopped")
	if err := second.keep(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("memory holds %v, %v", left, err)
	}
	if info, err := os.Stat(filepath.Join(data, keptJournal)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kept: %v, %v", info, err)
	}
	wantJournal(t, memoryOf(t, folder, data), "stopped")
}

// What a kill has left is newer than a copy; one of another size fits nothing.
func TestJournalThatFitsNothing(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	copy(memoryOf(t, folder, data).memory, "newer")
	write := func(size int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(data, keptJournal), []byte(strings.Repeat("x", size)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(journalSize)
	j := memoryOf(t, folder, data)
	wantJournal(t, j, "newer")
	if err := os.Remove(j.path); err != nil {
		t.Fatal(err)
	}
	write(journalSize / 2)
	wantJournal(t, memoryOf(t, folder, data), "")
}

// Others may write to the folder: what they put there is not taken.
func TestJournalOfSomebodyElse(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	path := memoryOf(t, folder, data).path
	for name, put := range map[string]func() error{
		"readable by others": func() error { return os.WriteFile(path, nil, 0o600) },
		"a link":             func() error { return os.Symlink(filepath.Join(data, "x"), path) },
		"a folder":           func() error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := put(); err != nil {
				t.Fatal(err)
			}
			if name == "readable by others" {
				if err := os.Chmod(path, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if j, err := openJournal(folder, data, journalSize); err == nil {
				t.Errorf("taken: %s", j.path)
			}
		})
	}
}
