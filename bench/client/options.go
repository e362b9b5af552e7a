package client

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/sasl"
)

// Options say how sessions connect, and hold what the sessions of a run share:
// they must not change while one logs in, nor be copied after the first login.
type Options struct {
	Address string      // host:port of the server
	Domain  string      // domainpart of the accounts and of the stream's "to"
	TLS     *tls.Config // nil: in the clear. Otherwise STARTTLS, or TLS at once if DirectTLS
	// DirectTLS begins with TLS (XEP-0368) instead of STARTTLS.
	DirectTLS bool
	// Mechanism is the SASL mechanism to use; "" takes the best that is
	// offered: SCRAM with SHA-256 before SHA-1 before PLAIN, never channel
	// binding, which not all servers have.
	Mechanism string
	// Login says how sessions log in: one of Logins. "" is Classic.
	Login string
	// StreamManagement enables XEP-0198 after binding.
	StreamManagement bool
	// Carbons switches copies of messages on (XEP-0280). Login must be Classic.
	Carbons bool
	// Resumable asks for resumption as well, see [Reconnect].
	Resumable bool
	// Roster asks for the roster (RFC 6121 §2.1.3) and waits for it.
	Roster bool
	// Relay speaks to the bare relay: a line that says who this is and where
	// its bytes go, the answer "OK", and from then on only those. There is no
	// login.
	Relay bool
	// Source is the local address to connect from; nil lets the kernel choose.
	Source func(index int) net.IP
	// BufferBytes is the size of a session's read buffer. Default 4096.
	BufferBytes int
	// Timeout bounds a login. Default 60 s.
	Timeout time.Duration

	// A scanner is working memory between two reads, and thousands of sessions
	// wait in a read at any time.
	scanners sync.Pool
	// An account that logs in again does not compute PBKDF2 again: otherwise a
	// storm of logins is limited by what its clients compute.
	keys sasl.KeyMemory

	memory memory // of logins by FAST and Resume

	limitsOnce sync.Once
	limits     parser.Limits
}

// scanner is one to be put back.
func (o *Options) scanner() *parser.Scanner {
	if s, ok := o.scanners.Get().(*parser.Scanner); ok {
		return s
	}
	return parser.NewScanner()
}

// stanzaLimits are generous: a server's roster or a big test payload is one stanza.
func (o *Options) stanzaLimits() *parser.Limits {
	o.limitsOnce.Do(func() { o.limits = parser.Limits{StanzaBytes: 64 << 20}.WithDefaults() })
	return &o.limits
}

// Account is one account of the server.
type Account struct {
	Index    int    // place in the pattern; also chooses the source address
	User     string // localpart
	Password string
	Resource string // asked for at binding; "" lets the server choose

	// For the relay only.
	Peer    string // localpart of the peer
	Group   string // instead of a peer: a group, to which this account listens
	Publish bool   // or to all of which its bytes go
}

// Bare is the bare JID of the account at a domain.
func (a Account) Bare(domain string) string { return a.User + "@" + domain }

// Accounts is a pattern of accounts: User and Password may contain "%d", which
// stands for the number of the account.
type Accounts struct{ User, Password string }

// At returns account i.
func (p Accounts) At(i int) Account {
	number := func(s string) string { return strings.ReplaceAll(s, "%d", fmt.Sprint(i)) }
	return Account{Index: i, User: number(p.User), Password: number(p.Password), Resource: "bench"}
}

// Spread returns addresses out of 127.0.0.0/8, each for perAddress sessions
// that follow each other, so that neither the range of local ports nor a bound
// per address of the server is met. 127.0.0.1 itself is left out.
func Spread(perAddress int) func(index int) net.IP {
	return func(index int) net.IP {
		n := index / perAddress
		return net.IPv4(127, byte(1+n/62500%100), byte(n/250%250), byte(1+n%250))
	}
}

func (o *Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return time.Minute
}
