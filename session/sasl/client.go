package sasl

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

var (
	// ErrServer is returned by a Client for a message of the server that is
	// malformed or breaks the rules of the mechanism.
	ErrServer = errors.New("sasl: server broke the exchange")
	// ErrSignature is returned by a Client when the server does not prove that it
	// knows the user's keys: it is not the server that it claims to be.
	ErrSignature = errors.New("sasl: server signature is wrong")
	// ErrDowngrade is returned by a Client when the server did not announce the
	// mechanisms or channel binding types that arrived here, XEP-0474 §5.2.
	ErrDowngrade = errors.New("sasl: what the server announced was changed on the way")
)

// ClientConfig is what the client side of an exchange needs.
type ClientConfig struct {
	Username string // localpart, sent as given
	Password string // the token, for the mechanisms of OfferTokens
	Authzid  string // bare JID, or empty (the usual case)
	// Binding is required for -PLUS mechanisms, and for tokens that bind.
	Binding *Binding
	// CanBind says that this client could bind but saw no -PLUS mechanism; it
	// sends the "y" flag then, RFC 5802 §6.
	CanBind bool
	// Mechanisms and BindingTypes are what the server announced. With any
	// mechanism, a hash of them that the server sends with SCRAM (XEP-0474) is
	// checked.
	Mechanisms, BindingTypes []string
	// Nonce returns the client's nonce. Default: 144 random bits.
	Nonce func() []byte
	// Keys remembers salted passwords over logins; nil: each is computed anew.
	Keys *KeyMemory
}

// Client is the client side of one exchange, for outgoing streams, the load
// harness and tests. Not safe for concurrent use.
type Client struct {
	cfg       ClientConfig
	hash      *hashKind // nil for PLAIN and for tokens
	plus      bool
	isToken   bool
	step      int // 0: nothing sent, 1: first, 2: final, 3: server's signature was right
	bare      []byte
	header    []byte
	nonce     []byte
	signature []byte
}

// NewClient begins an exchange. Errors: ErrMechanism, ErrPassword, or
// ErrServer when a -PLUS mechanism is asked for without a binding.
func NewClient(mechanism string, cfg ClientConfig) (*Client, error) {
	c := &Client{cfg: cfg}
	typ, isToken := tokenBinding(mechanism)
	c.isToken, c.plus = isToken, typ != ""
	if mechanism != Plain && !isToken {
		var ok bool
		if c.hash, c.plus, ok = scramMechanism(mechanism); !ok {
			return nil, ErrMechanism
		}
	}
	if c.plus && (cfg.Binding == nil || len(cfg.Binding.Data) == 0) {
		return nil, fmt.Errorf("%w: no channel binding for %s", ErrMechanism, mechanism)
	}
	if _, _, err := preparePassword(cfg.Password); err != nil {
		return nil, err
	}
	return c, nil
}

// First returns the initial response, to go into <auth/>.
func (c *Client) First() []byte {
	c.step = 1
	if c.isToken {
		return c.firstToken()
	}
	if c.hash == nil {
		return fmt.Appendf(nil, "%s\x00%s\x00%s", c.cfg.Authzid, c.cfg.Username, c.cfg.Password)
	}
	switch {
	case c.plus:
		c.header = fmt.Appendf(nil, "p=%s,", c.cfg.Binding.Type)
	case c.cfg.CanBind:
		c.header = []byte("y,")
	default:
		c.header = []byte("n,")
	}
	if c.cfg.Authzid != "" {
		c.header = appendEscaped(append(c.header, "a="...), c.cfg.Authzid)
	}
	c.header = append(c.header, ',')
	nonce := randomNonce
	if c.cfg.Nonce != nil {
		nonce = c.cfg.Nonce
	}
	c.nonce = nonce()
	c.bare = append(append(appendEscaped([]byte("n="), c.cfg.Username), ",r="...), c.nonce...)
	return append(append([]byte(nil), c.header...), c.bare...)
}

// firstToken is the only message of a client with a token.
func (c *Client) firstToken() []byte {
	var binding []byte
	if c.plus {
		binding = c.cfg.Binding.Data
	}
	c.signature = hashToken([]byte(c.cfg.Password), "Responder", binding)
	return append(append([]byte(c.cfg.Username), 0), hashToken([]byte(c.cfg.Password), "Initiator", binding)...)
}

// Next answers a challenge. A server that asks for the initial response by an
// empty challenge gets it; one that sends its signature in a challenge instead
// of with success gets an empty answer. Expensive for SCRAM: one PBKDF2 run.
// Errors: ErrServer, ErrSignature, ErrDowngrade.
func (c *Client) Next(challenge []byte) ([]byte, error) {
	switch {
	case c.step == 0 && len(challenge) == 0:
		return c.First(), nil
	case c.step == 1 && c.hash != nil:
		return c.final(challenge)
	case c.step == 2:
		return []byte{}, c.Finish(challenge)
	}
	return nil, fmt.Errorf("%w: unexpected challenge", ErrServer)
}

