package engine

import (
	"net"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// SessionInfo describes one session to hooks and policies.
type SessionInfo struct {
	JID       jid.JID  // full; zero before resource binding
	Remote    net.Addr // nil for in-process sessions
	TLS       bool
	Mechanism string // SASL mechanism, e.g. "SCRAM-SHA-256-PLUS"
}

// MessageView lends a message to a hook. valid until the hook returns.
type MessageView struct {
	From jid.JID      // full JID of the sending session
	To   jid.View     // addressee as prepared by the server
	View *stanza.View // the stanza as received
}

// Authenticator decides who may log in. It may answer later: each method gets
// a done function that must be called exactly once, from any goroutine. The
// methods run on an event loop and may not block.
type Authenticator interface {
	// Credentials looks up what SCRAM needs for local@domain. done gets nil
	// credentials when there is no such account, and an error when it cannot
	// be known now (the client sees temporary-auth-failure).
	Credentials(local, domain string, done func(*sasl.Credentials, error))
	// Verify checks a password given by SASL PLAIN.
	Verify(local, domain, password string, done func(ok bool, err error))
}

// Policy decides what a session may do. Its methods run on an event loop and
// answer at once.
type Policy interface {
	// AllowBind may refuse a session its resource; nil allows it. A
	// stanza.Error is what the client sees.
	AllowBind(s SessionInfo) error
	// AllowMessage may refuse a message from a local session; nil lets it
	// pass, a stanza.Error is returned to the sender.
	AllowMessage(m MessageView) error
}
