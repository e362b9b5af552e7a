package parser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// everyLength has the first and last characters of each length of UTF-8 and the
// neighbours of what XML excludes.
const everyLength = "\x7f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\U00010000\U0010ffff"

// TestValid holds what a caller sees of valid input, however it is cut. The
// first line of the trace, the header, is left out.
func TestValid(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"white space only", " \r\n\t", ""},
		{
			"empty stanza", "<presence/>",
			`Stanza {jabber:client}:presence raw="<presence/>" content="" text=false inherits =jabber:client`,
		},
		{
			"white space around", "\n <r xmlns='urn:xmpp:sm:3'/> ",
			`Stanza {urn:xmpp:sm:3}:r raw="<r xmlns='urn:xmpp:sm:3'/>" content="" text=false decl =urn:xmpp:sm:3`,
		},
		{
			"routing attributes", `<message to='a@b' from="c@d" id='1' type='chat' xml:lang='de'><body>Hé</body></message >`,
			`Stanza {jabber:client}:message raw="<message to='a@b' from=\"c@d\" id='1' type='chat' xml:lang='de'><body>Hé</body></message >" content="<body>Hé</body>" text=false to="a@b" from="c@d" id="1" type="chat" lang="de" @to={}:to='a@b @from={}:from="c@d @id={}:id='1 @type={}:type='chat @xml:lang={http://www.w3.org/XML/1998/namespace}xml:lang='de inherits =jabber:client
  child {jabber:client}:body raw="<body>Hé</body>" content="Hé"`,
		},
		{
			"prefix of the header", "<stream:features xmlns:a='u'><a:b/></stream:features>",
			`Stanza {http://etherx.jabber.org/streams}stream:features raw="<stream:features xmlns:a='u'><a:b/></stream:features>" content="<a:b/>" text=false decl a=u inherits stream=http://etherx.jabber.org/streams
  child {u}a:b raw="<a:b/>" content=""`,
		},
		{
			"header prefix on a deep attribute only", "<a xmlns='u'><b><c stream:x=''/></b></a>",
			`Stanza {u}:a raw="<a xmlns='u'><b><c stream:x=''/></b></a>" content="<b><c stream:x=''/></b>" text=false decl =u inherits stream=http://etherx.jabber.org/streams
  child {u}:b raw="<b><c stream:x=''/></b>" content="<c stream:x=''/>"`,
		},
		{
			"prefix of the header shadowed", "<stream:a xmlns:stream='u'/>",
			`Stanza {u}stream:a raw="<stream:a xmlns:stream='u'/>" content="" text=false decl stream=u`,
		},
		{
			"default namespace undeclared", "<a xmlns=''><b xmlns='v'/><c/></a>",
			`Stanza {}:a raw="<a xmlns=''><b xmlns='v'/><c/></a>" content="<b xmlns='v'/><c/>" text=false decl =
  child {v}:b raw="<b xmlns='v'/>" content=""
  child {}:c raw="<c/>" content=""`,
		},
		{
			"default namespace comes back", "<p:a xmlns:p='u'><b xmlns='v'><c/></b><d/></p:a>",
			`Stanza {u}p:a raw="<p:a xmlns:p='u'><b xmlns='v'><c/></b><d/></p:a>" content="<b xmlns='v'><c/></b><d/>" text=false decl p=u inherits =jabber:client
  child {v}:b raw="<b xmlns='v'><c/></b>" content="<c/>"
  child {jabber:client}:d raw="<d/>" content=""`,
		},
		{
			"escaped namespace", "<a xmlns='u&amp;v&#x20;\tw'><b/></a>",
			`Stanza {u&v  w}:a raw="<a xmlns='u&amp;v&#x20;\tw'><b/></a>" content="<b/>" text=false decl =u&v  w
  child {u&v  w}:b raw="<b/>" content=""`,
		},
		{
			"declaration behind its use", "<p:a p:b='1' xmlns:p='u'/>",
			`Stanza {u}p:a raw="<p:a p:b='1' xmlns:p='u'/>" content="" text=false @p:b={u}p:b='1 decl p=u`,
		},
		{
			"same local name with and without prefix", "<a xmlns='u' xmlns:p='u' b='1' p:b='2'/>",
			`Stanza {u}:a raw="<a xmlns='u' xmlns:p='u' b='1' p:b='2'/>" content="" text=false @b={}:b='1 @p:b={u}p:b='2 decl =u decl p=u`,
		},
		{
			"the XML namespace for its own prefix", "<xml:a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
			`Stanza {http://www.w3.org/XML/1998/namespace}xml:a raw="<xml:a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>" content="" text=false decl xml=http://www.w3.org/XML/1998/namespace`,
		},
		{
			"text", "<a xmlns='u'> x&lt;&#65;]]&gt;<b/></a>",
			`Stanza {u}:a raw="<a xmlns='u'> x&lt;&#65;]]&gt;<b/></a>" content=" x&lt;&#65;]]&gt;<b/>" text=true decl =u
  child {u}:b raw="<b/>" content=""`,
		},
		{
			"white text", "<a xmlns='u'>\r\n\t <b>x</b> &#32;<![CDATA[ ]]></a>",
			`Stanza {u}:a raw="<a xmlns='u'>\r\n\t <b>x</b> &#32;<![CDATA[ ]]></a>" content="\r\n\t <b>x</b> &#32;<![CDATA[ ]]>" text=false decl =u
  child {u}:b raw="<b>x</b>" content="x"`,
		},
		{
			"CDATA", "<a xmlns='u'><![CDATA[<x>&]]]]><![CDATA[>é]]></a>",
			`Stanza {u}:a raw="<a xmlns='u'><![CDATA[<x>&]]]]><![CDATA[>é]]></a>" content="<![CDATA[<x>&]]]]><![CDATA[>é]]>" text=true decl =u`,
		},
		{
			"space everywhere", "<a\n xmlns\t=\r'u'  b = \"'\" \n><c  /></a\t>",
			`Stanza {u}:a raw="<a\n xmlns\t=\r'u'  b = \"'\" \n><c  /></a\t>" content="<c  />" text=false @b={}:b="' decl =u
  child {u}:c raw="<c  />" content=""`,
		},
		{
			"'>' and slashes in values", "<a xmlns='u' b='/>'><c d=\"/c>'\">x</c></a>",
			`Stanza {u}:a raw="<a xmlns='u' b='/>'><c d=\"/c>'\">x</c></a>" content="<c d=\"/c>'\">x</c>" text=false @b={}:b='/> decl =u
  child {u}:c raw="<c d=\"/c>'\">x</c>" content="x"`,
		},
		{
			"names beyond ASCII", "<имя xmlns='u' ä·='1' x\u0300='2'><𐐀:a xmlns:𐐀='v'/></имя>",
			`Stanza {u}:имя raw="<имя xmlns='u' ä·='1' x̀='2'><𐐀:a xmlns:𐐀='v'/></имя>" content="<𐐀:a xmlns:𐐀='v'/>" text=false @ä·={}:ä·='1 @x̀={}:x̀='2 decl =u
  child {v}𐐀:a raw="<𐐀:a xmlns:𐐀='v'/>" content=""`,
		},
		{
			"every length of UTF-8", "<a xmlns='u'>" + everyLength + "</a>",
			fmt.Sprintf("Stanza {u}:a raw=%q content=%q text=true decl =u", "<a xmlns='u'>"+everyLength+"</a>", everyLength),
		},
		{
			"two stanzas and the end", "<a xmlns='u'/><b xmlns='v'/></stream:stream\n>\n",
			`Stanza {u}:a raw="<a xmlns='u'/>" content="" text=false decl =u
Stanza {v}:b raw="<b xmlns='v'/>" content="" text=false decl =v
StreamClose {http://etherx.jabber.org/streams}stream:stream raw="</stream:stream\n>" content="" text=false`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, got, _ := strings.Cut(everyCut(t, nil, hdr+c.in), "\n")
			if want := c.want; strings.TrimSuffix(got, "\n") != want {
				t.Errorf("%q\n got %s\nwant %s", c.in, got, want)
			}
		})
	}
}

