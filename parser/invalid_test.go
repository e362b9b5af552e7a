package parser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// small are limits that fit into a table.
var small = parser.Limits{StanzaBytes: 120, HeaderBytes: 200, Depth: 4, Attributes: 3, NameBytes: 20, Bindings: 5}

// TestInvalid holds condition and offset of the error for each kind of bad
// input, however it is cut. Where stanza is set, the offset counts from behind
// the header hdr.
func TestInvalid(t *testing.T) {
	const (
		nwf  = parser.ConditionNotWellFormed
		bad  = parser.ConditionBadFormat
		pref = parser.ConditionBadNamespacePrefix
		ns   = parser.ConditionInvalidNamespace
		pol  = parser.ConditionPolicyViolation
		res  = parser.ConditionRestrictedXML
		enc  = parser.ConditionUnsupportedEncoding
	)
	for _, c := range []struct {
		name, in  string
		condition string
		at        int
		header    bool // in is the whole stream, not what follows hdr
		limits    *parser.Limits
	}{
		// The start of the stream, RFC 6120 §4.8, §11.4 to §11.6.
		{name: "HTTP", in: "GET / HTTP/1.1\r\n", condition: nwf, at: 0, header: true},
		{name: "TLS hello", in: "\x16\x03\x01\x02\x00", condition: nwf, at: 0, header: true},
		{name: "UTF-16 LE mark", in: "\xff\xfe<\x00s\x00", condition: enc, at: 0, header: true},
		{name: "UTF-16 BE mark", in: "\xfe\xff\x00<\x00s", condition: enc, at: 0, header: true},
		{name: "UTF-16 LE", in: "<\x00?\x00", condition: enc, at: 1, header: true},
		{name: "UTF-16 BE", in: "\x00<\x00?", condition: enc, at: 0, header: true},
		{name: "not quite a mark", in: "\xEF\xBB\xBE<", condition: nwf, at: 0, header: true},
		{name: "Latin-1 declared", in: "<?xml version='1.0' encoding='ISO-8859-1'?>", condition: enc, at: 41, header: true},
		{name: "UTF-16 declared", in: `<?xml version="1.0" encoding="UTF-16"?>`, condition: enc, at: 37, header: true},
		{name: "XML 1.1", in: "<?xml version='1.1'?>", condition: bad, at: 19, header: true},
		{name: "declaration without version", in: "<?xml encoding='UTF-8'?>", condition: nwf, at: 6, header: true},
		{name: "declaration without anything", in: "<?xml ?>", condition: nwf, at: 6, header: true},
		{name: "declaration in wrong order", in: "<?xml version='1.0' standalone='no' encoding='UTF-8'?>", condition: nwf, at: 36, header: true},
		{name: "bad standalone", in: "<?xml version='1.0' standalone='maybe'?>", condition: nwf, at: 38, header: true},
		{name: "declaration without quotes", in: "<?xml version=1.0?>", condition: nwf, at: 6, header: true},
		{name: "declaration glued", in: "<?xml version='1.0'encoding='UTF-8'?>", condition: nwf, at: 19, header: true},
		{name: "declaration twice", in: "<?xml version='1.0'?><?xml version='1.0'?>", condition: res, at: 21, header: true},
		{name: "instruction first", in: "<?xml-stylesheet href='x'?>", condition: res, at: 0, header: true},
		{name: "doctype", in: "<!DOCTYPE stream>", condition: res, at: 0, header: true},
		{name: "comment first", in: "<!-- hello -->", condition: res, at: 0, header: true},
		{name: "CDATA first", in: "<![CDATA[x]]>", condition: nwf, at: 0, header: true},
		{name: "closing tag first", in: "</stream:stream>", condition: nwf, at: 0, header: true},
		{name: "text first", in: "<?xml version='1.0'?>hello", condition: nwf, at: 21, header: true},
		{name: "no namespace", in: "<stream>", condition: ns, at: 1, header: true},
		{name: "wrong namespace", in: "<stream:stream xmlns:stream='http://wrong.namespace.example.org/'>", condition: ns, at: 1, header: true},
		{name: "stanza instead of header", in: "<message xmlns='jabber:client'/>", condition: ns, at: 1, header: true},
		{name: "no prefix", in: "<stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", condition: pref, at: 1, header: true},
		{name: "undeclared prefix of the root", in: "<stream:stream xmlns='jabber:client'>", condition: nwf, at: 1, header: true},
		{name: "wrong root", in: "<stream:streams xmlns:stream='http://etherx.jabber.org/streams'>", condition: bad, at: 1, header: true},
		{name: "empty root", in: hdr[:len(hdr)-1] + "/>", condition: bad, at: 1, header: true},
		{name: "header too long", in: hdr[:len(hdr)-1] + strings.Repeat(" ", 200) + ">", condition: pol, at: 200, header: true, limits: &small},
		{name: "space before header too long", in: strings.Repeat(" ", 300) + hdr, condition: pol, at: 200, header: true, limits: &small},
		{name: "declaration too long", in: "<?xml " + strings.Repeat(" ", 300), condition: pol, at: 200, header: true, limits: &small},

		// Between stanzas.
		{name: "text between stanzas", in: " x", condition: bad, at: 1},
		{name: "umlaut between stanzas", in: "ü", condition: bad, at: 0},
		{name: "NUL between stanzas", in: "\n\x00", condition: nwf, at: 1},
		{name: "reference between stanzas", in: "&#32;", condition: bad, at: 0},
		{name: "CDATA between stanzas", in: "<![CDATA[ ]]>", condition: bad, at: 0},
		{name: "comment between stanzas", in: "<!-- -->", condition: res, at: 0},
		{name: "declaration between stanzas", in: "<?xml version='1.0'?>", condition: res, at: 0},
		{name: "wrong closing tag of the stream", in: "</stream:strea>", condition: nwf, at: 0},
		{name: "junk in the closing tag of the stream", in: "</stream:stream a='b'>", condition: nwf, at: 16},
		{name: "stanza behind the end", in: "</stream:stream> <a/>", condition: nwf, at: 17},

		// Markup, RFC 6120 §11.1 and XML 1.0 §2.
		{name: "comment", in: "<a><!-- x --></a>", condition: res, at: 3},
		{name: "processing instruction", in: "<a><?php x?></a>", condition: res, at: 3},
		{name: "entity declaration", in: "<a><!ENTITY x 'y'></a>", condition: res, at: 3},
		{name: "not a declaration", in: "<a><! ></a>", condition: nwf, at: 5},
		{name: "not CDATA", in: "<a><![cdata[x]]></a>", condition: nwf, at: 3},
		{name: "space before a name", in: "<a>< b/></a>", condition: nwf, at: 4},
		{name: "no name", in: "<a><></a>", condition: nwf, at: 4},
		{name: "digit begins a name", in: "<1/>", condition: nwf, at: 1},
		{name: "hyphen begins a name", in: "<-a/>", condition: nwf, at: 1},
		{name: "bad name character", in: "<a$/>", condition: nwf, at: 2},
		{name: "multiplication sign in a name", in: "<a×/>", condition: nwf, at: 2},
		{name: "combining character begins a name", in: "<\u0300a/>", condition: nwf, at: 1},
		{name: "bad UTF-8 in a name", in: "<a\xC3/>", condition: enc, at: 2},
		{name: "wrong closing tag", in: "<a><b></a></b>", condition: nwf, at: 6},
		{name: "longer closing tag", in: "<a></ab>", condition: nwf, at: 6},
		{name: "shorter closing tag", in: "<ab></a>", condition: nwf, at: 4},
		{name: "other case", in: "<body></Body>", condition: nwf, at: 6},
		{name: "other prefix, same namespace", in: "<p:a xmlns:p='u' xmlns:q='u'></q:a>", condition: nwf, at: 29},
		{name: "space before the closing name", in: "<a></ a>", condition: nwf, at: 3},
		{name: "attribute in a closing tag", in: "<a></a b='c'>", condition: nwf, at: 7},
		{name: "slash inside a tag", in: "<a / >", condition: nwf, at: 4},
		{name: "tag in a tag", in: "<a <b/>", condition: nwf, at: 3},
		{name: "control character in a tag", in: "<a \x01b='c'/>", condition: nwf, at: 3},

		// Attributes.
		{name: "no space between attributes", in: "<a b='c'd='e'/>", condition: nwf, at: 8},
		{name: "no value", in: "<a b/>", condition: nwf, at: 4},
		{name: "no quotes", in: "<a b=c/>", condition: nwf, at: 5},
		{name: "other quote", in: "<a b='c\"/><d/>", condition: nwf, at: 10},
		{name: "'<' in a value", in: "<a b='<'/>", condition: nwf, at: 6},
		{name: "control character in a value", in: "<a b='\x1f'/>", condition: nwf, at: 6},
		{name: "bare ampersand in a value", in: "<a b='x&y'/>", condition: nwf, at: 7},
		{name: "unknown entity in a value", in: "<a b='&nbsp;'/>", condition: res, at: 6},
		{name: "bad UTF-8 in a value", in: "<a b='12345678\x80'/>", condition: enc, at: 14},
		{name: "U+FFFE in a value", in: "<a b='\uFFFE'/>", condition: nwf, at: 6},
		{name: "same attribute twice", in: "<a b='1' c='2' b='3'/>", condition: nwf, at: 15},
		{name: "same prefixed attribute twice", in: "<a xml:lang='1' xml:lang='2'/>", condition: nwf, at: 16},
		{name: "same expanded name twice", in: "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", condition: nwf, at: 35},
		{name: "same expanded name, escaped", in: "<a xmlns:p='u&amp;' xmlns:q='u&#38;' p:b='1' q:b='2'/>", condition: nwf, at: 45},
		{name: "default namespace twice", in: "<a xmlns='u' xmlns='u'/>", condition: nwf, at: 13},
		{name: "prefix declared twice", in: "<a xmlns:p='u' xmlns:p='v'/>", condition: nwf, at: 15},

		// Namespaces in XML.
		{name: "undeclared prefix", in: "<foo:a/>", condition: nwf, at: 1},
		{name: "undeclared prefix of an attribute", in: "<a foo:b='c'/>", condition: nwf, at: 3},
		{name: "prefix out of scope", in: "<a><b xmlns:p='u'/><p:c/></a>", condition: nwf, at: 20},
		{name: "prefix of the stanza before", in: "<a xmlns:p='u'/><p:c/>", condition: nwf, at: 17},
		{name: "prefix xmlns on an element", in: "<xmlns:a/>", condition: nwf, at: 1},
		{name: "two colons", in: "<a:b:c/>", condition: nwf, at: 4},
		{name: "colon first", in: "<:a/>", condition: nwf, at: 1},
		{name: "colon last", in: "<stream:/>", condition: nwf, at: 8},
		{name: "digit behind the colon", in: "<stream:1/>", condition: nwf, at: 8},
		{name: "prefix unbound", in: "<a xmlns:p=''/>", condition: nwf, at: 3},
		{name: "xml rebound", in: "<a xmlns:xml='u'/>", condition: nwf, at: 3},
		{name: "xmlns bound", in: "<a xmlns:xmlns='u'/>", condition: nwf, at: 3},
		{name: "XML namespace for another prefix", in: "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", condition: nwf, at: 3},
		{name: "XML namespace as default", in: "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", condition: nwf, at: 3},
		{name: "xmlns namespace for a prefix", in: "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", condition: nwf, at: 3},
		{name: "xmlns namespace as default", in: "<a xmlns='http://www.w3.org/2000/xmlns/'/>", condition: nwf, at: 3},

		// Character data.
		{name: "']]>' in text", in: "<a>x]]>y</a>", condition: nwf, at: 4},
		{name: "more brackets", in: "<a>]]]]>y</a>", condition: nwf, at: 5},
		{name: "NUL", in: "<a>\x00</a>", condition: nwf, at: 3},
		{name: "escape character", in: "<a>1234567890\x1b</a>", condition: nwf, at: 13},
		{name: "control character in CDATA", in: "<a><![CDATA[\x08]]></a>", condition: nwf, at: 12},
		{name: "bad UTF-8 in CDATA", in: "<a><![CDATA[\xC0\x80]]></a>", condition: enc, at: 12},
		{name: "overlong", in: "<a>\xC0\xAF</a>", condition: enc, at: 3},
		{name: "overlong of three bytes", in: "<a>\xE0\x80\xAF</a>", condition: enc, at: 3},
		{name: "overlong of four bytes", in: "<a>\xF0\x80\x80\xAF</a>", condition: enc, at: 3},
		{name: "surrogate", in: "<a>\xED\xA0\x80</a>", condition: enc, at: 3},
		{name: "beyond Unicode", in: "<a>\xF4\x90\x80\x80</a>", condition: enc, at: 3},
		{name: "never a lead byte", in: "<a>é\xF5\x80\x80\x80</a>", condition: enc, at: 5},
		{name: "stray continuation", in: "<a>\xBF</a>", condition: enc, at: 3},
		{name: "cut sequence", in: "<a>\xE2\x82</a>", condition: enc, at: 3},
		{name: "cut sequence before a bad character", in: "<a>\xE2\x82\x01</a>", condition: enc, at: 3},
		{name: "U+FFFE", in: "<a>ok \uFFFE</a>", condition: nwf, at: 6},
		{name: "U+FFFF", in: "<a>\uFFFF</a>", condition: nwf, at: 3},

		// References.
		{name: "unknown entity", in: "<a>&nbsp;</a>", condition: res, at: 3},
		{name: "entity in other case", in: "<a>&LT;</a>", condition: res, at: 3},
		{name: "long entity", in: "<a>&" + strings.Repeat("x", 100) + "</a>", condition: res, at: 3},
		{name: "bare ampersand", in: "<a>a & b</a>", condition: nwf, at: 5},
		{name: "no name of an entity", in: "<a>&;</a>", condition: nwf, at: 3},
		{name: "no semicolon", in: "<a>&amp</a>", condition: nwf, at: 3},
		{name: "reference to NUL", in: "<a>&#0;</a>", condition: nwf, at: 3},
		{name: "reference to a control character", in: "<a>&#x1F;</a>", condition: nwf, at: 3},
		{name: "reference to a surrogate", in: "<a>&#xD800;</a>", condition: nwf, at: 3},
		{name: "reference to U+FFFF", in: "<a>&#65535;</a>", condition: nwf, at: 3},
		{name: "reference beyond Unicode", in: "<a>&#x110000;</a>", condition: nwf, at: 3},
		{name: "reference that overflows", in: "<a>&#99999999999999999999;</a>", condition: nwf, at: 3},
		{name: "reference without digits", in: "<a>&#;</a>", condition: nwf, at: 3},
		{name: "reference without hex digits", in: "<a>&#x;</a>", condition: nwf, at: 3},
		{name: "reference with upper case X", in: "<a>&#X41;</a>", condition: nwf, at: 3},
		{name: "reference with a wrong digit", in: "<a>&#1a;</a>", condition: nwf, at: 3},
		{name: "reference with too many zeros", in: "<a>&#" + strings.Repeat("0", 100) + "65;</a>", condition: pol, at: 3},

		// Limits.
		{name: "stanza too long", in: "<a>" + strings.Repeat("x", 200) + "</a>", condition: pol, at: 120, limits: &small},
		{name: "stanza that never ends", in: "<a" + strings.Repeat(" ", 200), condition: pol, at: 120, limits: &small},
		{name: "stanza one byte too long", in: "<a>" + strings.Repeat("x", 114) + "</a>", condition: pol, at: 120, limits: &small},
		{name: "too deep", in: "<a><a><a><a><a></a></a></a></a></a>", condition: pol, at: 12, limits: &small},
		{name: "too deep, empty", in: "<a><a><a><a><a/></a></a></a></a>", condition: pol, at: 12, limits: &small},
		{name: "too many attributes", in: "<a b='' c='' d='' e=''/>", condition: pol, at: 18, limits: &small},
		{name: "too many with declarations", in: "<a xmlns='u' c='' d='' e=''/>", condition: pol, at: 23, limits: &small},
		{name: "name too long", in: "<abcdefghijklmnopqrstu/>", condition: pol, at: 21, limits: &small},
		{name: "attribute name too long", in: "<a abcdefghijklmnopqrstu='1'/>", condition: pol, at: 23, limits: &small},
		{name: "name too long and wrong", in: "<abcdefghijklmnopqrstuvw$/>", condition: pol, at: 21, limits: &small},
		{name: "too many bindings", in: "<a xmlns:a='u' xmlns:b='u' xmlns:c='u'><a xmlns='u'/></a>", condition: pol, at: 42, limits: &small},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, at := c.in, c.at
			if !c.header {
				in, at = hdr+in, at+len(hdr)
			}
			got := everyCut(t, c.limits, in)
			want := fmt.Sprintf("ERROR %s @%d ", c.condition, at)
			if last := got[strings.LastIndexByte(got, '\n')+1:]; !strings.HasPrefix(last, want) {
				t.Errorf("%q\n got %s\nwant %s", c.in, last, want)
			}
		})
	}
}

// A broken stream stays broken, and says the same each time.
func TestErrorIsSticky(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	_, _, first := sc.Next(st, []byte("<a></b>"))
	_, n, again := sc.Next(st, []byte("<a/>"))
	if first == nil || first != again || n != 0 {
		t.Errorf("got %v, then %v with %d bytes", first, again, n)
	}
	st.Reset(nil)
	if f, _, err := sc.Next(st, []byte(hdr)); err != nil || f.Kind() != parser.StreamOpen {
		t.Errorf("after Reset: %v, %v", f, err)
	}
}
