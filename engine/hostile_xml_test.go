package engine_test

import "strings"

// hostileXML breaks XML 1.0, Namespaces in XML, or what RFC 6120 §11 takes away
// from them.
var hostileXML = []hostile{
	{"HTTP request", connected, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "stream not-well-formed", ""},
	{"TLS on the plain port", connected, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "stream not-well-formed", unencrypted},
	{"zero bytes", connected, "\x00\x00\x00\x00", "stream unsupported-encoding", ""},
	{"UTF-16", connected, "\xff\xfe<\x00?\x00x\x00", "stream unsupported-encoding", ""},
	{"Latin-1 declared", connected, "<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream>", "stream unsupported-encoding", ""},
	{"DTD in front", connected, "<!DOCTYPE x [<!ENTITY a 'b'>]>" + streamHeader, "stream restricted-xml", ""},
	{"comment in front", connected, "<!-- hi -->" + streamHeader, "stream restricted-xml", ""},
	{"processing instruction in front", connected, "<?php x ?>" + streamHeader, "stream restricted-xml", ""},
	{"header without declared prefix", connected, "<stream:stream xmlns='jabber:client' to='localhost' version='1.0'>", "stream not-well-formed", ""},
	{"header with an attribute twice", connected, "<stream:stream xmlns='jabber:client' xmlns:stream='" + nsStream + "' to='localhost' to='localhost' version='1.0'>", "stream not-well-formed", ""},

	{"tags do not match", bound, "<message><body></message></body>", "stream not-well-formed", ""},
	{"prefix of end tag differs", bound, "<message xmlns:a='x' xmlns:b='x'><a:x></b:x></message>", "stream not-well-formed", ""},
	{"end tag without start", bound, "</message>", "stream not-well-formed", ""},
	{"end of the stream by another name", bound, "</stream:other>", "stream not-well-formed", ""},
	{"end of the stream without its prefix", bound, "</stream>", "stream not-well-formed", ""},
	{"attribute without quotes", bound, "<message to=bob/>", "stream not-well-formed", ""},
	{"attribute without value", bound, "<message to/>", "stream not-well-formed", ""},
	{"attributes without space between", bound, "<message a='1'b='2'/>", "stream not-well-formed", ""},
	{"attribute twice", bound, "<message id='1' id='2'/>", "stream not-well-formed", ""},
	{"attribute twice by namespace", bound, "<message xmlns:a='x' xmlns:b='x' a:i='1' b:i='2'/>", "stream not-well-formed", ""},
	{"less-than in an attribute", bound, "<message id='<'/>", "stream not-well-formed", ""},
	{"undeclared prefix of an element", bound, "<message><x:y/></message>", "stream not-well-formed", ""},
	{"undeclared prefix of an attribute", bound, "<message x:y='1'/>", "stream not-well-formed", ""},
	{"two colons in a name", bound, "<message><a:b:c xmlns:a='x'/></message>", "stream not-well-formed", ""},
	{"xml prefix bound to another name", bound, "<message xmlns:xml='x'/>", "stream not-well-formed", ""},
	{"xmlns prefix declared", bound, "<message xmlns:xmlns='x'/>", "stream not-well-formed", ""},
	{"prefix bound to nothing", bound, "<message xmlns:a=''/>", "stream not-well-formed", ""},
	{"name that begins with a digit", bound, "<message><1/></message>", "stream not-well-formed", ""},
	{"bare ampersand", bound, "<message><body>a & b</body></message>", "stream not-well-formed", ""},
	{"entity that is not predefined", bound, "<message><body>&nbsp;</body></message>", "stream restricted-xml", ""},
	{"reference to a zero byte", bound, "<message><body>&#0;</body></message>", "stream not-well-formed", ""},
	{"reference to a surrogate", bound, "<message><body>&#xD800;</body></message>", "stream not-well-formed", ""},
	{"reference beyond Unicode", bound, "<message><body>&#x110000;</body></message>", "stream not-well-formed", ""},
	{"reference without end", bound, "<message><body>&#" + strings.Repeat("1", 100), "stream policy-violation", ""},
	{"control character", bound, "<message><body>\x01</body></message>", "stream not-well-formed", ""},
	{"zero byte in a body", bound, "<message><body>\x00</body></message>", "stream not-well-formed", ""},
	{"non-character U+FFFE", bound, "<message><body>\uFFFE</body></message>", "stream not-well-formed", ""},
	{"invalid UTF-8", bound, "<message><body>\xff</body></message>", "stream unsupported-encoding", ""},
	{"overlong UTF-8", bound, "<message><body>\xc0\xaf</body></message>", "stream unsupported-encoding", ""},
	{"surrogate in UTF-8", bound, "<message><body>\xed\xa0\x80</body></message>", "stream unsupported-encoding", ""},
	{"UTF-8 cut off", bound, "<message><body>\xe2\x82</body></message>", "stream unsupported-encoding", ""},
	{"end of CDATA in text", bound, "<message><body>]]></body></message>", "stream not-well-formed", ""},
	{"comment", bound, "<message><!-- hi --></message>", "stream restricted-xml", ""},
	{"comment between stanzas", bound, "<!-- hi --><message/>", "stream restricted-xml", ""},
	{"processing instruction", bound, "<message><?php ?></message>", "stream restricted-xml", ""},
	{"DTD between stanzas", bound, "<!DOCTYPE x>", "stream restricted-xml", ""},
	{"internal DTD of a billion laughs", bound, "<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;'>]><message>&lol2;</message>", "stream restricted-xml", ""},
	{"text between stanzas", bound, "hello", "stream bad-format", ""},
	{"CDATA between stanzas", bound, "<![CDATA[hello]]>", "stream bad-format", ""},
}

