package engine

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	xtls "github.com/xylem-im/xylem/engine/tls"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/token"
	"github.com/xylem-im/xylem/xep"
)

const (
	defaultScramIterations = 10_000
	maxLoops               = 1 << 10
	maxListeners           = 255 // a connection knows its own by one byte

	// A client is asked for an acknowledgement after so many stanzas, or so long
	// after the first: the queue stays short, and a device is not woken for it.
	askStanzas = 16
	askTime    = 5 * time.Second

	usualConnectionsPerAddress  = 1000
	usualFailedLoginsPerAddress = 1000
)

// configure checks the configuration and derives what the engine needs of it.
// All faults are reported together.
func (e *Engine) configure() error {
	var faults []error
	e.limits, faults = e.cfg.Limits.withDefaults()
	var wrong []error
	e.cfg.Registration, wrong = e.cfg.Registration.withDefaults()
	faults = append(faults, wrong...)
	if e.cfg.Registration.Enabled && (e.cfg.Auth != nil || e.cfg.Store == nil) {
		faults = append(faults, errors.New("engine: Registration: Enabled needs a Store and no Auth"))
	}
	if e.cfg.ScramIterations == 0 {
		e.cfg.ScramIterations = defaultScramIterations
	}
	if e.cfg.ScramIterations < defaultScramIterations {
		faults = append(faults, fmt.Errorf("engine: ScramIterations: %d is too few, want at least %d", e.cfg.ScramIterations, defaultScramIterations))
	}
	if e.cfg.TokenLifetime == 0 {
		e.cfg.TokenLifetime = 21 * 24 * time.Hour
	}
	if e.cfg.TokenLifetime > 0 && e.cfg.TokenLifetime < time.Minute {
		faults = append(faults, fmt.Errorf("engine: TokenLifetime: %s is too short, want at least a minute, or less than 0 for none", e.cfg.TokenLifetime))
	}
	if e.cfg.TokenKey != nil && len(e.cfg.TokenKey) < token.MinKey {
		faults = append(faults, fmt.Errorf("engine: TokenKey: %d bytes are too few, want at least %d", len(e.cfg.TokenKey), token.MinKey))
	}
	if e.cfg.Loops < 0 || e.cfg.Loops > maxLoops {
		faults = append(faults, fmt.Errorf("engine: Loops: %d is out of range, want 0 to %d", e.cfg.Loops, maxLoops))
	}
	if e.cfg.Store == nil && e.cfg.Auth == nil {
		faults = append(faults, errors.New("engine: Store and Auth are both nil: nobody could log in"))
	}
	if e.cfg.Certificates == nil && !e.cfg.AllowPlaintext {
		faults = append(faults, errors.New("engine: Certificates is nil and AllowPlaintext is not set: nobody could log in"))
	}
	for _, d := range e.cfg.Domains {
		if err := e.AddDomain(d); err != nil {
			faults = append(faults, fmt.Errorf("engine: Domains: %q: %w", d, err))
		}
	}
	e.admission.limit = int64(e.limits.Connections)
	e.admission.perAddress = newAddressLimit(e.limits.ConnectionsPerAddress, usualConnectionsPerAddress)
	e.failures.limit = newAddressLimit(e.limits.FailedLoginsPerAddress, usualFailedLoginsPerAddress)
	e.pace = newPace(&e.limits)
	if err := e.configureExtensions(); err != nil {
		faults = append(faults, fmt.Errorf("engine: Extensions: %w", err))
	}
	if e.cfg.DurableAck && e.registry.Keeps() == nil {
		faults = append(faults, errors.New("engine: DurableAck needs an extension that stores messages"))
	}
	e.configureSessions()
	faults = append(faults, e.configureFederation()...)
	faults = append(faults, e.configureComponents()...)
	faults = append(faults, e.configureListeners()...)
	return errors.Join(faults...)
}

// configureExtensions fills and freezes the registry.
func (e *Engine) configureExtensions() error {
	e.registry = xep.NewRegistry()
	if e.cfg.Extensions != nil {
		e.hasExtensions = true
		if err := e.cfg.Extensions(e.registry); err != nil {
			return err
		}
	}
	e.registry.Freeze()
	for _, h := range e.registry.Messages() {
		e.hookMarks |= h.When
	}
	e.copier = e.registry.Copier()
	return nil
}

