package session

import (
	"io"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session/token"
)

// Config is shared by all sessions of a listener and only read.
type Config struct {
	// Serves tells whether a prepared domain is served here. It may be lent
	// borrowed bytes as the string.
	Serves func(domain string) bool

	// StartTLS: TLS can be negotiated on streams that begin without it.
	StartTLS bool
	// AllowPlaintext offers SASL without TLS.
	AllowPlaintext bool

	// Register takes requests for new accounts before login, XEP-0077.
	Register bool

	// PreAuth and Bound limit what is parsed before and after login. nil: the
	// parser's defaults.
	PreAuth, Bound *parser.Limits

	// Compress offers stream compression (XEP-0138) after login.
	Compress bool

	// Features are elements announced beside resource binding.
	Features []byte

	// Inline are what clients may ask of extensions while they bind a resource by
	// Bind 2 (XEP-0386): 32 at most. Op.Inline tells which they did ask for.
	Inline []InlineFeature

	// Tokens lets clients log in by tokens (FAST, XEP-0484); nil: not.
	Tokens *token.Policy

	// Upgrades lets clients renew the keys that are stored of their passwords
	// (XEP-0480), with ScramIterations rounds.
	Upgrades bool

	AuthAttempts int   // failed SASL exchanges until policy-violation
	PreAuthTime  int64 // nanoseconds from Open until login and binding are done; 0: no bound
	IdleTime     int64 // nanoseconds of silence until a sign of life is asked for; 0: never
	PingTime     int64 // nanoseconds that the client has for it, else connection-timeout; 0: white space is sent, and nothing waited for

	// Management offers stream management (XEP-0198); nil: it is not offered.
	Management *Management

	// Random makes stream ids and resources; crypto/rand.Reader but in tests.
	Random io.Reader
	// DecoySecret and ScramIterations are for users that do not exist, see sasl.Decoy.
	DecoySecret     []byte
	ScramIterations int
}