// TestHeader holds which stream headers are accepted.
func TestHeader(t *testing.T) {
	const ns = "http://etherx.jabber.org/streams"
	for _, c := range []struct{ name, in, want string }{
		{"byte order mark", "\xEF\xBB\xBF" + hdr, "stream:stream"},
		{"line break before the declaration", "\r\n<?xml version='1.0'?>" + hdr, "stream:stream"},
		{"declaration", "<?xml version='1.0'?>" + hdr, "stream:stream"},
		{"declaration in full", "\xEF\xBB\xBF<?xml version = \"1.0\"\tencoding='utf-8' standalone='yes' ?>\n " + hdr, "stream:stream"},
		{"white space", "\r\n " + hdr, "stream:stream"},
		{"other prefix", "<s:stream xmlns:s='" + ns + "' xmlns='jabber:client'>", "s:stream"},
		{"no prefix", "<stream xmlns='" + ns + "'>", "stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := everyCut(t, nil, c.in+"<c:a xmlns:c='u'/></"+c.want+">")
			if !strings.HasPrefix(got, "StreamOpen {"+ns+"}") || !strings.Contains(got, "\nStanza {u}c:a ") ||
				!strings.Contains(got, "\nStreamClose {"+ns+"}") {
				t.Errorf("got %s", got)
			}
		})
	}
}

// Limits are the last value that passes.
func TestAtTheLimit(t *testing.T) {
	for _, in := range []string{
		"<a>" + strings.Repeat("x", 113) + "</a>",
		"<a><a><a><a></a></a></a></a>",
		"<a b='' c='' d=''/>",
		"<a xmlns='' c='' d=''/>",
		"<abcdefghijklmnopqrst/>",
		"<a abcdefghijklmnopqrst='1'/>",
		"<a xmlns:a='u' xmlns:b='u' xmlns:c='u'><a/></a>",
	} {
		if got := everyCut(t, &small, hdr+in); strings.Contains(got, "ERROR") || !strings.Contains(got, "Stanza") {
			t.Errorf("%q\n got %s", in, got)
		}
	}
}

// TestCorpus holds that every template of the corpus is accepted however it is
// cut.
func TestCorpus(t *testing.T) {
	for _, s := range corpus.Templates() {
		got := everyCut(t, nil, corpus.Header+s)
		if strings.Contains(got, "ERROR") || strings.Contains(got, "MORE") {
			t.Errorf("%s\n got %s", s, got)
		}
	}
}

// More children than are recorded while scanning are found all the same.
func TestManyChildren(t *testing.T) {
	for _, n := range []int{63, 64, 65, 200} {
		sc := parser.NewScanner()
		st := opened(t, sc)
		in := "<a>" + strings.Repeat("<b xmlns='u' c='&gt;/>'>x<b/></b>\n<![CDATA[<]]>", n) + "</a>"
		f, _, err := sc.Next(st, []byte(in))
		if err != nil {
			t.Fatal(err)
		}
		kids := f.Children()
		if len(kids) != n {
			t.Fatalf("%d children, want %d", len(kids), n)
		}
		for i, k := range kids {
			if string(k.Raw) != "<b xmlns='u' c='&gt;/>'>x<b/></b>" || string(k.Content) != "x<b/>" ||
				string(k.Namespace) != "u" || string(k.Local) != "b" {
				t.Fatalf("child %d: %+v", i, k)
			}
		}
	}
}