// hostileSize passes a limit: 5,000 bytes before login and 20,000 after it.
var hostileSize = []hostile{
	{"header too long", connected, "<stream:stream xmlns='" + strings.Repeat("x", 6_000), "stream policy-violation", ""},
	{"header of white space without end", connected, "<stream:stream " + strings.Repeat(" ", 6_000), "stream policy-violation", ""},
	{"header with too many attributes", connected, "<stream:stream" + numbered(" a%='1'", 20), "stream policy-violation", ""},
	{"element before login too long", opened, "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'>" + strings.Repeat("A", 6_000), "stream policy-violation", ""},
	{"element before login too deep", opened, strings.Repeat("<x xmlns='urn:x'>", 20), "stream policy-violation", ""},
	{"name before login too long", opened, "<" + strings.Repeat("x", 4_000), "stream policy-violation", ""},
	{"message too long", bound, "<message><body>" + strings.Repeat("x", 21_000), "stream policy-violation", ""},
	{"attribute too long", bound, "<message id='" + strings.Repeat("x", 21_000), "stream policy-violation", ""},
	{"CDATA too long", bound, "<message><![CDATA[" + strings.Repeat("x", 21_000), "stream policy-violation", ""},
	{"stanza too deep", bound, "<message>" + strings.Repeat("<x>", 200), "stream policy-violation", ""},
	{"too many attributes", bound, "<message" + numbered(" a%='1'", 200), "stream policy-violation", ""},
	{"too many prefixes", bound, "<message>" + numbered("<x xmlns:p%='u'>", 60) + "<y" + numbered(" xmlns:q%='u'", 60) + "><z" + numbered(" xmlns:r%='u'", 60), "stream policy-violation", ""},
	{"name too long", bound, "<message><" + strings.Repeat("n", 1_000), "stream policy-violation", ""},
	{"attribute name too long", bound, "<message " + strings.Repeat("n", 1_000), "stream policy-violation", ""},
}

// numbered repeats s n times, with the number in place of %.
func numbered(s string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(s, "%", string(rune('a'+i/26))+string(rune('a'+i%26))))
	}
	return b.String()
}
