package parser_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// outline writes the tree below e with namespaces, attributes and text.
func outline(e parser.Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{%s}%s", e.Namespace(), e.Local())
	if v, ok := e.Attr("id"); ok {
		fmt.Fprintf(&b, "#%s", v)
	}
	if text := e.AppendText(nil); len(text) > 0 {
		fmt.Fprintf(&b, "%q", text)
	}
	sep := "("
	for c := range e.Children() {
		b.WriteString(sep + outline(c))
		sep = " "
	}
	if sep == " " {
		b.WriteString(")")
	}
	return b.String()
}

func TestElement(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"<a/>", "{}a"},
		{"<?xml version='1.0'?>\n<a xmlns='u'><b><c xmlns='v' id='1'><d/></c><e/></b></a>\n", "{u}a({u}b({v}c#1({v}d) {u}e))"},
		{
			"<p:a xmlns:p='u'><b><p:c xmlns:p='v'><p:d/></p:c><p:e/><x xmlns:p='w'/><p:f/></b></p:a>",
			"{u}a({}b({v}c({v}d) {u}e {}x {u}f))",
		},
		{"<a>x<b>y</b>&lt;<![CDATA[<b>&amp;]]><![CDATA[]]>z</a>", `{}a"x<<b>&amp;z"({}b"y")`},
		{"<a><b xmlns='u&amp;'><c/></b><b id='&gt;/>' k='>'><c>&#x20AC;</c ></b ></a>", `{}a({u&}b({u&}c) {}b#&gt;/>({}c"€"))`},
		{"<a><xml:b xml:lang='x'/></a>", "{}a({http://www.w3.org/XML/1998/namespace}b)"},
		{"<a><![CDATA[<b>]]><b/><![CDATA[</a>]]></a>", `{}a"<b></a>"({}b)`},
	} {
		e, err := parser.Parse([]byte(c.in))
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
		} else if got := outline(e); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// Elements below a stanza see the declarations of the stream header.
