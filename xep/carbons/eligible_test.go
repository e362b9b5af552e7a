package carbons

import (
	"testing"

	"github.com/xylem-im/xylem/internal/stanzatest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/xep"
)

func TestXEP0280_6_1_RecommendedRules(t *testing.T) {
	const (
		body    = "<body>hi</body>"
		private = "<private xmlns='urn:xmpp:carbons:2'/>"
		noCopy  = "<no-copy xmlns='urn:xmpp:hints'/>"
		failure = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
		invite  = "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'/></x>"
		room    = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
		full    = "room@muc/nick"
	)
	for _, c := range []struct {
		name, message  string
		from           string // of one that comes; empty: romeo@montague/orchard
		sent, received bool
	}{
		{"chat", "<message type='chat'>" + body + "</message>", "", true, true},
		{"chat without body", "<message type='chat'><x xmlns='urn:x'/></message>", "", true, true},
		{"empty chat", "<message type='chat'/>", "", true, true},
		{"normal", "<message type='normal'>" + body + "</message>", "", true, true},
		{"no type", "<message>" + body + "</message>", "", true, true},
		{"no type, no body", "<message><x xmlns='urn:x'/></message>", "", false, false},
		{"body of another namespace", "<message><body xmlns='urn:x'/></message>", "", false, false},
		{"receipt", "<message><received xmlns='urn:xmpp:receipts' id='1'/></message>", "", true, true},
		{"chat state", "<message><active xmlns='http://jabber.org/protocol/chatstates'/></message>", "", true, true},
		{"chat marker", "<message><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>", "", true, true},
		{"headline", "<message type='headline'>" + body + "</message>", "", false, false},
		{"error", "<message type='error'>" + failure + "</message>", "", true, true},
		{"error of a private message", "<message type='error'>" + body + private + noCopy + failure + "</message>", "", false, false},
		{"error with its original's hint", "<message type='error'>" + body + noCopy + failure + "</message>", "", true, true},
		{"groupchat", "<message type='groupchat'>" + body + "</message>", full, false, false},
		{"direct invitation", "<message><x xmlns='jabber:x:conference' jid='r@muc'/></message>", "", true, true},
		{"mediated invitation", "<message>" + invite + "</message>", "room@muc", true, true},
		{"mediated invitation from a full address", "<message>" + invite + "</message>", full, true, true},
		{"private in a room", "<message type='chat'>" + body + room + "</message>", full, true, false},
		{"private element", "<message type='chat'>" + body + private + "</message>", "", false, false},
		{"private of another namespace", "<message type='chat'>" + body + "<private xmlns='urn:x'/></message>", "", true, true},
		{"no-copy", "<message type='chat'>" + body + noCopy + "</message>", "", false, false},
		{"a copy", "<message type='chat'><received xmlns='urn:xmpp:carbons:2'/></message>", "", false, false},
		{"private below the first level", "<message type='chat'><x xmlns='urn:x'>" + private + "</x></message>", "", true, true},
	} {
		if c.from == "" {
			c.from = "romeo@montague/orchard"
		}
		m := &xep.MessageView{View: stanzatest.Of(t, c.message), From: jid.MustParse(c.from)}
		content := contentOf(m.View)
		if got := content.eligible(m.View.Type); got != c.sent {
			t.Errorf("%s, sent: %v", c.name, got)
		}
		if got := content.eligible(m.View.Type) && !content.isRoomPrivate(m.From); got != c.received {
			t.Errorf("%s, received: %v", c.name, got)
		}
	}
}

func TestXEP0297_3_NamespaceOfTheForwardedStanzaIsPreserved(t *testing.T) {
	for _, c := range [][2]string{
		{"<message id='1'/>", "<message xmlns='jabber:client' from='a@b/c' id='1'/>"},
		{"<message><body>x</body></message>", "<message xmlns='jabber:client' from='a@b/c'><body>x</body></message>"},
		{"<c:message xmlns:c='jabber:client'><c:body/></c:message>",
			"<message xmlns='jabber:client' from='a@b/c' xmlns:c='jabber:client'><c:body/></message>"},
		{"<c:message xmlns:c='jabber:client' xmlns='urn:x'><y/></c:message>",
			"<c:message from='a@b/c' xmlns:c='jabber:client' xmlns='urn:x'><y/></c:message>"},
		{"<messages:message xmlns:messages='jabber:client' xmlns='urn:x'><y/></messages:message>",
			"<messages:message from='a@b/c' xmlns:messages='jabber:client' xmlns='urn:x'><y/></messages:message>"},
	} {
		m := &xep.MessageView{View: stanzatest.Of(t, c[0]), Forward: stanza.Forward{From: "a@b/c", Declare: true}}
		if got := string(stanza.AppendForward(nil, m.View, &m.Forward)); got != c[1] {
			t.Errorf("%s:\n got %s\nwant %s", c[0], got, c[1])
		}
	}
}
