package engine

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep"
)

// Config says what an Engine serves. The zero value of each field is usable;
// New checks all of it once and reports every fault by the field's name.
type Config struct {
	// Domains served from the start; more come and go with AddDomain and
	// RemoveDomain. Prepared as RFC 7622 domainparts. May be empty.
	Domains []string

	// Listeners to open, at most 255. Empty: none; sessions then come in by Attach
	// or Pipe.
	Listeners []Listener

	// Certificates answers which certificate to show for a domain. nil: no
	// TLS, and therefore no STARTTLS, no direct TLS, no SASL unless
	// AllowPlaintext.
	Certificates Certificates

	// Store keeps accounts and what they own. The engine uses it through the
	// asynchronous pump and closes it in Shutdown. nil: Auth must be set, and
	// nothing is stored.
	Store storage.Driver

	// Auth decides who may log in. nil: the accounts in Store.
	Auth Authenticator

	// Registration lets clients make accounts in Store. Not with Auth.
	Registration Registration

	// Policy decides what sessions may do. nil: everything that the RFCs allow.
	Policy Policy

	// Hooks watch; nil members are skipped.
	Hooks Hooks

	// Extensions fills the registry before traffic, see package xep;
	// standard.Register is what the stock server uses. nil: none, and only
	// messages, directed presence and IQs between sessions are handled.
	Extensions func(*xep.Registry) error

	// Federation lets the engine speak with other servers. The zero value does
	// not.
	Federation Federation

	// Components are domains that external components serve from the start; more
	// come and go with AddComponent and RemoveComponent.
	Components []Component

	// DurableAck lets a message to a client with stream management count as handled
	// for its sender (XEP-0198) when the recipient has acknowledged it or it is
	// stored, instead of when it was handed over: so what is acknowledged survives the
	// end of the process. It needs an extension that stores messages.
	DurableAck bool

	// Journal is memory that is still there when the process has been killed, such as
	// a file in memory that is mapped: 64 KiB and 512 bytes for each of the loops at
	// least, aligned to 8 bytes, and the engine's alone until Run returns. With DurableAck the engine notes there, 24
	// bytes each, what clients that may resume were given and have acknowledged, and
	// an engine that is made with what another one has left in it lets messages with
	// stable ids (XEP-0359) not come twice. Who stops in order throws it away, unless
	// JournalNeeded. nil: such messages come twice after the end of the process, with
	// the same ids.
	Journal []byte

	// Limits bound memory and time; zero fields take the defaults.
	Limits Limits

	// ScramIterations for new credentials and for the decoys that unknown
	// users are shown, at least 10,000 (RFC 7677 §4 asks for 4,096). Default 10,000.
	ScramIterations int

	// TokenLifetime is for how long a client may log in by a token that it was given
	// (FAST, XEP-0484); each use of one that is a day old brings another. Tokens are
	// given out for accounts in Store. At least a minute; negative: none.
	// Default 21 days.
	TokenLifetime time.Duration

	// TokenKey is what tokens are made with, 32 bytes or more. Kept apart from
	// Store, a stolen store lets nobody in; when it changes all tokens end. nil: one
	// is made and kept in Store.
	TokenKey []byte

	// Loops is the number of event loops. Default: one per usable core.
	Loops int

	// AllowPlaintext offers SASL on streams without TLS. For tests on
	// loopback: passwords and messages can be read on the way.
	AllowPlaintext bool

	// Compression offers zlib (XEP-0138) to clients that have logged in. Off by
	// default: the length of what is encrypted then tells of its content (the XEP
	// names CRIME), a session may hold 32 KiB more, and writes cost some µs each.
	Compression bool

	// Logger takes what is worth telling an operator. nil: discarded.
	Logger *slog.Logger
}

// Listener is one address that takes connections.
type Listener struct {
	Name    string // for logs, Stats and Addrs: "c2s", "c2s-tls", "s2s", "s2s-tls", "components"; default Role's name
	Role    Role
	Address string // "127.0.0.1:5222"; port 0 takes a free one, see Engine.Addrs
	TLS     bool   // TLS from the first byte (XEP-0368) instead of STARTTLS

	// Proxies are the networks of the proxies that connections come through. Each
	// must begin with a header of the PROXY protocol (version 1 or 2), whose source
	// is then the address of the connection for limits, hooks and the log.
	// Connections from elsewhere, or without a header within 5 s, are closed. Empty:
	// no proxy, and no header is looked for.
	Proxies []netip.Prefix
}

// Role is what connects to a listener.
type Role uint8

