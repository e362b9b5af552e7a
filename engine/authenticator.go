package engine

import "github.com/xylem-im/xylem/session/sasl"

// Credentials are what is kept of a password: enough to check it by SCRAM and
// by PLAIN, not enough to log in. Make them when the password is set and keep
// them: made anew at each login, their salts would change.
type Credentials = sasl.Credentials

// NewCredentials derives credentials from a password, with 10,000 rounds and
// random salts. It takes milliseconds of a core. The error is
// sasl.ErrPassword for what cannot be a password (RFC 8265 §4.2).
func NewCredentials(password string) (*Credentials, error) {
	c, err := sasl.Derive(password, sasl.DefaultIterations, nil)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// MustCredentials is NewCredentials for passwords that are written in the
// program: it panics where that returns an error.
func MustCredentials(password string) *Credentials {
	creds, err := NewCredentials(password)
	if err != nil {
		panic(err)
	}
	return creds
}

// Authenticator decides who may log in. It may answer later: done must be
// called exactly once, from any goroutine. The method runs on an event loop and
// may not block. [Lookup] makes one out of a function that may.
//
// With the credentials the engine holds the whole exchange: SCRAM, and PLAIN
// inside TLS. Users that do not exist are taken through the same steps, at the
// same price.
type Authenticator interface {
	// Credentials looks up local@domain, both prepared. done gets nil
	// credentials when there is no such account, and an error when it cannot
	// be known now (the client sees temporary-auth-failure).
	Credentials(local, domain string, done func(*Credentials, error))
}

// PasswordVerifier is an [Authenticator] that checks the passwords of SASL
// PLAIN by itself, for example by asking a directory server that gives no
// credentials away. It must take as long for users that do not exist.
type PasswordVerifier interface {
	// Verify tells whether the password, not prepared, is that of local@domain.
	// What Authenticator says of done and of event loops holds.
	Verify(local, domain, password string, done func(ok bool, err error))
}

// AccountFinder is an [Authenticator] that tells which accounts there are where
// Credentials does not: a [PasswordVerifier], say. Without it an account
// exists if it has credentials. Messages are kept for accounts that exist, and
// contacts can be asked for their presence.
type AccountFinder interface {
	// Exists tells whether there is an account local@domain. What Authenticator
	// says of done and of event loops holds.
	Exists(local, domain string, done func(exists bool, err error))
}

// Lookup is an [Authenticator] over a function that answers when it returns: nil
// credentials when there is no such account, an error when it cannot be known
// now. Each call has a goroutine of its own, so it may wait; how many run at a
// time is for it to bound. Safe for concurrent use if the function is.
type Lookup func(local, domain string) (*Credentials, error)

// Credentials implements [Authenticator].
func (f Lookup) Credentials(local, domain string, done func(*Credentials, error)) {
	go func() { done(f(local, domain)) }()
}