func (e *Engine) configureSessions() {
	preAuth := parser.Limits{StanzaBytes: e.limits.PreAuthBytes, HeaderBytes: min(e.limits.PreAuthBytes, 8192),
		Depth: 8, Attributes: 16}.WithDefaults()
	bound := parser.Limits{StanzaBytes: e.limits.StanzaBytes}.WithDefaults()
	e.sessions = session.Config{
		Serves:          func(domain string) bool { return e.table.Domain(domain) != nil },
		StartTLS:        e.cfg.Certificates != nil,
		AllowPlaintext:  e.cfg.AllowPlaintext,
		Register:        e.cfg.Registration.Enabled,
		Compress:        e.cfg.Compression,
		PreAuth:         &preAuth,
		Bound:           &bound,
		Features:        e.registry.StreamFeatures(),
		AuthAttempts:    e.limits.AuthAttempts,
		PreAuthTime:     int64(e.limits.PreAuthTime),
		IdleTime:        int64(e.limits.IdleTime),
		PingTime:        int64(max(e.limits.PingTime, 0)),
		Random:          rand.Reader,
		ScramIterations: e.cfg.ScramIterations,
	}
	for _, f := range e.registry.Inlines() {
		e.sessions.Inline = append(e.sessions.Inline, session.InlineFeature{Var: f.Feature, Namespace: f.Namespace, Name: f.Name})
	}
	e.sessions.Management = &session.Management{
		Window:     int64(max(e.limits.ResumeWindow, 0)),
		Bytes:      e.limits.UnackedBytes,
		Stanzas:    e.limits.UnackedStanzas,
		AskStanzas: askStanzas,
		AskTime:    int64(askTime),
	}
	e.inproc = &listener{Listener: Listener{Name: "in-process"}, engine: e, session: &e.sessions, tlsFor: e.startTLSConfig}
}

func (e *Engine) configureListeners() (faults []error) {
	if e.cfg.Certificates != nil {
		e.directTLS = xtls.ServerConfig(e.cfg.Certificates.Certificate, e.tickets, xtls.ALPNClient)
	}
	for i, l := range e.cfg.Listeners {
		if l.Name == "" {
			l.Name = "c2s"
			switch l.Role {
			case RolePeer:
				l.Name = "s2s"
			case RoleComponent:
				l.Name = "components"
			}
			if l.TLS {
				l.Name += "-tls"
			}
		}
		if _, err := net.ResolveTCPAddr("tcp", l.Address); err != nil || l.Address == "" {
			faults = append(faults, fmt.Errorf("engine: Listeners[%d]: Address: %q is no host:port", i, l.Address))
			continue
		}
		if l.TLS && e.cfg.Certificates == nil {
			faults = append(faults, fmt.Errorf("engine: Listeners[%d]: TLS needs Certificates", i))
			continue
		}
		if l.Role == RolePeer && (!e.federates() || e.cfg.Certificates == nil) {
			faults = append(faults, fmt.Errorf("engine: Listeners[%d]: RolePeer needs Federation.Connector and Certificates", i))
			continue
		}
		if i >= maxListeners {
			return append(faults, fmt.Errorf("engine: Listeners: %d are too many, want at most %d", len(e.cfg.Listeners), maxListeners))
		}
		ln := &listener{Listener: l, engine: e, index: uint8(i + 1), session: &e.sessions}
		ln.tlsFor = e.startTLSConfig
		switch {
		case l.Role == RolePeer:
			ln.tlsFor = e.peerServerTLS(l.TLS)
		case l.Role == RoleComponent && l.TLS: // no ALPN: there is none for components
			cfg := xtls.ServerConfig(e.cfg.Certificates.Certificate, nil)
			ln.tlsFor = func(string) *tls.Config { return cfg }
		case l.TLS:
			ln.tlsFor = func(string) *tls.Config { return e.directTLS }
		}
		e.listeners = append(e.listeners, ln)
	}
	return faults
}

