package plays_test

import (
	"context"
	"flag"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/script"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep/standard"
)

var rewrite = flag.Bool("rewrite", false, "make the plays what was received")

// TestPlays performs each play on an engine of its own, without sockets and
// without TLS; those that negotiate TLS themselves are for TCP.
func TestPlays(t *testing.T) {
	paths, err := filepath.Glob("*.play")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, path := range paths {
		if strings.HasPrefix(path, "starttls-") {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			script.Run(t, path, func() net.Conn { return pipe(t, e) }, script.Options{
				Rewrite: *rewrite,
				Account: func(a script.Account) error {
					who, err := jid.Parse(a.Address)
					if err != nil {
						return err
					}
					return e.Accounts().Create(t.Context(), who, a.Password)
				},
			})
		})
	}
}

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{
		Domains: []string{"localhost"}, Store: memory.New(memory.Options{}),
		Extensions: standard.Register, AllowPlaintext: true, Loops: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	select {
	case <-e.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("engine: %v", err)
	}
	return e
}

func pipe(t *testing.T, e *engine.Engine) net.Conn {
	conn, err := e.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