// Finish checks the additional data of <success/>. Only when it returns nil is
// the server's identity proven (SCRAM). Errors: ErrServer when data is missing
// or success comes too early, ErrSignature.
func (c *Client) Finish(data []byte) error {
	switch {
	case c.isToken && subtle.ConstantTimeCompare(data, c.signature) != 1:
		return ErrSignature
	case c.isToken, c.step == 3 && len(data) == 0, c.hash == nil && c.step == 1 && len(data) == 0:
		c.step = 3
		return nil
	case c.hash == nil || c.step != 2:
		return fmt.Errorf("%w: unexpected success", ErrServer)
	}
	value, extensions, err := attribute(data, "v=")
	if err == nil {
		err = checkExtensions(extensions)
	}
	if err != nil {
		return fmt.Errorf("%w: %q instead of a signature", ErrServer, data)
	}
	got, err := decodeBase64(value)
	if err != nil || subtle.ConstantTimeCompare(got, c.signature) != 1 {
		return ErrSignature
	}
	c.step = 3
	return nil
}

// final takes server-first-message and makes client-final-message.
func (c *Client) final(challenge []byte) ([]byte, error) {
	nonce, salt, iterations, rest, err := parseServerFirst(challenge)
	if err != nil {
		return nil, err
	}
	if err := c.checkAnnounced(rest); err != nil {
		return nil, err
	}
	if len(nonce) <= len(c.nonce) || !bytes.HasPrefix(nonce, c.nonce) {
		return nil, fmt.Errorf("%w: nonce is not an extension of ours", ErrServer)
	}
	// COMPAT(SASLprep): servers that follow RFC 5802 to the letter have stored
	// the SASLprep form; ours has stored both.
	_, password, err := preparePassword(c.cfg.Password)
	if err != nil {
		return nil, err
	}
	salted, err := c.cfg.Keys.of(c.hash, password, salt, iterations)
	if err != nil {
		return nil, fmt.Errorf("sasl: %w", err)
	}
	binding := append([]byte(nil), c.header...)
	if c.plus {
		binding = append(binding, c.cfg.Binding.Data...)
	}
	out := base64.StdEncoding.AppendEncode([]byte("c="), binding)
	out = append(append(out, ",r="...), nonce...)

	auth := bytes.Join([][]byte{c.bare, challenge, out}, []byte{','})
	proof := c.hash.hmac(salted, []byte("Client Key"))
	subtle.XORBytes(proof, proof, c.hash.hmac(c.hash.sum(proof), auth))
	c.signature = c.hash.hmac(c.hash.hmac(salted, []byte("Server Key")), auth)
	c.step = 2
	return base64.StdEncoding.AppendEncode(append(out, ",p="...), proof), nil
}

// checkAnnounced holds the attribute "h" among extensions, if it is there,
// against what was announced here.
func (c *Client) checkAnnounced(extensions []byte) error {
	for ext := range bytes.SplitSeq(extensions, []byte{','}) {
		value, found := bytes.CutPrefix(ext, []byte("h="))
		if !found || len(c.cfg.Mechanisms) == 0 {
			continue
		}
		got, err := decodeBase64(value)
		if err != nil || subtle.ConstantTimeCompare(got, c.hash.downgradeHash(c.cfg.Mechanisms, c.cfg.BindingTypes)) != 1 {
			return ErrDowngrade
		}
	}
	return nil
}

// parseServerFirst reads server-first-message; extensions is what follows, with
// the comma before it.
func parseServerFirst(msg []byte) (nonce, salt []byte, iterations int, extensions []byte, err error) {
	bad := func(what string) error { return fmt.Errorf("%w: %s in %q", ErrServer, what, msg) }
	nonce, rest, err := attribute(msg, "r=")
	if err != nil || !isNonce(nonce) {
		return nil, nil, 0, nil, bad("nonce")
	}
	value, rest, err := attribute(rest, ",s=")
	if err != nil {
		return nil, nil, 0, nil, bad("salt")
	}
	if salt, err = decodeBase64(value); err != nil || len(salt) == 0 {
		return nil, nil, 0, nil, bad("salt")
	}
	value, rest, err = attribute(rest, ",i=")
	if err != nil {
		return nil, nil, 0, nil, bad("iteration count")
	}
	iterations, err = strconv.Atoi(string(value))
	if err != nil || iterations < 1 || iterations > MaxIterations {
		return nil, nil, 0, nil, bad("iteration count")
	}
	if checkExtensions(rest) != nil {
		return nil, nil, 0, nil, bad("extension")
	}
	return nonce, salt, iterations, rest, nil
}
