package main

import (
	"log/slog"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/s2s/resolve"
	"github.com/xylem-im/xylem/xep/standard"
)

// config is everything that a file, --set and flags can say. Each field has
// one row in configKeys, which names, checks and documents it.
type config struct {
	Server serverConfig
	C2S    c2sConfig
	S2S    s2sConfig
	DNS    dnsConfig
	TLS    tlsConfig
	Auth   authConfig
	// Registration is [registration]: accounts that clients make.
	Registration engine.Registration
	HTTP         httpConfig
	Components   componentsConfig
	// StreamManagement is [stream_management], but for what is among the Limits.
	StreamManagement streamManagementConfig
	Limits           engine.Limits     // [limits]; StanzaBytes is c2s.max_stanza_bytes
	Federation       engine.Federation // limits.s2s_*; what is no limit is filled in by federation
	Log              logConfig

	Extensions standard.Options // [contact], and what [limits] says of them
}

// serverConfig is [server].
type serverConfig struct {
	Domains []string // prepared domainparts; at run time. Default "localhost"
	Data    string   // folder for everything that is kept. Default "./xylem-data"
	Loops   int      // event loops; 0: one per usable core. Default 0
	// HugePages has a large heap backed with huge pages, see package hugepages. Default true
	HugePages bool
}

// c2sConfig is [c2s]: what clients connect to.
type c2sConfig struct {
	Listen         []string // host:port with STARTTLS. Default "127.0.0.1:5222"
	ListenTLS      []string // host:port with TLS from the first byte. Default "127.0.0.1:5223"
	Proxies        []string // networks of proxies that speak the PROXY protocol. Default none
	Compression    bool     // zlib for streams that have logged in, XEP-0138. Default false
	AllowPlaintext bool     // SASL without TLS, for tests on loopback. Default false
}

// s2sConfig is [s2s]: other servers.
type s2sConfig struct {
	Listen    []string // host:port with STARTTLS. Default "127.0.0.1:5269"
	ListenTLS []string // host:port with TLS from the first byte. Default "127.0.0.1:5270"

	Require     s2s.Require               // of domains without a row of their own; at run time. Default dialback
	Allow       []string                  // patterns; empty: all; at run time. Default none
	Deny        []string                  // patterns; before Allow; at run time. Default none
	Addresses   []string                  // prefixes that are not connected to; at run time. Default none
	Domains     []s2sDomain               // [[s2s.domain]]; at run time. Default none
	StaticHosts map[string][]resolve.Host // by pattern; at run time. Default none
}

// s2sDomain is one [[s2s.domain]].
type s2sDomain struct {
	Names   []string // patterns
	Require s2s.Require
}

// dnsConfig is [dns].
type dnsConfig struct {
	Server  []string // name servers, host:port; empty: those of the system; at run time. Default none
	Records int      // limits.dns_records. Default 20,000
}

// tlsConfig is [tls].
type tlsConfig struct {
	CAFile       []string            // PEM files with authorities trusted with other servers; at run time. Default none
	SystemRoots  bool                // trust those of the system too; at run time. Default true
	Certificates []certificateConfig // [[tls.certificate]]; at run time. Default none
	Held         int                 // limits.certificates: parsed ones in memory; at run time. Default 1000
}

// certificateConfig is one [[tls.certificate]].
type certificateConfig struct {
	Domains []string // names it is shown for, "*.example.org" too. Default: those in the certificate
	Cert    string   // PEM file: the certificate, then its intermediates
	Key     string   // PEM file: its private key
	at      origin   // where it was configured, for messages
}

// authConfig is [auth].
type authConfig struct {
	ScramIterations int           // hash rounds for new passwords. Default 10,000
	TokenLifetime   time.Duration // of tokens by which clients log in again; 0: none are given. Default 21 days
}

// streamManagementConfig is [stream_management].
type streamManagementConfig struct {
	DurableAck   bool // see engine.Config.DurableAck. Default true
	JournalBytes int  // of engine.Config.Journal; 0: none. Default 4,194,304
}

