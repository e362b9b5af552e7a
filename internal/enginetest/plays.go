package enginetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xylem-im/xylem/internal/script"
	"github.com/xylem-im/xylem/xep"
)

// Plays performs each play in the test's testdata folder twice, on servers of
// its own: in the process, and over sockets. With XYLEM_REWRITE=1 in the
// environment the plays are changed to what was received, see package script.
func Plays(t *testing.T, extensions ...func(*xep.Registry) error) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.play")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plays in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			Start(t, extensions...).Play(path)
		})
		t.Run(filepath.Base(path)+" over TCP", func(t *testing.T) {
			startTCP(t, extensions...).Play(path)
		})
	}
}

// Play performs one play on s, with the accounts that it needs.
func (s *Server) Play(path string) {
	s.t.Helper()
	s.perform(path, func(a script.Account) error {
		s.AddUser(a.Address, a.Password)
		return nil
	})
}

// Perform performs one play on s, whose accounts are there already.
func (s *Server) Perform(path string) {
	s.t.Helper()
	s.perform(path, nil)
}

func (s *Server) perform(path string, account func(script.Account) error) {
	s.t.Helper()
	script.Run(s.t, path, s.Dial, script.Options{Rewrite: os.Getenv("XYLEM_REWRITE") == "1", Account: account})
}