// startTLSConfig is the TLS configuration after STARTTLS on a stream to
// domain: a client that sends no SNI has named its domain there already.
func (e *Engine) startTLSConfig(domain string) *tls.Config {
	return e.configFor(&e.tlsByName, domain, func(get xtls.GetCertificate, alpn ...string) *tls.Config {
		return xtls.ServerConfig(get, e.tickets, alpn...)
	})
}

// configFor is the one that known has for a domain, or a new one.
func (e *Engine) configFor(known *sync.Map, domain string, make func(xtls.GetCertificate, ...string) *tls.Config) *tls.Config {
	if cfg, ok := known.Load(domain); ok {
		return cfg.(*tls.Config)
	}
	cfg, _ := known.LoadOrStore(domain, make(func(serverName string) (*tls.Certificate, error) {
		if serverName == "" {
			serverName = domain
		}
		return e.cfg.Certificates.Certificate(serverName)
	}))
	return cfg.(*tls.Config)
}

// withDefaults fills in zero fields and names those out of range.
func (l Limits) withDefaults() (Limits, []error) {
	var faults []error
	number := func(name string, v *int, usual, least, most int) {
		if *v == 0 {
			*v = usual
		}
		if *v < least || *v > most {
			faults = append(faults, fmt.Errorf("engine: Limits.%s: %d is out of range, want %d to %d", name, *v, least, most))
		}
	}
	span := func(name string, v *time.Duration, usual, least time.Duration) {
		if *v == 0 {
			*v = usual
		}
		if *v < least {
			faults = append(faults, fmt.Errorf("engine: Limits.%s: %s is out of range, want at least %s", name, *v, least))
		}
	}
	const most = 1 << 30
	number("StanzaBytes", &l.StanzaBytes, 262_144, 10_000, most) // RFC 6120 §13.12: at least 10,000
	number("PreAuthBytes", &l.PreAuthBytes, 16_384, 4_096, most)
	number("OutboundBytes", &l.OutboundBytes, 1<<20, 64<<10, most)
	number("InboundBytes", &l.InboundBytes, max(min(l.StanzaBytes, most-1<<16)+1<<16, 128<<10), 128<<10, most)
	number("ConnectionsPerAddress", &l.ConnectionsPerAddress, 0, 0, most)
	number("FailedLoginsPerAddress", &l.FailedLoginsPerAddress, 0, 0, most)
	number("BytesPerSecond", &l.BytesPerSecond, 32<<20, 10_000, most)
	number("StanzasPerSecond", &l.StanzasPerSecond, 50_000, 10, 1_000_000_000)
	number("AuthAttempts", &l.AuthAttempts, 5, 1, 100)
	number("HandshakeQueue", &l.HandshakeQueue, 16_384, 1, 1<<24)
	number("SessionsPerUser", &l.SessionsPerUser, 64, 1, 1<<16)
	number("TokensPerUser", &l.TokensPerUser, 32, 1, 1000)
	number("UnackedBytes", &l.UnackedBytes, 1<<20, 64<<10, most)
	number("UnackedStanzas", &l.UnackedStanzas, 2000, 100, 1<<24)
	number("ComponentBytes", &l.ComponentBytes, 4<<20, 64<<10, most)
	number("Detached", &l.Detached, 100_000, 1, 1<<28)
	number("DetachedPerUser", &l.DetachedPerUser, 8, 1, 1<<16)
	if l.ResumeWindow >= 0 {
		span("ResumeWindow", &l.ResumeWindow, 5*time.Minute, time.Second)
	}
	if l.Connections < 0 {
		faults = append(faults, fmt.Errorf("engine: Limits.Connections: %d is out of range, want 0 (automatic) or more", l.Connections))
	}
	span("PreAuthTime", &l.PreAuthTime, 60*time.Second, 100*time.Millisecond)
	span("IdleTime", &l.IdleTime, 5*time.Minute, time.Second)
	if l.PingTime >= 0 {
		span("PingTime", &l.PingTime, 60*time.Second, time.Second)
	}
	span("DrainTime", &l.DrainTime, 5*time.Second, time.Millisecond)
	return l, faults
}