// httpConfig is [http]: health and metrics for machines.
type httpConfig struct {
	Listen string // host:port; "": none. Default "127.0.0.1:5280"
}

// componentsConfig is [components]: external components (XEP-0114).
type componentsConfig struct {
	Listen    []string          // host:port. Default none
	ListenTLS []string          // host:port with TLS from the first byte. Default none
	Services  []componentConfig // [[components.service]]; at run time. Default none
}

// componentConfig is one [[components.service]].
type componentConfig struct {
	Domain string
	Secret string
	at     origin // where it was configured, for messages
}

// logConfig is [log].
type logConfig struct {
	Level  slog.Level // at run time. Default info
	Format string     // "text" or "json". Default "text"
}

// defaultConfig is what `xylem serve` uses when nothing is said. The figures
// of Limits repeat the defaults that package engine documents, so that the
// example file and error messages can tell them; for those that are left out,
// 0, see engineLimits.
func defaultConfig() config {
	return config{
		Server: serverConfig{Domains: []string{"localhost"}, Data: "./xylem-data", HugePages: true},
		C2S:    c2sConfig{Listen: []string{"127.0.0.1:5222"}, ListenTLS: []string{"127.0.0.1:5223"}, Proxies: []string{}},
		S2S: s2sConfig{Listen: []string{"127.0.0.1:5269"}, ListenTLS: []string{"127.0.0.1:5270"},
			Allow: []string{}, Deny: []string{}, Addresses: []string{}, Domains: []s2sDomain{}, StaticHosts: map[string][]resolve.Host{}},
		DNS:  dnsConfig{Server: []string{}, Records: 20_000},
		TLS:  tlsConfig{CAFile: []string{}, SystemRoots: true, Held: 1000},
		Auth: authConfig{ScramIterations: 10_000, TokenLifetime: 21 * 24 * time.Hour},

		Registration: engine.Registration{PerAddress: 5, PerHour: 1000},
		HTTP:         httpConfig{Listen: "127.0.0.1:5280"},
		Components:   componentsConfig{Listen: []string{}, ListenTLS: []string{}},

		StreamManagement: streamManagementConfig{DurableAck: true, JournalBytes: 4 << 20},
		Limits: engine.Limits{
			StanzaBytes:      262_144,
			BytesPerSecond:   32 << 20,
			StanzasPerSecond: 50_000,
			PreAuthBytes:     16_384,
			PreAuthTime:      60 * time.Second,
			IdleTime:         5 * time.Minute,
			PingTime:         60 * time.Second,
			AuthAttempts:     5,
			HandshakeQueue:   16_384,
			SessionsPerUser:  64,
			ResumeWindow:     5 * time.Minute,
			UnackedBytes:     1 << 20,
			UnackedStanzas:   2000,
			Detached:         100_000,
			ComponentBytes:   4 << 20,
			DetachedPerUser:  8,
			TokensPerUser:    32,
			DrainTime:        5 * time.Second,
		},
		Federation: engine.Federation{
			Domains:      20_000,
			QueueBytes:   1 << 20,
			QueueStanzas: 1000,
			QueueTime:    time.Minute,
			Dials:        256,
			DialTime:     20 * time.Second,
			RetryLeast:   time.Second,
			RetryMost:    2 * time.Minute,
			IdleTime:     10 * time.Minute,
			SilentTime:   time.Minute,
			AnswerTime:   30 * time.Second,
		},
		Log:        logConfig{Level: slog.LevelInfo, Format: "text"},
		Extensions: defaultExtensions(),
	}
}

// engineLimits are the limits as the engine gets them: with what is left to
// the program filled in, where it hangs on another key.
func (c *config) engineLimits() engine.Limits {
	l := c.Limits
	if l.InboundBytes == 0 {
		l.InboundBytes = max(l.StanzaBytes+64<<10, leastInbound)
	}
	if l.OutboundBytes == 0 {
		l.OutboundBytes = max(1<<20, 4*l.StanzaBytes)
	}
	if l.PingTime == 0 {
		l.PingTime = -1 // white space, which for the engine is not the default
	}
	return l
}
