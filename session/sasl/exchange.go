package sasl

import (
	"strings"
	"unicode/utf8"
)

// state is what an Exchange waits for.
type state uint8

const (
	awaitInitial     state = iota // the client's first message
	awaitCredentials              // the caller's Credentials
	awaitFinal                    // SCRAM: the client's proof
	awaitVerified                 // PLAIN: the caller's Verified
	awaitTokens                   // tokens: the caller's Tokens
	done                          // nothing; every further input is refused
)

// Exchange is one attempt of a client to authenticate. It is made by [Start]
// and thrown away after Success or Failure. Not safe for concurrent use.
type Exchange struct {
	cfg       *Config
	mechanism string
	username  string
	authzid   string
	state     state
	prompted  bool // the empty challenge of RFC 6120 §6.4.2 was sent
	scram     scramServer
	token     hashedToken
}

// Start begins an attempt with the mechanism that the client named. Whether
// it was offered on this stream is for the caller to check. It returns
// ErrMechanism for a name not in this package, ErrConfig for a bad cfg.
func Start(mechanism string, cfg *Config) (*Exchange, error) {
	e := &Exchange{cfg: cfg, mechanism: mechanism}
	_, isToken := tokenBinding(mechanism)
	if mechanism != Plain && !isToken {
		hash, plus, ok := scramMechanism(mechanism)
		if !ok {
			return nil, ErrMechanism
		}
		e.scram.hash, e.scram.plus = hash, plus
	}
	if len(cfg.DecoySecret) < MinDecoySecret {
		return nil, ErrConfig
	}
	return e, nil
}

// Mechanism returns the name given to Start.
func (e *Exchange) Mechanism() string { return e.mechanism }

// Username returns the prepared localpart that the client wants to
// authenticate as; empty before its first message was accepted.
func (e *Exchange) Username() string { return e.username }

// Authzid returns the authorization identity as the client sent it, empty if
// none. The exchange has already made sure that it names the same account as
// Username; nothing is left to check for the caller.
func (e *Exchange) Authzid() string { return e.authzid }

// Respond takes the decoded content of <auth/> or <response/>. Nil stands for
// an <auth/> without content: every mechanism here begins with the client, so
// it is answered with one empty challenge (RFC 6120 §6.4.2). An "=" (a message
// of zero length) is an empty slice that is not nil. msg is not retained.
func (e *Exchange) Respond(msg []byte) Step {
	switch {
	case e.state == awaitInitial && msg == nil && !e.prompted:
		e.prompted = true
		return Step{Kind: Challenge, Data: []byte{}}
	case e.state != awaitInitial && e.state != awaitFinal:
		return e.end(malformed("no message expected now"))
	case len(msg) > MaxMessage:
		return e.end(malformed("message too long"))
	case e.isToken():
		return e.tokenFirst(msg)
	case !utf8.Valid(msg):
		return e.end(malformed("message is not UTF-8"))
	case e.mechanism == Plain:
		return e.plainFirst(msg)
	case e.state == awaitInitial:
		return e.scramFirst(msg)
	}
	return e.scramFinal(msg)
}

func (e *Exchange) isToken() bool {
	_, ok := tokenBinding(e.mechanism)
	return ok
}

// Credentials answers NeedCredentials. Nil stands for an unknown user (or one
// without keys for this mechanism): the exchange goes on with a decoy and will
// end in not-authorized. c is only read, until the exchange is over.
func (e *Exchange) Credentials(c *Credentials) Step {
	if e.state != awaitCredentials {
		return e.end(malformed("no credentials expected now"))
	}
	return e.scramChallenge(c)
}

// Verified answers NeedVerify. ok must be false for an unknown user, and
// [Config.Verify] makes sure that the answer then takes as long.
func (e *Exchange) Verified(ok bool) Step {
	if e.state != awaitVerified {
		return e.end(malformed("no verification expected now"))
	}
	if !ok {
		return e.end(failure(CondNotAuthorized, ""))
	}
	return e.end(Step{Kind: Success})
}

// Abort ends the attempt because the client sent <abort/> (RFC 6120 §6.4.4).
func (e *Exchange) Abort() Step { return e.end(failure(CondAborted, "")) }

func (e *Exchange) end(s Step) Step {
	e.state = done
	return s
}

// identify keeps whom the client claims to be, and refuses a name that no
// account can have and a wish to act as somebody else. It returns false with
// the failure. Neither outcome depends on which accounts exist.
func (e *Exchange) identify(username, authzid string) (Step, bool) {
	if len(username) > MaxUsername {
		return e.end(malformed("user name too long")), false
	}
	name, err := e.cfg.prepareUsername(username)
	if err != nil || name == "" { // RFC 5802 §5.1, RFC 4616 §2
		return e.end(failure(CondNotAuthorized, "")), false
	}
	if !e.mayActAs(name, authzid) {
		return e.end(failure(CondInvalidAuthzid, "authorization identity is not the authenticated account")), false
	}
	e.username, e.authzid = name, authzid
	return Step{}, true
}

// mayActAs implements RFC 6120 §6.3.8 for a server without proxy
// authorization: an authzid is a bare JID, and only the user's own will do.
// A resource, another domain or another user make it false.
func (e *Exchange) mayActAs(username, authzid string) bool {
	if authzid == "" {
		return true
	}
	local, domain, isJID := strings.Cut(authzid, "@")
	if isJID && (e.cfg.Domain == "" || !strings.EqualFold(domain, e.cfg.Domain)) {
		return false
	}
	prepared, err := e.cfg.prepareUsername(local)
	return err == nil && prepared == username
}
