package engine_test

import "strings"

const ping = "<ping xmlns='urn:xmpp:ping'/>"

// hostileStanza breaks RFC 6120 §8 or the rules for addresses.
var hostileStanza = []hostile{
	{"from somebody else", bound, "<message from='bob@localhost' to='alice@localhost'/>", "stream invalid-from", ""},
	{"from another resource of one's own", bound, "<message from='mallory@localhost/other' to='alice@localhost'/>", "stream invalid-from", ""},
	{"from the server", bound, "<iq from='localhost' type='result' id='1' to='alice@localhost'/>", "stream invalid-from", ""},
	{"from what is no address", bound, "<message from='@' to='alice@localhost'/>", "stream invalid-from", ""},
	{"from nothing", bound, "<message from='' to='alice@localhost'/>", "stream invalid-from", ""},
	{"from somebody else, escaped", bound, "<message from='b&#111;b@localhost' to='alice@localhost'/>", "stream invalid-from", ""},

	{"to nothing", bound, "<message to=''/>", "stanza modify/jid-malformed", ""},
	{"to an empty localpart", bound, "<message to='@localhost'/>", "stanza modify/jid-malformed", ""},
	{"to an empty resource", bound, "<message to='alice@localhost/'/>", "stanza modify/jid-malformed", ""},
	{"to two localparts", bound, "<message to='a@b@localhost'/>", "stanza modify/jid-malformed", ""},
	{"to a localpart with a space", bound, "<message to='a b@localhost'/>", "stanza modify/jid-malformed", ""},
	{"to a localpart with a quote", bound, "<message to='a&quot;b@localhost'/>", "stanza modify/jid-malformed", ""},
	{"to a localpart too long", bound, "<message to='" + strings.Repeat("x", 1_024) + "@localhost'/>", "stanza modify/jid-malformed", ""},
	{"to a domain too long", bound, "<message to='" + strings.Repeat("x.", 600) + "'/>", "stanza modify/jid-malformed", ""},
	{"to a resource too long", bound, "<message to='alice@localhost/" + strings.Repeat("x", 1_024) + "'/>", "stanza modify/jid-malformed", ""},
	{"to a domain with an underscore", bound, "<iq id='1' type='get' to='a_b'>" + ping + "</iq>", "stanza modify/jid-malformed", ""},
	{"to a resource with a control character", bound, "<presence to='alice@localhost/&#9;'/>", "stanza modify/jid-malformed", ""},
	{"to an unassigned code point", bound, "<message to='\U000E0080@localhost'/>", "stanza modify/jid-malformed", ""},
	{"error to what is no address", bound, "<message type='error' to='@'/>", "nothing", ""},

	{"iq without type", bound, "<iq id='1'>" + ping + "</iq>", "stanza modify/bad-request", ""},
	{"iq without id", bound, "<iq type='get'>" + ping + "</iq>", "stanza modify/bad-request", ""},
	{"iq of unknown type", bound, "<iq type='query' id='1'>" + ping + "</iq>", "stanza modify/bad-request", ""},
	{"iq of a message's type", bound, "<iq type='chat' id='1'>" + ping + "</iq>", "stanza modify/bad-request", ""},
	{"iq get without child", bound, "<iq type='get' id='1'/>", "stanza modify/bad-request", ""},
	{"iq set with two children", bound, "<iq type='set' id='1'>" + ping + ping + "</iq>", "stanza modify/bad-request", ""},
	{"iq result with two children", bound, "<iq type='result' id='1' to='alice@localhost'>" + ping + ping + "</iq>", "nothing", ""},
	{"iq error of nobody's request", bound, "<iq type='error' id='1' to='alice@localhost/nobody'><error type='cancel'/></iq>", "nothing", ""},
	{"presence of unknown type", bound, "<presence type='online'/>", "stanza modify/bad-request", ""},
	{"presence of an iq's type", bound, "<presence type='get'/>", "stanza modify/bad-request", ""},
	{"priority too high", bound, "<presence><priority>128</priority></presence>", "stanza modify/bad-request", ""},
	{"priority too low", bound, "<presence><priority>-129</priority></presence>", "stanza modify/bad-request", ""},
	{"priority that is no number", bound, "<presence><priority>high</priority></presence>", "stanza modify/bad-request", ""},
	{"message of unknown type", bound, "<message type='shout' id='1' to='alice@localhost/nobody'/>", "stanza cancel/service-unavailable", ""},
}
