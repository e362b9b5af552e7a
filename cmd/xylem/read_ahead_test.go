package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sysFile makes a file in the form of sysfs.
func sysFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadAhead(t *testing.T) {
	sys := t.TempDir()
	sysFile(t, sys+"/class/bdi/0:45/read_ahead_kb", "4096\n")
	sysFile(t, sys+"/class/bdi/0:46/read_ahead_kb", "many\n")
	sysFile(t, sys+"/devices/sda/queue/read_ahead_kb", "8192\n")
	sysFile(t, sys+"/devices/sda/sda1/partition", "1\n")
	sysFile(t, sys+"/dev/block/none", "")
	for name, target := range map[string]string{"8:0": "sda", "8:1": "sda/sda1"} {
		if err := os.Symlink("../../devices/"+target, sys+"/dev/block/"+name); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name         string
		major, minor uint32
		want         int
	}{
		{"a file system without device", 0, 45, 4096},
		{"a disk", 8, 0, 8192},
		{"a partition", 8, 1, 8192},
		{"not a number", 0, 46, 0},
		{"unknown", 9, 0, 0},
	} {
		file, got := readAhead(sys, test.major, test.minor)
		if got != test.want || (file == "") != (got == 0) {
			t.Errorf("%s: %d KiB by %q, want %d", test.name, got, file, test.want)
		}
	}
}

func TestReadAheadWarning(t *testing.T) {
	data := t.TempDir()
	var info unix.Stat_t
	if err := unix.Stat(data, &info); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kib   int
		warns bool
	}{{0, false}, {128, false}, {mostReadAhead, false}, {mostReadAhead + 1, true}, {8192, true}} {
		sys := t.TempDir()
		file := fmt.Sprintf("%s/class/bdi/%d:%d/read_ahead_kb", sys, unix.Major(info.Dev), unix.Minor(info.Dev))
		sysFile(t, file, fmt.Sprintln(test.kib))
		var log bytes.Buffer
		s := server{log: slog.New(slog.NewTextHandler(&log, nil))}
		s.checkReadAhead(data, sys)
		if got := strings.Contains(log.String(), file) && strings.Contains(log.String(), "128"); got != test.warns {
			t.Errorf("%d KiB: warned %v, want %v: %s", test.kib, got, test.warns, log.String())
		}
	}
}
