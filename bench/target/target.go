// Package target starts the servers that are measured, each with a
// configuration, a data folder and ports of its own, and stops what it
// started, by process id. Peers come from Debian's packages; the instance that
// a package may have started is left alone.
package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	Payload int  // bytes of the largest stanza, to raise limits if needed
	Carbons bool // clients switch them on (XEP-0280)
	Held    int  // bytes that xylem may hold for one client that reads nothing; 0: as it is by default

	domain string    // that the server serves
	peer   *neighbor // StartPair: the other server; nil: no federation
}

// neighbor is how two servers of a pair find each other, both on 127.0.0.1: by
// a table of hosts where they have one.
type neighbor struct {
	names  int    // port of a DNS server that knows both
	listen int    // port for the other server
	domain string // of the other server
	port   int    // where it listens
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
	// Configuration is the files and arguments that it was started with, folders and ports
	// written as $DIR and $PORT; "": not known.
	Configuration string
	process       *process
	names         *names // stopped with it; may be nil
}

// Stop ends a server that was started here.
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.stop()
	if s.names != nil {
		err = errors.Join(err, s.names.stop())
	}
	return err
}

// Ended tells how a server that was started here ended by itself, with the end
// of its output; nil while it runs.
func (s *Server) Ended() error {
	if s.process == nil {
		return nil
	}
	select {
	case <-s.process.done:
	default:
		return nil
	}
	return s.process.ended()
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
	if s.domain == "" {
		s.Dir, s.domain = filepath.Join(s.Dir, name), domain
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	server, err := p.start(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	server.Name, server.Domain = name, s.domain
	return server, nil
}

// StartPair starts a preset twice. The servers federate with each other and
// nobody else: TLS, and Server Dialback, since their certificates are their
// own. Both have all accounts.
func StartPair(ctx context.Context, name string, s Settings) (first, second *Server, err error) {
	domains := [2]string{"one.bench", "two.bench"}
	var ports [2]int
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, nil, err
		}
	}
	names, err := serveNames(map[string]int{domains[0]: ports[0], domains[1]: ports[1]})
	if err != nil {
		return nil, nil, err
	}
	var servers [2]*Server
	for i := range servers {
		t, other := s, 1-i
		t.Dir, t.domain = filepath.Join(s.Dir, name+"-"+domains[i]), domains[i]
		t.peer = &neighbor{names: names.port, listen: ports[i], domain: domains[other], port: ports[other]}
		if servers[i], err = Start(ctx, name, t); err != nil {
			if i == 1 {
				err = errors.Join(err, servers[0].Stop())
			}
			return nil, nil, errors.Join(err, names.stop())
		}
	}
	servers[1].names = names
	return servers[0], servers[1], nil
}

// shown is a configuration as a report has it: the same for all folders and ports.
func (s Settings) shown(text string, ports ...int) string {
	for _, port := range ports {
		text = regexp.MustCompile(fmt.Sprintf(`\b%d\b`, port)).ReplaceAllLiteralString(text, "$PORT")
	}
	return strings.TrimSpace(strings.ReplaceAll(text, s.Dir, "$DIR"))
}

// ports are those of a pair; none: there is no other server.
func (s Settings) ports() []int {
	if s.peer == nil {
		return nil
	}
	return []int{s.peer.names, s.peer.listen, s.peer.port}
}

// write makes a file of the server's.
func (s Settings) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644)
}

// path is a file of the server's.
func (s Settings) path(name string) string { return filepath.Join(s.Dir, name) }
