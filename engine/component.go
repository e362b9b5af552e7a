package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/stanza"
)

// Component is a domain that an external component serves (XEP-0114): a program
// that connects to a listener of RoleComponent, or by PipeComponent.
type Component struct {
	Domain string // prepared as an RFC 7622 domainpart; none of Config.Domains
	Secret string // by which the component proves itself; not empty
}

// ComponentStatus is what an operator can know of a component. Times are Unix
// nanoseconds, 0 for never.
type ComponentStatus struct {
	Domain    string
	Connected bool
	Address   string // of the component, "" when it is away
	Since     int64  // connected, or away
	In, Out   uint64 // stanzas from the component and to it, while it was configured
	Returned  uint64 // stanzas for it that went back to their senders
	LastError string // why the last stream ended, or was refused; "" when nothing has failed
	ErrorAt   int64
}

var (
	// ErrDomainTaken is returned for a domain that is served already, by accounts
	// or by a component.
	ErrDomainTaken = errors.New("engine: the domain is served already")
	// ErrNoSecret is returned for a component without a secret.
	ErrNoSecret = errors.New("engine: a component needs a secret")
)

// components are the domains of components. Reads take no lock.
type components struct {
	mu     sync.Mutex // held to change byName, and to add domains of accounts
	byName atomic.Pointer[map[string]*componentDomain]
}

// find is the component of a prepared domain, nil if there is none. name may be
// borrowed.
func (cs *components) find(name string) *componentDomain {
	if m := cs.byName.Load(); m != nil {
		return (*m)[name]
	}
	return nil
}

// all is a snapshot.
func (cs *components) all() map[string]*componentDomain {
	if m := cs.byName.Load(); m != nil {
		return *m
	}
	return nil
}

// set enters a component, or with nil takes it out, and returns the one before.
// The caller holds mu.
func (cs *components) set(name string, d *componentDomain) (old *componentDomain) {
	m := maps.Clone(cs.all())
	if m == nil {
		m = make(map[string]*componentDomain)
	}
	old = m[name]
	if d == nil {
		delete(m, name)
	} else {
		m[name] = d
	}
	cs.byName.Store(&m)
	return old
}

// componentDomain is one component as all loops know it. Only holder decides who
// gets stanzas: the stream that proved itself last and has not ended.
type componentDomain struct {
	name, secret string
	holder       atomic.Uint64 // a routing.Mailbox; 0: the component is away
	removed      atomic.Bool

	in, out, returned atomic.Uint64

	mu        sync.Mutex
	address   string
	since     int64
	lastError string
	errorAt   int64
}

// apply is never called: a componentDomain rides in the entries of batches.
func (*componentDomain) apply(*loop, *conn) {}

// take gives the domain to the stream at mb; other is who has it.
func (d *componentDomain) take(mb routing.Mailbox) (other routing.Mailbox, ok bool) {
	for {
		if d.holder.CompareAndSwap(0, uint64(mb)) {
			return 0, true
		}
		if other := d.holder.Load(); other != 0 {
			return routing.Mailbox(other), false
		}
	}
}

// leave takes it back; false when the stream did not have it.
func (d *componentDomain) leave(mb routing.Mailbox) bool {
	return d.holder.CompareAndSwap(uint64(mb), 0)
}

// came and left keep the record for operators.
func (d *componentDomain) came(now int64, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.address, d.since = address, now
}

func (d *componentDomain) left(now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.address, d.since = "", now
}

func (d *componentDomain) failed(now int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lastError, d.errorAt = err.Error(), now
}

func (d *componentDomain) status() ComponentStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	return ComponentStatus{Domain: d.name, Connected: d.holder.Load() != 0, Address: d.address, Since: d.since,
		In: d.in.Load(), Out: d.out.Load(), Returned: d.returned.Load(), LastError: d.lastError, ErrorAt: d.errorAt}
}

