package script

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of a performance. The zero value plays without TLS.
type Options struct {
	// TLS is used for STARTTLS; nil: plain streams, or dial returns TLS already.
	// An empty ServerName is filled in with the client's domain.
	TLS *tls.Config
	// Dial connects to the server of a domain, "" for raw clients; for plays on
	// several servers. nil: all are on the one that is given beside the options.
	Dial func(domain string) net.Conn
	// Timeout of each wait. Default 60 s; it is reached only in failures.
	Timeout time.Duration
	// Account is called before the play for each account that it needs. May be nil.
	Account func(Account) error
	// Rewrite makes blocks that differ what was received.
	Rewrite bool
}

func (o *Options) tlsFor(r *role) *tls.Config {
	cfg := o.TLS.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = r.domain
	}
	return cfg
}

// Run performs the play in the file on the server that dial connects to, and
// fails the test where they differ. With Options.Rewrite it changes the file
// instead. dial is called on the test's goroutine and may fail the test itself.
func Run(t testing.TB, path string, dial func() net.Conn, opts Options) {
	t.Helper()
	p, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	rewritten, err := p.Perform(dial, opts)
	if err != nil {
		t.Fatal(err)
	}
	if !opts.Rewrite || rewritten == strings.Join(p.lines, "\n")+"\n" {
		return
	}
	if err := os.WriteFile(path, []byte(rewritten), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s rewritten", path)
}

// Perform plays p once. The error names the line that failed and carries the
// trace. With Options.Rewrite it returns the text of the play with what was
// received in the place of what differed.
func (p *Play) Perform(dial func() net.Conn, opts Options) (rewritten string, err error) {
	if opts.Timeout == 0 {
		opts.Timeout = 60 * time.Second
	}
	if opts.Dial == nil {
		opts.Dial = func(string) net.Conn { return dial() }
	}
	s := &stage{play: p, opts: opts, vars: vars{}, actors: map[*role]*actor{}}
	defer s.closeAll()
	if opts.Account != nil {
		for _, a := range p.Accounts() {
			if err := opts.Account(a); err != nil {
				return "", fmt.Errorf("%s: account %s: %w", p.Name, a.Address, err)
			}
		}
	}
	for i := range p.steps {
		if err := s.perform(&p.steps[i]); err != nil {
			return "", s.failure(p.steps[i].line, err)
		}
	}
	if err := s.curtain(); err != nil {
		return "", s.failure(len(p.lines), err)
	}
	return s.rewritten(), nil
}

// stage is one performance of a play.
type stage struct {
	play   *Play
	opts   Options
	vars   vars
	actors map[*role]*actor // those connected at some time
	ids    int              // for {id:…} and marks
	edits  []edit           // for rewriting

	mu    sync.Mutex
	trace []string
}

// actor is one of the cast with a connection.
type actor struct {
	role  *role
	conn  *conn
	jid   string // full, "" unless bound
	bound bool   // takes part in barriers
}

// closeAll cuts what is still connected.
func (s *stage) closeAll() {
	for _, a := range s.actors {
		a.conn.close()
	}
}

// traceKept is how many lines of the trace a failure shows.
const traceKept = 40

func (s *stage) note(name, arrow, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, fmt.Sprintf("%s %s %s", name, arrow, shorten(text)))
}

func (s *stage) failure(line int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := max(0, len(s.trace)-traceKept)
	return fmt.Errorf("%s:%d: %w\ntrace (the last %d lines):\n\t%s",
		s.play.Name, line, err, len(s.trace)-from, strings.Join(s.trace[from:], "\n\t"))
}

// fresh makes a value for {id:…}; the same in each performance.
func (s *stage) fresh() string {
	s.ids++
	return fmt.Sprintf("id%d", s.ids)
}
