package engine

import (
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
)

// Registration lets clients make accounts (XEP-0077 §3.1). The zero value does
// not. Attempts are counted, whether an account comes of them or not; those
// beyond a bound get resource-constraint.
type Registration struct {
	Enabled    bool
	PerAddress int // attempts an hour from one IPv4 address or one IPv6 /64. Default 5
	PerHour    int // attempts an hour from all together. Default 1,000
}

// withDefaults fills in zero fields and names those out of range.
func (r Registration) withDefaults() (Registration, []error) {
	var faults []error
	for _, f := range []struct {
		name  string
		value *int
		usual int
	}{{"PerAddress", &r.PerAddress, 5}, {"PerHour", &r.PerHour, 1000}} {
		if *f.value == 0 {
			*f.value = f.usual
		}
		if *f.value < 0 || *f.value > 1<<20 {
			faults = append(faults, errors.New("engine: Registration."+f.name+": is out of range, want 1 to 1,048,576"))
		}
	}
	return r, faults
}

// attempts counts what was tried in the current hour. What it holds is bounded
// by Registration.PerHour. Safe for concurrent use.
type attempts struct {
	mu    sync.Mutex
	hour  int64
	all   int
	byOne map[netip.Prefix]int
}

// allow counts an attempt at now, Unix nanoseconds, if it is within bounds.
func (a *attempts) allow(limits *Registration, remote net.Addr, now int64) bool {
	one := networkOf(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	if hour := now / int64(time.Hour); hour != a.hour || a.byOne == nil {
		a.hour, a.all, a.byOne = hour, 0, make(map[netip.Prefix]int)
	}
	if a.all >= limits.PerHour || a.byOne[one] >= limits.PerAddress {
		return false
	}
	a.all++
	a.byOne[one]++
	return true
}

// networkOf is what counts as one address; in-process connections share the
// zero Prefix.
func networkOf(remote net.Addr) netip.Prefix {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap()
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.WithZone("").Prefix(bits)
	return p
}

// register makes the account that a client asks for.
func (c *conn) register(op session.Op) {
	l := c.loop
	e, to, remote := l.engine, c.mailbox(), addrString(c.transport.remote())
	done := func(err error) { e.send(to, &completion{session.Result{Err: err}}) }
	if !e.attempts.allow(&e.cfg.Registration, c.transport.remote(), l.now) {
		done(stanza.Error{Condition: stanza.ResourceConstraint, Text: "too many accounts were asked for; try again in an hour"})
		return
	}
	who, err := jid.New(op.Local, op.Domain, "")
	if err != nil {
		done(stanza.Error{Condition: stanza.NotAcceptable})
		return
	}
	finish := func(err error) {
		if err == nil {
			e.log.Info("account registered", "account", who.String(), "remote", remote)
		}
		done(registerError(err))
	}
	l.ask(getCredentials(who.String()), func(res *storage.Result) {
		switch {
		case res.Err == nil:
			finish(storage.ErrConflict)
		case !errors.Is(res.Err, storage.ErrNotFound):
			finish(res.Err)
		default:
			l.create(who, op.Password, finish)
		}
	})
}

// create hashes a password on a worker and stores the account.
func (l *loop) create(who jid.JID, password string, done func(error)) {
	e := l.engine
	job := func() {
		creds, err := sasl.Derive(password, e.cfg.ScramIterations, rand.Reader)
		e.sendLoop(l.index, call(func() {
			if err != nil {
				done(stanza.Error{Condition: stanza.NotAcceptable, Text: "this cannot be a password"})
				return
			}
			l.ask(putCredentials(who, nil, creds.Append(nil)), func(res *storage.Result) { done(res.Err) })
		}))
	}
	if !l.work(job) {
		done(storage.ErrBusy)
	}
}

// registerError is what the client sees.
func registerError(err error) error {
	switch {
	case errors.Is(err, storage.ErrConflict):
		return stanza.Error{Condition: stanza.Conflict, Text: "the username is taken"} // XEP-0077 §3.1.2
	case errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrFull):
		return stanza.Error{Condition: stanza.ResourceConstraint}
	}
	return err
}