// AddComponent lets a component serve a domain from now on. One that is there
// already gets the new secret: if that is another one its stream ends, with
// reset, and must be proved anew. Errors: a *jid.Error, ErrNoSecret,
// ErrDomainTaken.
func (e *Engine) AddComponent(c Component) error {
	j, err := jid.New("", c.Domain, "")
	if err != nil {
		return err
	}
	if c.Secret == "" {
		return ErrNoSecret
	}
	name := strings.Clone(j.Domain())
	e.components.mu.Lock()
	defer e.components.mu.Unlock()
	if e.table.Domain(name) != nil {
		return fmt.Errorf("%w: %s", ErrDomainTaken, name)
	}
	if d := e.components.find(name); d != nil && d.secret == c.Secret {
		return nil
	}
	if old := e.components.set(name, &componentDomain{name: name, secret: c.Secret}); old != nil {
		e.dismiss(old, stanza.StreamError{Condition: stanza.StreamReset, Text: "the secret has changed"})
	}
	return nil
}

// RemoveComponent stops serving a component's domain; its stream gets the stream
// error host-gone. It reports whether there was one.
func (e *Engine) RemoveComponent(domain string) bool {
	j, err := jid.New("", domain, "")
	if err != nil {
		return false
	}
	e.components.mu.Lock()
	defer e.components.mu.Unlock()
	old := e.components.set(j.Domain(), nil)
	if old == nil {
		return false
	}
	e.peerTLS.Delete(j.Domain())
	e.dismiss(old, stanza.StreamError{Condition: stanza.StreamHostGone})
	return true
}

// dismiss ends the stream of a component that was taken out.
func (e *Engine) dismiss(d *componentDomain, reason stanza.StreamError) {
	d.removed.Store(true) // who takes it now sees this
	if mb := d.holder.Load(); mb != 0 {
		e.send(routing.Mailbox(mb), &ending{err: reason})
	}
}

// Components tells of all components, sorted by domain.
func (e *Engine) Components() []ComponentStatus {
	list := make([]ComponentStatus, 0, len(e.components.all()))
	for _, d := range e.components.all() {
		list = append(list, d.status())
	}
	slices.SortFunc(list, func(a, b ComponentStatus) int { return cmp.Compare(a.Domain, b.Domain) })
	return list
}

// connectedComponents is how many have a stream now.
func (e *Engine) connectedComponents() (n int64) {
	for _, d := range e.components.all() {
		if d.holder.Load() != 0 {
			n++
		}
	}
	return n
}

// serves tells whether a prepared domain is one of this server, by accounts or
// by a component. It may be lent borrowed bytes.
func (e *Engine) serves(domain string) bool {
	return e.table.Domain(domain) != nil || e.components.find(domain) != nil
}

// parentOf is the domain of accounts that a component belongs to: the longest
// one that its name ends in; "" when it stands for itself.
func (e *Engine) parentOf(component string) string {
	for name := component; ; {
		_, rest, found := strings.Cut(name, ".")
		if !found {
			return ""
		}
		if name = rest; e.table.Domain(name) != nil {
			return name
		}
	}
}

// pingFrom is in whose name a component is asked for a sign of life.
func (e *Engine) pingFrom(component string) string {
	if parent := e.parentOf(component); parent != "" {
		return parent
	}
	if domains := e.table.Domains(); len(domains) > 0 {
		return domains[0]
	}
	return component
}

// servicesOf are the components that are connected and belong to a domain of
// accounts: those below it, and those that are below none.
func (e *Engine) servicesOf(domain string) (list []string) {
	for name, d := range e.components.all() {
		if d.holder.Load() == 0 {
			continue
		}
		if parent := e.parentOf(name); parent == domain || parent == "" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// componentFault names a fault of Config.Components.
func componentFault(i int, domain string, err error) error {
	return fmt.Errorf("engine: Components[%d]: %q: %w", i, domain, err)
}
