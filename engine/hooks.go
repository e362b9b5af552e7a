package engine

import (
	"net"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
)

// SessionInfo describes one session to hooks and policies.
type SessionInfo struct {
	JID       jid.JID  // full
	Remote    net.Addr // nil for in-process sessions
	TLS       bool
	Mechanism string // SASL mechanism, e.g. "SCRAM-SHA-256-PLUS", for Policy.AllowBind and Hooks.SessionOpened; elsewhere ""
}

// MessageView lends a message to a hook. valid until the hook returns.
type MessageView struct {
	From jid.JID      // full JID of the sending session
	To   jid.View     // addressee as prepared by the server
	View *stanza.View // the stanza as received
}

// Body is the text of the message's first body element (RFC 6121 §5.2.3),
// unescaped; "" when it has none. It is a copy.
func (m MessageView) Body() string {
	body := m.View.Frame.Element().Child(stanza.NSClient, "body")
	if body.IsZero() {
		return ""
	}
	return string(body.AppendText(nil))
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
