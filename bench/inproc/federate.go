package inproc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/xylem-im/xylem/bench/target"
	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/s2s"
)

// federate measures messages between two servers, and before that within each, among
// the same sessions.
func (r *run) federate(ctx context.Context) (f Federation, err error) {
	r.tell("the other server")
	if err := r.bringUp(ctx, indexes(r.settings.Sessions, len(r.users)), online); err != nil {
		return f, err
	}
	f.Far = len(r.users) - r.settings.Sessions
	o := circle{near: r.settings.Sessions, far: f.Far}
	if f.Local, err = r.traffic(ctx, "messages within two servers", o, nil); err != nil {
		return f, err
	}
	if f.Clients, err = r.clients(ctx, o); err != nil {
		return f, err
	}
	o.across = true
	f.Remote, err = r.traffic(ctx, "messages between two servers", o, nil)
	return f, err
}

// serveBoth starts both engines; end stops them.
func (r *run) serveBoth(ctx context.Context, cfg engine.Config) (end func() error, err error) {
	other, err := r.config(farDomain)
	if err != nil {
		return nil, err
	}
	der, key, err := target.SelfSigned(domain, farDomain)
	if err != nil {
		return nil, err
	}
	cert := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key} // nobody checks it
	way := &loopback{to: map[string]netip.AddrPort{}}
	var ends []func() error
	end = func() error {
		var faults []error
		for _, f := range ends {
			faults = append(faults, f())
		}
		return errors.Join(faults...)
	}
	for _, c := range []*engine.Config{&cfg, &other} {
		c.Certificates = anybody{cert}
		c.Listeners = []engine.Listener{{Role: engine.RolePeer, Address: "127.0.0.1:0"}}
		c.Federation = engine.Federation{Connector: way}
		e, stop, err := start(ctx, *c)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		ends = append(ends, stop)
		way.add(c.Domains[0], e)
		if r.engine == nil {
			r.engine = e
		} else {
			r.far = e
		}
	}
	return end, nil
}

// loopback has two servers find each other. Safe for concurrent use.
type loopback struct {
	mu sync.Mutex
	to map[string]netip.AddrPort
}

// add tells where a domain is.
func (w *loopback) add(domain string, e *engine.Engine) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to[domain] = netip.MustParseAddrPort(e.Addrs()[0].Addr.String())
}

// Find implements engine.Connector.
func (w *loopback) Find(_ context.Context, domain string, _ func(string)) ([]s2s.Target, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.to[domain]
	if !ok {
		return nil, fmt.Errorf("%s: %w", domain, s2s.ErrNoService)
	}
	return []s2s.Target{{Host: at.Addr().String(), Port: at.Port()}}, nil
}

// Dial implements engine.Connector.
func (w *loopback) Dial(ctx context.Context, targets []s2s.Target, _ func(string)) (net.Conn, int, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(targets[0].Host, fmt.Sprint(targets[0].Port)))
	return conn, 0, err
}

// anybody shows one certificate for all domains.
type anybody struct{ cert *tls.Certificate }

func (a anybody) Certificate(string) (*tls.Certificate, error) { return a.cert, nil }
