package engine

import (
	"fmt"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// AddDomain serves one more domain from now on; adding one that is there already
// does nothing. Errors: a *jid.Error if it is no domainpart, ErrDomainTaken if it
// is a component's.
func (e *Engine) AddDomain(domain string) error {
	j, err := jid.New("", domain, "")
	if err != nil {
		return err
	}
	e.components.mu.Lock()
	defer e.components.mu.Unlock()
	if e.components.find(j.Domain()) != nil {
		return fmt.Errorf("%w: %s", ErrDomainTaken, j.Domain())
	}
	e.table.AddDomain(j.Domain())
	return nil
}

// RemoveDomain stops serving a domain; its sessions get the stream error
// host-gone. It reports whether it was served.
func (e *Engine) RemoveDomain(domain string) bool {
	j, err := jid.New("", domain, "")
	if err != nil {
		return false
	}
	d, ok := e.table.RemoveDomain(j.Domain())
	if !ok {
		return false
	}
	e.tlsByName.Delete(j.Domain())
	e.peerTLS.Delete(j.Domain())
	for _, entries := range d.All() {
		e.end(entries, stanza.StreamError{Condition: stanza.StreamHostGone})
	}
	return true
}

// Domains lists the domains served, sorted.
func (e *Engine) Domains() []string { return e.table.Domains() }
