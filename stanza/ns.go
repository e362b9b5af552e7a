package stanza

// One constant per namespace that the core speaks.
const (
	NSClient   = "jabber:client"                       // RFC 6120 §4.8.2
	NSServer   = "jabber:server"                       // RFC 6120 §4.8.2
	NSAccept   = "jabber:component:accept"             // XEP-0114 §3
	NSStream   = "http://etherx.jabber.org/streams"    // RFC 6120 §4.8.1
	NSStreams  = "urn:ietf:params:xml:ns:xmpp-streams" // RFC 6120 §4.9.2
	NSStanzas  = "urn:ietf:params:xml:ns:xmpp-stanzas" // RFC 6120 §8.3.2
	NSTLS      = "urn:ietf:params:xml:ns:xmpp-tls"     // RFC 6120 §5
	NSSASL     = "urn:ietf:params:xml:ns:xmpp-sasl"    // RFC 6120 §6
	NSBind     = "urn:ietf:params:xml:ns:xmpp-bind"    // RFC 6120 §7
	NSSession  = "urn:ietf:params:xml:ns:xmpp-session" // RFC 3921 §3
	NSSASLCB   = "urn:xmpp:sasl-cb:0"                  // XEP-0440 §3
	NSPreAppr  = "urn:xmpp:features:pre-approval"      // RFC 6121 §3.4
	NSRosterVr = "urn:xmpp:features:rosterver"         // RFC 6121 §2.6
)

// One constant per namespace of what a payload says about its delivery, which
// several packages look at.
const (
	NSCarbons    = "urn:xmpp:carbons:2"                    // XEP-0280 §13.1
	NSChatStates = "http://jabber.org/protocol/chatstates" // XEP-0085 §8
	NSDelay      = "urn:xmpp:delay"                        // XEP-0203 §6
	NSForward    = "urn:xmpp:forward:0"                    // XEP-0297 §4
	NSHints      = "urn:xmpp:hints"                        // XEP-0334 §7
	NSStanzaID   = "urn:xmpp:sid:0"                        // XEP-0359 §8
)
