package main

import (
	"os"
	"syscall"
	"testing"
)

// A journal is there while the server runs, and not when it has stopped in order or
// did not get ready; what it has of a server that was killed stays.
func TestJournalOfAStartThatFails(t *testing.T) {
	left := func(data string) bool {
		j, err := openJournal(journalFolder, data, 65536)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(j.path); err != nil {
			t.Fatal(err)
		}
		return !j.fresh
	}
	const small = "stream_management.journal_bytes=65536"
	stopped, refused := t.TempDir(), t.TempDir()
	s := startServer(t, stopped, "--set", small)
	second := launch(t, refused, "--set", small, "--c2s", s.ready["c2s"])
	<-second.gone
	if second.code != exitFailed || left(refused) {
		t.Errorf("exit %d, and its journal stays", second.code)
	}
	if code := s.stop(syscall.SIGTERM); code != exitOK || left(stopped) {
		t.Errorf("exit %d, and its journal stays", code)
	}
	killed := t.TempDir()
	if _, err := openJournal(journalFolder, killed, 65536); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, t.TempDir())
	second = launch(t, killed, "--set", small, "--c2s", s.ready["c2s"])
	<-second.gone
	if second.code != exitFailed || !left(killed) {
		t.Errorf("exit %d, and the journal of a server that was killed is gone", second.code)
	}
}
