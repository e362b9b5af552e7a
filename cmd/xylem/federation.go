package main

import (
	"crypto/x509"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/certs"
	"github.com/xylem-im/xylem/s2s/resolve"
)

// federation is what the engine's federation asks of this program: how other
// servers are found, whom is trusted, and what holds for whom.
type federation struct {
	resolver *resolve.Resolver
	roots    atomic.Pointer[certs.Roots]
	policies atomic.Pointer[policies]
}

// newFederation reads the authorities; nil when there is to be no federation.
func newFederation(c *config) (*federation, error) {
	if !c.federates() {
		return nil, nil
	}
	f := &federation{resolver: resolve.New(resolve.Config{Sources: sourcesOf(c), Records: c.DNS.Records})}
	roots, err := loadRoots(c)
	if err != nil {
		return nil, err
	}
	f.roots.Store(roots)
	f.policies.Store(newPolicies(&c.S2S))
	return f, nil
}

// loadRoots reads the authorities that are trusted with other servers.
func loadRoots(c *config) (*certs.Roots, error) {
	roots := new(certs.Roots)
	if err := roots.Load(certs.Sources{Files: c.TLS.CAFile, NoSystem: !c.TLS.SystemRoots}); err != nil {
		return nil, fmt.Errorf("tls.ca_file: %w", err)
	}
	return roots, nil
}

func sourcesOf(c *config) resolve.Sources {
	return resolve.Sources{Servers: c.DNS.Server, Hosts: c.S2S.StaticHosts, Denied: prefixes(c.S2S.Addresses)}
}

// change takes over what can change at run time, with what loadRoots has read.
// What DNS said before is forgotten, so that SIGHUP helps who has corrected it.
func (f *federation) change(c *config, roots *certs.Roots) {
	if f == nil {
		return
	}
	f.roots.Store(roots)
	f.resolver.Use(sourcesOf(c))
	f.policies.Store(newPolicies(&c.S2S))
}

// engine completes the limits with what this program does for the engine.
func (f *federation) engine(limits engine.Federation) engine.Federation {
	if f == nil {
		return engine.Federation{}
	}
	limits.Connector = f.resolver
	limits.Judge = func(chain []*x509.Certificate, server bool) s2s.Proof {
		return certs.Verify(chain, f.roots.Load(), time.Now(), server)
	}
	limits.Policy = func(remote string) s2s.Policy { return f.policies.Load().of(remote) }
	return limits
}
