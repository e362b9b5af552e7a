// Package target starts the servers that are measured, each with a
// configuration, a data folder and ports of its own, and stops what it
// started, by process id. Peers come from Debian's packages; the instance that
// a package may have started is left alone.
package target

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xylem-im/xylem/bench/client"
)

// Settings are what a server is started with.
type Settings struct {
	Dir     string          // folder for its files; kept from one start to the next
	TLS     bool            // clients use STARTTLS; otherwise logins in the clear are allowed
	CPUs    string          // "0", "0-3", "0,2": cores to run on; "" is all
	Count   int             // accounts to have
	Users   client.Accounts // their names and passwords
	Xylem   string          // binary of xylem
	Self    string          // binary of xylem-bench, for the relay
	Log     func(format string, args ...any)
	Payload int // bytes of the largest stanza, to raise limits if needed
}

// Server is one that runs.
type Server struct {
	Name      string
	Version   string
	Address   string
	Domain    string
	DirectTLS bool
	Relay     bool
	PID       int // 0: not known, so nothing is measured from outside
	Notes     []string
	process   *process
}

// Stop ends a server that was started here.
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}
	return s.process.stop()
}

// preset is a server that can be started.
type preset struct {
	about string
	start func(ctx context.Context, s Settings) (*Server, error)
}

func presets() map[string]preset {
	return map[string]preset{
		"xylem":         {"the xylem binary with its defaults", startXylem},
		"xylem-quick":   {"xylem that acknowledges what it has only in memory (durable_ack = false)", startXylemQuick},
		"prosody":       {"Debian's prosody with the modules that its package enables", startProsody},
		"prosody-tuned": {"prosody with few modules, generational collector and immediate writes", startProsodyTuned},
		"ejabberd":      {"Debian's ejabberd with Debian's modules for users, without archive", startEjabberd},
		"relay":         {"the bare relay without XMPP: the floor", startRelay},
	}
}

// Presets lists the names that Start knows and what they are.
func Presets() (list [][2]string) {
	for name, p := range presets() {
		list = append(list, [2]string{name, p.about})
	}
	slices.SortFunc(list, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return list
}

// IsPreset tells whether Start knows name.
func IsPreset(name string) bool { _, ok := presets()[name]; return ok }

// domain of all servers that are started here.
const domain = "localhost"

// Start starts a preset and returns when it serves and has its accounts.
func Start(ctx context.Context, name string, s Settings) (*Server, error) {
	p, ok := presets()[name]
	if !ok {
		return nil, fmt.Errorf("there is no preset %q", name)
	}
	s.Dir = filepath.Join(s.Dir, name)
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	server, err := p.start(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	server.Name = name
	if server.Domain == "" {
		server.Domain = domain
	}
	return server, nil
}

// write makes a file of the server's.
func (s Settings) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644)
}

// path is a file of the server's.
func (s Settings) path(name string) string { return filepath.Join(s.Dir, name) }