func TestElementInStream(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	f, _, err := sc.Next(st, []byte("<iq><q xmlns='u'><stream:x><y stream:k='1' k='2'/></stream:x></q><r/></iq>"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "{jabber:client}iq({u}q({http://etherx.jabber.org/streams}x({u}y)) {jabber:client}r)"
	if got := outline(f.Element()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	q := f.Children()[0].Element()
	if !q.Is("u", "q") || string(q.Raw()) != "<q xmlns='u'><stream:x><y stream:k='1' k='2'/></stream:x></q>" {
		t.Errorf("first child is %s", q.Raw())
	}
	y := q.Child("", "x").Child("u", "y")
	plain, _ := y.Attr("k")
	qualified, ok := y.AttrNS("http://etherx.jabber.org/streams", "k")
	if string(plain) != "2" || string(qualified) != "1" || !ok {
		t.Errorf("attributes are %q and %q", plain, qualified)
	}
	if q.Child("v", "x") != (parser.Element{}) || q.Child("", "z") != (parser.Element{}) {
		t.Error("found a child that is not there")
	}
}

// Children are found whether or not the scanner has recorded them: it records 64.
func TestRecordedChildren(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		xml := "<m xmlns:p='u&amp;'>a<![CDATA[<y xmlns='u'/>]]>" + strings.Repeat("<x><y xmlns='u'/></x>b", n) + "<![CDATA[<z/>]]><y xmlns='u&amp;'/><p:z/></m>"
		sc := parser.NewScanner()
		f, _, err := sc.Next(opened(t, sc), []byte(xml))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for range f.Element().Children() {
			got++
		}
		if got != n+2 {
			t.Errorf("%d children, want %d", got, n+2)
		}
		for name, want := range map[[2]string]bool{
			{"u&", "y"}: true, {"u&", "z"}: true, {"u", "y"}: false, {"jabber:client", "z"}: false,
			{"jabber:client", "x"}: n > 0,
		} {
			if f.HasChild(name[0], name[1]) != want {
				t.Errorf("%d children, %q: want %t", n, name, want)
			}
		}
		kept := string(f.Element().AppendContent(nil, func(e parser.Element) bool { return !e.Is("u&", "z") }))
		if want := "a<![CDATA[<y xmlns='u'/>]]>" + strings.Repeat("b", n) + "<![CDATA[<z/>]]><p:z/>"; kept != want {
			t.Errorf("%d children: kept %s", n, kept)
		}
	}
}

// Prefixes are found in whatever order elements are asked.
func TestLookupInAnyOrder(t *testing.T) {
	e, err := parser.Parse([]byte(`<r xmlns:p='1'><a p:k=''><b xmlns:p='2' p:k=''><c p:k=''/><![CDATA[<x>]]><d xmlns:p='3&amp;' p:k=''/></b>` +
		`<e p:k=''/></a><f xmlns:p='4' p:k=''><g p:k=''/></f><h p:k=''/></r>`))
	if err != nil {
		t.Fatal(err)
	}
	var all []parser.Element
	var collect func(parser.Element)
	collect = func(e parser.Element) {
		for c := range e.Children() {
			all = append(all, c)
			collect(c)
		}
	}
	collect(e)
	want := map[string]string{"a": "1", "b": "2", "c": "2", "d": "3&", "e": "1", "f": "4", "g": "4", "h": "1"}
	if len(all) != len(want) {
		t.Fatalf("%d elements", len(all))
	}
	for i := range all {
		for j := range all {
			for _, k := range []parser.Element{all[i], all[j]} {
				for a := range k.Attrs() {
					if string(a.Namespace) != want[string(k.Local())] {
						t.Fatalf("%s after %s: %q", k.Local(), all[i].Local(), a.Namespace)
					}
				}
			}
		}
	}
}

func TestZeroFrame(t *testing.T) {
	var f parser.Frame
	if _, ok := f.To(); ok || f.Kind() != parser.None || len(f.Raw())+len(f.Attrs())+len(f.Children())+len(f.Decls()) != 0 {
		t.Error("the zero Frame is not empty")
	}
}

func TestZeroElement(t *testing.T) {
	var e parser.Element
	if _, ok := e.Attr("x"); ok || !e.IsZero() || outline(e) != "{}" || e.Raw() != nil || e.Prefix() != nil || !e.Child("", "x").IsZero() {
		t.Error("the zero Element is not empty")
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		in, condition string
		at            int64
	}{
		{"", parser.ConditionNotWellFormed, 0},
		{"  ", parser.ConditionNotWellFormed, 2},
		{"<a>", parser.ConditionNotWellFormed, 3},
		{"<?xml version='1.0'?", parser.ConditionNotWellFormed, 20},
		{"<?xml version='1.0'?><b:a/>", parser.ConditionNotWellFormed, 22},
		{"<a/> <b/>", parser.ConditionNotWellFormed, 5},
		{"</>", parser.ConditionNotWellFormed, 0},
		{"x", parser.ConditionBadFormat, 0},
	} {
		_, err := parser.Parse([]byte(c.in))
		var e *parser.Error
		if !errors.As(err, &e) || e.Condition != c.condition || e.Offset != c.at {
			t.Errorf("%q: got %v, want %s at %d", c.in, err, c.condition, c.at)
		}
		if !errors.Is(err, &parser.Error{Condition: c.condition}) || errors.Is(err, &parser.Error{Condition: "reset"}) {
			t.Errorf("%q: Is does not compare conditions", c.in)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, text, attr string }{
		{"", "", ""},
		{"plain é", "plain é", "plain é"},
		{`<a b='c' d="e">&amp;`, `&lt;a b='c' d="e"&gt;&amp;amp;`, `&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;amp;`},
		{"a\tb\nc\rd", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d"},
		{"\x00\x1f\xff\uFFFE\uFFFF\xED\xA0\x80.", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD.", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD."},
		{"]]>", "]]&gt;", "]]&gt;"},
		{"cut \xE2\x82", "cut \uFFFD\uFFFD", "cut \uFFFD\uFFFD"},
	} {
		if got := string(parser.AppendText([]byte("!"), c.in)); got != "!"+c.text {
			t.Errorf("AppendText(%q) = %q, want %q", c.in, got[1:], c.text)
		}
		if got := string(parser.AppendAttr([]byte("!"), []byte(c.in))); got != "!"+c.attr {
			t.Errorf("AppendAttr(%q) = %q, want %q", c.in, got[1:], c.attr)
		}
	}
}

func TestUnescape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"&lt;&gt;&amp;&apos;&quot;", `<>&'"`},
		{"a&#65;&#x42;&#x1F600;b", "aAB\U0001F600b"},
		{"&amp;lt;", "&lt;"},
		{"&nbsp; &;& &#0; &amp", "&nbsp; &;& &#0; &amp"},
	} {
		if got := string(parser.AppendUnescaped(nil, c.in)); got != c.want {
			t.Errorf("AppendUnescaped(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := string(parser.Unescape([]byte(c.in))); got != c.want {
			t.Errorf("Unescape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// A stream whose header is renamed reads as one that was opened in the other
// namespace; what stanzas declare themselves is theirs.
func TestRename(t *testing.T) {
	sc := parser.NewScanner()
	for _, header := range []string{
		"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>",
		"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:s='jabber:server' xmlns:o='other'>",
	} {
		var st parser.Stream
		st.Rename("jabber:server", "jabber:client") // nothing to rename yet
		if _, _, err := sc.Next(&st, []byte(header)); err != nil {
			t.Fatal(err)
		}
		st.Rename("jabber:server", "jabber:client")
		f, _, err := sc.Next(&st, []byte("<message><body/><x xmlns='jabber:server'/></message>"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outline(f.Element()), "{jabber:client}message({jabber:client}body {jabber:server}x)"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if in := f.Inherited(); len(in) != 1 || string(in[0].URI) != "jabber:client" {
			t.Errorf("inherited: %q", in)
		}
		at := f.Element().Child("", "x").Offset()
		if got := string(f.Raw()[at : at+2]); got != "<x" {
			t.Errorf("Offset: %q", got)
		}
		if f, _, err = sc.Next(&st, []byte("</stream:stream>")); err != nil || f.Kind() != parser.StreamClose {
			t.Errorf("the end: %v, %v", f, err)
		}
	}
}
