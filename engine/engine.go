package engine

import (
	"context"

	"github.com/xylem-im/xylem/stanza"
)

// Engine is one server. Create it with New, run it with Run. All methods are
// safe for concurrent use.
type Engine struct {
	cfg Config
}

// New checks cfg and makes an Engine that does not yet listen. Every fault of
// cfg is named in the one error returned.
func New(cfg Config) (*Engine, error) { return &Engine{cfg: cfg}, nil }

// Run opens the listeners and serves until ctx is done or Shutdown is called;
// either way it drains first (see Shutdown). It returns nil after a clean
// stop, and the first error that kept it from serving otherwise.
func (e *Engine) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Ready is closed when all listeners are open.
func (e *Engine) Ready() <-chan struct{} { return nil }

// Shutdown drains: no new streams, what must be stored is stored, all clients
// get </stream:stream>, then the connections are closed. It waits for
// Config.Limits.DrainTime at most, or until ctx is done.
func (e *Engine) Shutdown(ctx context.Context) error { return nil }

// Addrs tells where the listeners really listen. valid after Ready.
func (e *Engine) Addrs() []Addr { return nil }

// AddDomain serves one more domain from now on. It is an error (a *jid.Error) if it is
// no domainpart; adding one that is there already does nothing.
func (e *Engine) AddDomain(domain string) error { return nil }

// RemoveDomain stops serving a domain; its sessions get the stream error
// host-gone. It reports whether it was served.
func (e *Engine) RemoveDomain(domain string) bool { return false }

// Domains lists the domains served, sorted.
func (e *Engine) Domains() []string { return nil }

// Accounts manages the accounts in Config.Store while the engine runs. nil without a Store.
func (e *Engine) Accounts() *Accounts { return nil }

// Kick closes the sessions of an account (bare JID) or one of its resources (full JID) with a
// stream error and returns how many there were.
func (e *Engine) Kick(address string, reason stanza.StreamError) int { return 0 }

// Inject routes a stanza as if it came from a local service: one complete
// element in jabber:client with from and to set.
func (e *Engine) Inject(raw []byte) error { return nil }

// Stats sums the counters of all loops.
func (e *Engine) Stats() Stats { return Stats{} }
