package resolve_test

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/xylem-im/xylem/internal/testdns"
	"github.com/xylem-im/xylem/s2s/resolve"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// resolver asks z, has a clock of its own, ways to both families, and takes the
// first of what is random.
func resolver(z *testdns.Zone, edit func(*resolve.Config)) (*resolve.Resolver, *clock) {
	c := newClock()
	cfg := resolve.Config{
		Sources: resolve.Sources{Servers: []string{z.Address}},
		Timeout: 30 * time.Second, // and Lookup: what is there answers, on a busy machine in its time
		Lookup:  60 * time.Second,
		Now:     c.Now,
		Random:  func(int) int { return 0 },
		Source: func(_ context.Context, to netip.Addr) (netip.Addr, error) {
			if to.Is4() {
				return netip.MustParseAddr("192.0.2.99"), nil
			}
			return netip.MustParseAddr("2001:db8::99"), nil
		},
	}
	if edit != nil {
		edit(&cfg)
	}
	return resolve.New(cfg), c
}

// story collects steps.
type story struct{ lines []string }

func (s *story) step(text string) { s.lines = append(s.lines, text) }

func (s *story) String() string { return strings.Join(s.lines, "\n") }
