package carbons

import (
	"strings"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

// Namespaces of what decides whether a message is copied.
const (
	NSReceipts   = "urn:xmpp:receipts"                   // XEP-0184
	NSConference = "jabber:x:conference"                 // XEP-0249
	NSMUCUser    = "http://jabber.org/protocol/muc#user" // XEP-0045

	prefixMarkers = "urn:xmpp:chat-markers:" // XEP-0333, any version
)

// eligible is §6.1, but for what depends on the direction (isRoomPrivate):
//
//	with <private/> or the hint <no-copy/>   no (§9)
//	that carries a copy itself               no
//	groupchat                                no
//	chat                                     yes
//	normal with <body/>                      yes
//	receipts, chat states, chat markers      yes
//	an invitation to a room, both kinds      yes
//	error                                    yes: whether it answers a message that
//	                                         was eligible cannot be seen from it
func (c content) eligible(typ stanza.Type) bool {
	switch {
	case c.private, c.copy, c.noCopy && typ != stanza.TypeError: // an error's hints are its original's, XEP-0334 §5
		return false
	}
	switch typ {
	case stanza.TypeGroupchat:
		return false
	case stanza.TypeChat, stanza.TypeError:
		return true
	case stanza.TypeHeadline:
		return c.payload || c.invitation
	}
	return c.body || c.payload || c.invitation
}

// isRoomPrivate tells whether a message came from a participant of a room to
// the account: the room sends those to all sessions that are in it (§6.1).
func (c content) isRoomPrivate(from jid.JID) bool {
	return from.IsFull() && c.room && !c.invitation
}

// content is what a message holds as far as it matters here.
type content struct {
	private, noCopy, copy           bool
	body, payload, invitation, room bool
}

func contentOf(v *stanza.View) (c content) {
	for w := v.Frame.Element().Walk(); w.Next(); {
		c.add(w.Element())
	}
	return c
}

func (c *content) add(e parser.Element) {
	local := string(e.Local())
	switch ns := string(e.Namespace()); ns {
	case stanza.NSClient:
		c.body = c.body || local == "body"
	case stanza.NSCarbons:
		c.private = c.private || local == "private"
		c.copy = c.copy || local == "sent" || local == "received"
	case stanza.NSHints:
		c.noCopy = c.noCopy || local == "no-copy"
	case NSReceipts, stanza.NSChatStates:
		c.payload = true
	case NSConference:
		c.invitation = c.invitation || local == "x"
	case NSMUCUser:
		c.room = c.room || local == "x"
		c.invitation = c.invitation || !e.Child(NSMUCUser, "invite").IsZero()
	default:
		c.payload = c.payload || strings.HasPrefix(ns, prefixMarkers)
	}
}