// The roles. RoleClient is the zero value.
const (
	RoleClient    Role = iota // c2s, RFC 6120 with content namespace jabber:client
	RolePeer                  // s2s, with jabber:server; needs Config.Federation
	RoleComponent             // components, with jabber:component:accept (XEP-0114)
)

// namespace is the content namespace of the role's streams.
func (r Role) namespace() string {
	return [...]string{RoleClient: stanza.NSClient, RolePeer: stanza.NSServer, RoleComponent: stanza.NSAccept}[r]
}

// Addr is where a listener really listens.
type Addr struct {
	Name string
	Role Role
	TLS  bool
	Addr net.Addr
}

// Certificates finds the certificate for a domain. Safe for concurrent use;
// called on handshake workers, so it may not wait long.
type Certificates interface {
	// Certificate answers for serverName, the prepared domain of the TLS SNI
	// or of the stream's to attribute; "" when the client named none.
	Certificate(serverName string) (*tls.Certificate, error)
}

// Limits bound what a peer can make the engine hold. Passing one has the
// outcome that its comment names. Zero fields take the default.
type Limits struct {
	StanzaBytes            int           // one stanza after login; stream error policy-violation. Default 262,144
	PreAuthBytes           int           // one element before login; policy-violation. Default 16,384
	OutboundBytes          int           // unsent bytes held for one connection; then the slow consumer is cut off (ErrSlowConsumer): a last word would wait behind them. Default 1,048,576
	InboundBytes           int           // bytes held of one connection while its session waits; reading stops at 32,768, and what passes the bound nevertheless is closed. Default: StanzaBytes + 65,536, at least 131,072
	Connections            int           // open connections but those in the process; the surplus is refused with resource-constraint. Default: 90 % of the open files that are left to the process at start
	ConnectionsPerAddress  int           // open connections from one IPv4 address or IPv6 /64; the surplus is refused with resource-constraint. Default: 1,000, and any number from this machine
	FailedLoginsPerAddress int           // failed SASL exchanges an hour from such an address; then temporary-auth-failure until the hour is over. Default: 1,000, and any number from this machine
	BytesPerSecond         int           // of what a client sends, with a second's worth at once; then it is not read until its time has come. Default 33,554,432
	StanzasPerSecond       int           // elements that a client sends; the same. Default 50,000
	PreAuthTime            time.Duration // from connect to logged in; connection-timeout. Default 60 s
	IdleTime               time.Duration // silence of a client until it is asked for a sign of life by a ping (XEP-0199). Default 5 min
	PingTime               time.Duration // time that it has to send something, whatever it is; then connection-timeout. Negative: white space is sent instead of a ping, and nothing waited for. Default 60 s
	AuthAttempts           int           // failed SASL exchanges per connection; then policy-violation. Default 5
	HandshakeQueue         int           // TLS handshakes that wait for a worker; the surplus is closed. Default 16,384
	SessionsPerUser        int           // resources of one account; resource-constraint on bind (RFC 6120 §7.6.2.1). Default 64
	TokensPerUser          int           // clients of one account that may log in by a token (XEP-0484); that which did so the longest ago loses its. Default 32
	ResumeWindow           time.Duration // time for which a session without a connection waits to be resumed (XEP-0198); a client may ask for less. Negative: none can be resumed. Default 5 min
	UnackedBytes           int           // bytes of stanzas that a client with stream management has not acknowledged; then resource-constraint, and they are routed again as at the end of the window. Default 1,048,576
	UnackedStanzas         int           // and their number; the same. Default 2,000
	ComponentBytes         int           // unsent bytes held for one component; what comes for it then is returned with resource-constraint. Default 4,194,304
	Detached               int           // sessions that wait to be resumed; one more ends with its connection. Default 100,000
	DetachedPerUser        int           // of one account; the oldest ends. Default 8
	DrainTime              time.Duration // grace for clients in Shutdown. Default 5 s
}

// Hooks watch what happens; each may be nil. All but Ready run on an event
// loop: they may not block, and what they are lent is valid until they return.
type Hooks struct {
	// Ready is called once by Run, when all listeners are open, with where they
	// really listen.
	Ready func(at []Addr)
	// SessionOpened is called when a resource was bound, with the full JID.
	SessionOpened func(s SessionInfo)
	// SessionClosed is called when a bound session has ended, with the reason.
	SessionClosed func(s SessionInfo, reason error)
	// Message is called for each message that a local client sent, before it is
	// routed and before Policy is asked. What m lends is valid until it returns.
	Message func(m MessageView)
	// Round is called by each event loop when it begins to work off what has come,
	// up to tens of thousands of times a second: on the thread that the loop runs on,
	// which may be another one than before. Loops count from 0.
	Round func(loop int)
}
