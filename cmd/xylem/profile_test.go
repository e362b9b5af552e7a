package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A profile is whole when the server has ended, and a file that cannot be made
// is told before anything is opened.
func TestCPUProfile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "cpu.prof")
	s := startServer(t, filepath.Join(dir, "data"), "--cpu-profile", file)
	if code := s.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) { // profiles are compressed by gzip
		t.Errorf("no profile: %d bytes, %v", len(b), err)
	}

	s = launch(t, filepath.Join(dir, "other"), "--cpu-profile", filepath.Join(dir, "missing", "cpu.prof"))
	<-s.gone
	if log, _ := s.log.state(); s.code != exitFailed || !strings.Contains(log, "--cpu-profile: ") {
		t.Errorf("exit code %d: %s", s.code, log)
	}
	if _, err := os.Stat(s.data); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
}
