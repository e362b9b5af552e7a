package sasl

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// Names of the mechanisms, as they stand in <mechanism/> and <auth/>.
const (
	SCRAMSHA256Plus = "SCRAM-SHA-256-PLUS"
	SCRAMSHA1Plus   = "SCRAM-SHA-1-PLUS"
	SCRAMSHA256     = "SCRAM-SHA-256"
	SCRAMSHA1       = "SCRAM-SHA-1"
	Plain           = "PLAIN"
)

// Conditions of RFC 6120 §6.5 that this package puts into [Step.Condition].
// The others (account-disabled, incorrect-encoding, invalid-mechanism,
// temporary-auth-failure, …) are the session's to say.
const (
	CondAborted          = "aborted"             // §6.5.1: the client gave up
	CondExpired          = "credentials-expired" // §6.5.2: right, but no longer taken
	CondInvalidAuthzid   = "invalid-authzid"     // §6.5.6: asked to act as somebody else
	CondMalformedRequest = "malformed-request"   // §6.5.8: against the mechanism's syntax
	CondNotAuthorized    = "not-authorized"      // §6.5.10: unknown user, wrong password, wrong binding
)

// Bounds on what a peer may send, in bytes.
const (
	MaxMessage  = 8192 // one decoded message of any mechanism
	MaxUsername = 1023 // a localpart, RFC 7622 §3.3
	MaxPassword = 1024 // before preparation
	maxNonce    = 256  // client's part of the SCRAM nonce
)

// MinDecoySecret is the least length of [Config.DecoySecret] in bytes.
const MinDecoySecret = 16

var (
	// ErrMechanism is returned for a mechanism that this package does not have.
	ErrMechanism = errors.New("sasl: unknown mechanism")
	// ErrConfig is returned by Start when DecoySecret is missing or too short:
	// the salts of unknown users could be computed by anybody.
	ErrConfig = errors.New("sasl: decoy secret shorter than 16 bytes")
)

// Binding is one kind of channel binding with the data of this stream.
type Binding struct {
	Type string // IANA name: "tls-exporter", "tls-server-end-point"
	Data []byte // 32 bytes for tls-exporter, a certificate hash for tls-server-end-point

	// Derive makes the data where Data is nil. It is called when a client wants to bind
	// the channel so, which most do not.
	Derive func() []byte
}

// dataOf is the data of the binding of that type; empty when there is none.
func dataOf(bindings []Binding, typ string) []byte {
	for _, b := range bindings {
		switch {
		case b.Type != typ:
		case b.Data == nil && b.Derive != nil:
			return b.Derive()
		default:
			return b.Data
		}
	}
	return nil
}

// Names of the channel binding types of RFC 9266 and RFC 5929 §3 and §4.
const (
	TLSExporter       = "tls-exporter"
	TLSUnique         = "tls-unique" // TLS 1.2 only
	TLSServerEndPoint = "tls-server-end-point"
)

// Config is what an exchange must know of the stream. It is only read and may
// be shared by exchanges that have the same channel bindings; it must not
// change while one of them runs.
type Config struct {
	// Bindings are the channel bindings available on this stream. A client that
	// names any other type is refused; so tls-unique is refused unless given.
	Bindings []Binding
	// PlusOffered says that -PLUS mechanisms were announced on this stream. A
	// client that then claims "y" (the server seems to have none) has seen a list
	// that somebody shortened on the way and is refused, RFC 5802 §6.
	PlusOffered bool
	// Domain is the domainpart of the stream. An authorization identity is
	// accepted only as username@Domain or, COMPAT(old clients), the bare username.
	Domain string
	// PrepareUsername brings a name into the form that accounts are looked up by,
	// or refuses it. Default: [PrepareUsername].
	PrepareUsername func(string) (string, error)
	// DecoySecret is the server's own secret, stable over restarts, at least
	// MinDecoySecret bytes. See [Decoy].
	DecoySecret []byte
	// Iterations is what new accounts are stored with, so what an unknown user
	// shows. Default: DefaultIterations.
	Iterations int
	// Advertised are the mechanisms that were announced in the profile in use
	// (RFC 6120 §6 or XEP-0388). With any, the challenge of SCRAM carries a hash of
	// them and of the types in Bindings, by which the client notices that
	// somebody shortened the lists on the way (XEP-0474 §5.1).
	Advertised []string
	// Nonce returns the server's part of a SCRAM nonce: printable ASCII without
	// a comma (RFC 5802 §7), fresh at every call. Default: 144 random bits.
	Nonce func() []byte
}

func (c *Config) iterations() int {
	if c.Iterations > 0 {
		return c.Iterations
	}
	return DefaultIterations
}

// decoyName tells users of different domains apart, as the salts of accounts
// do: romeo at two domains with one salt would exist at neither.
func (c *Config) decoyName(user string) string {
	if c.Domain == "" {
		return user
	}
	return user + "@" + c.Domain
}

func (c *Config) prepareUsername(s string) (string, error) {
	if c.PrepareUsername != nil {
		return c.PrepareUsername(s)
	}
	return PrepareUsername(s)
}

// Verify checks a password for PLAIN against what is stored, or against the
// decoy of user when stored is nil or holds no keys (always false then, after
// the same work).
// Expensive: one PBKDF2 run, or two for passwords of the kind that
// [Keys.CompatStoredKey] describes; never on an event loop. Safe for
// concurrent use.
func (c *Config) Verify(stored *Credentials, user, password string) bool {
	if stored != nil && (stored.SHA256.usable(kindSHA256) || stored.SHA1.usable(kindSHA1)) {
		return stored.Verify(password)
	}
	decoy := Decoy(c.DecoySecret, c.decoyName(user), c.iterations())
	decoy.Verify(password)
	return false
}

// StepKind says what the caller of an [Exchange] must do next.
type StepKind uint8

// The kinds of step.
const (
	Challenge       StepKind = iota + 1 // send Data, then Respond with the answer
	Success                             // authenticated as Username; Data goes with <success/>
	Failure                             // over; Condition and Text say why
	NeedCredentials                     // load the credentials of Username, then Credentials
	NeedVerify                          // check Password for Username on a worker, then Verified
	NeedTokens                          // load the tokens of Username's client, then Tokens
)

var stepKindNames = [...]string{"none", "challenge", "success", "failure", "need-credentials", "need-verify", "need-tokens"}

// String returns the kind in words, for logs and tests.
func (k StepKind) String() string {
	if int(k) < len(stepKindNames) {
		return stepKindNames[k]
	}
	return "invalid"
}

// Step is the outcome of one input to an [Exchange].
type Step struct {
	Kind StepKind
	// Data is what to send, not yet in base64: the challenge, or the additional
	// data of success. Nil with Success means none. Owned by the caller.
	Data []byte
	// Condition is the name of the element inside <failure/>, RFC 6120 §6.5.
	Condition string
	// Text may go into <text/>. It tells what is wrong with the message and never
	// anything about an account.
	Text string
	// Password is what a PLAIN client sent (NeedVerify only), not prepared.
	Password string
}

func failure(condition, text string) Step {
	return Step{Kind: Failure, Condition: condition, Text: text}
}

func malformed(text string) Step { return failure(CondMalformedRequest, text) }

func randomNonce() []byte {
	var raw [18]byte
	rand.Read(raw[:]) // never fails, see crypto/rand
	return base64.StdEncoding.AppendEncode(make([]byte, 0, 24), raw[:])
}
