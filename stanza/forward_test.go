package stanza_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

const (
	usual    = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
	prefixed = "xmlns:c='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
	foreign  = "xmlns='urn:other' xmlns:c='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
)

// frame parses one stanza on a stream with that header and calls use with it.
func frame(t testing.TB, header, raw string, use func(*stanza.View)) {
	t.Helper()
	sc := parser.NewScanner()
	var st parser.Stream
	st.Reset(nil)
	if f, _, err := sc.Next(&st, []byte("<stream:stream "+header+">")); err != nil || f == nil {
		t.Fatalf("header %s: %v", header, err)
	}
	f, n, err := sc.Next(&st, []byte(raw))
	if err != nil || f == nil || n != len(raw) {
		t.Fatalf("%s: %d bytes, %v", raw, n, err)
	}
	v, ok := stanza.Of(f)
	if !ok {
		t.Fatalf("%s is no stanza", raw)
	}
	use(&v)
}

func forward(t testing.TB, header, raw string, fw stanza.Forward) (out string) {
	t.Helper()
	frame(t, header, raw, func(v *stanza.View) { out = string(stanza.AppendForward(nil, v, &fw)) })
	return out
}

// TestForwardIdentified gives stanzas an id: the last child, wherever they end.
func TestForwardIdentified(t *testing.T) {
	const id = "<stanza-id xmlns='urn:xmpp:sid:0' by='d@e' id='1'/>"
	for _, c := range []struct{ raw, want string }{
		{`<message to='x'><body>y</body></message>`, `<message from='a@b/c' to='x'><body>y</body>` + id + `</message>`},
		{`<message to='x'><body>y</body></message >`, `<message from='a@b/c' to='x'><body>y</body>` + id + `</message >`},
		{`<message to='x'></message>`, `<message from='a@b/c' to='x'>` + id + `</message>`},
		{`<message to='x'/>`, `<message from='a@b/c' to='x'>` + id + `</message>`},
		{`<message from='a@b/c' to='x'> </message>`, `<message from='a@b/c' to='x'> ` + id + `</message>`},
		{`<message from='a@b' to='x'><body/></message>`, `<message from='a@b/c' to='x'><body/>` + id + `</message>`},
		{`<message><message xmlns='urn:x'/></message>`, `<message from='a@b/c'><message xmlns='urn:x'/>` + id + `</message>`},
		{`<message xmlns='jabber:client'><body/></message>`, `<message from='a@b/c'><body/>` + id + `</message>`},
	} {
		if got := forward(t, usual, c.raw, stanza.Forward{From: "a@b/c", By: "d@e", ID: "1"}); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.raw, got, c.want)
		}
	}
}

// TestForwardStamped has senders that follow one another rendered by one Stamp.
func TestForwardStamped(t *testing.T) {
	var stamp stanza.Stamp
	for _, c := range []struct{ raw, from, want string }{
		{`<message to='x'/>`, "a@b/c", `<message from='a@b/c' to='x'/>`},
		{`<message to='x'/>`, "a@b/c", `<message from='a@b/c' to='x'/>`},
		{`<message from='a@b/c' to='x'/>`, "a@b/c", `<message from='a@b/c' to='x'/>`},
		{`<message from='a@b' to='x'/>`, "a@b/c", `<message from='a@b/c' to='x'/>`},
		{`<message to='x'/>`, "a@b/'", `<message from='a@b/&apos;' to='x'/>`},
		{`<message to='x'/>`, "", `<message to='x'/>`},
		{`<message to='x'/>`, "a@b/'", `<message from='a@b/&apos;' to='x'/>`},
		{`<message to='x'/>`, "a@b/c", `<message from='a@b/c' to='x'/>`},
	} {
		if got := forward(t, usual, c.raw, stanza.Forward{From: c.from, Stamp: &stamp}); got != c.want {
			t.Errorf("%s from %q: got %s, want %s", c.raw, c.from, got, c.want)
		}
	}
}

func TestForward(t *testing.T) {
	from := stanza.Forward{From: "a@b/c"}
	for _, c := range []struct {
		name, header, raw string
		fw                stanza.Forward
		want              string
	}{
		{"as it came", usual, `<message to='x'><body>hi</body></message>`, from,
			`<message from='a@b/c' to='x'><body>hi</body></message>`},
		{"without a child", usual, `<message>a<x xmlns='y'/><![CDATA[<x xmlns='y'/>]]><z><x xmlns='y'/></z><x xmlns='y'>b</x></message>`,
			stanza.Forward{From: "a@b/c", Drop: func(e parser.Element) bool { return e.Is("y", "x") }},
			`<message from='a@b/c'>a<![CDATA[<x xmlns='y'/>]]><z><x xmlns='y'/></z></message>`},
		{"with an id", usual, `<message><body>hi</body></message>`, stanza.Forward{From: "a@b/c", ID: "1", By: "o'x@y"},
			`<message from='a@b/c'><body>hi</body><stanza-id xmlns='urn:xmpp:sid:0' by='o&apos;x@y' id='1'/></message>`},
		{"empty with an id", foreign, `<c:message/>`, stanza.Forward{From: "a@b/c", ID: "1", By: "x@y"},
			`<message from='a@b/c'><stanza-id xmlns='urn:xmpp:sid:0' by='x@y' id='1'/></message>`},
		{"empty", usual, `<presence/>`, from, `<presence from='a@b/c'/>`},
		{"empty with an end tag", usual, `<presence></presence>`, from, `<presence from='a@b/c'></presence>`},
		{"from is replaced", usual, `<iq from="b" id="1" type='get'><x xmlns='y'/></iq>`, from,
			`<iq from='a@b/c' id="1" type='get'><x xmlns='y'/></iq>`},
		{"from is the same", usual, `<iq id="1" from="a@b/c" type='get'><x xmlns='y'/></iq>`, from,
			`<iq id="1" from="a@b/c" type='get'><x xmlns='y'/></iq>`},
		{"from is kept", usual, `<iq from="b" id="1"/>`, stanza.Forward{}, `<iq from="b" id="1"/>`},
		{"from is escaped", usual, `<message/>`, stanza.Forward{From: `a@b/"'<&`}, `<message from='a@b/&quot;&apos;&lt;&amp;'/>`},
		{"to is added", usual, `<message/>`, stanza.Forward{From: "a", To: "b"}, `<message from='a' to='b'/>`},
		{"to is kept", usual, `<message to='c'/>`, stanza.Forward{To: "b"}, `<message to='c'/>`},
		{"lang is added", usual, `<message/>`, stanza.Forward{Lang: "cs"}, `<message xml:lang='cs'/>`},
		{"lang is kept", usual, `<message xml:lang="de"/>`, stanza.Forward{Lang: "cs"}, `<message xml:lang="de"/>`},
		{"an empty lang is kept", usual, `<message xml:lang=''/>`, stanza.Forward{Lang: "cs"}, `<message xml:lang=''/>`},
		{"lang of a child does not count", usual, `<message><body xml:lang='de'/></message>`, stanza.Forward{Lang: "cs"},
			`<message xml:lang='cs'><body xml:lang='de'/></message>`},
		{"quotes in values", usual, `<message a="'" b='"' c='&quot;'/>`, from, `<message from='a@b/c' a="'" b='"' c='&quot;'/>`},
		{"empty with a declaration", usual, `<presence xmlns='jabber:client'></presence>`, from, `<presence from='a@b/c'/>`},
		{"tags as they came", usual, "<message \n\t to = 'x'\n>\n</message >", from, "<message from='a@b/c' \n\t to = 'x'\n>\n</message >"},
		{"spaces in tags that are written anew go", usual, "<message \n\t from = 'x'\n>\n</message >", from, "<message from='a@b/c'>\n</message>"},
		{"header prefix without a declaration", usual + " xmlns:e='urn:e'", "<message><e:x/></message>", from,
			"<message from='a@b/c' xmlns:e='urn:e'><e:x/></message>"},
		{"content as it came", usual, `<message><body>&#x41;<![CDATA[<&]]> é 🦊</body></message>`, stanza.Forward{},
			`<message><body>&#x41;<![CDATA[<&]]> é 🦊</body></message>`},
		{"content namespace goes", usual, `<message xmlns='jabber:client'><body/></message>`, stanza.Forward{}, `<message><body/></message>`},
		{"content namespace escaped goes", usual, `<message xmlns='jabber:&#99;lient'/>`, stanza.Forward{}, `<message/>`},
		{"header's prefix is declared anew", usual + " xmlns:e='urn:e'", `<message><e:x/></message>`, stanza.Forward{},
			`<message xmlns:e='urn:e'><e:x/></message>`},
		{"and for an attribute", usual + " xmlns:e='urn:e'", `<message e:a='1'/>`, stanza.Forward{}, `<message e:a='1' xmlns:e='urn:e'/>`},
		{"and for a deep one", usual + " xmlns:e='urn:e'", `<message><a><b e:c=''/></a></message>`, stanza.Forward{},
			`<message xmlns:e='urn:e'><a><b e:c=''/></a></message>`},
		{"with an escaped name", usual + " xmlns:e='urn:e?a=1&amp;b=&apos;'", `<message><e:x/></message>`, stanza.Forward{},
			`<message xmlns:e='urn:e?a=1&amp;b=&apos;'><e:x/></message>`},
		{"a prefix that is not used is not", usual + " xmlns:e='urn:e'", `<message><x/></message>`, stanza.Forward{}, `<message><x/></message>`},
		{"nor one that is declared in the stanza", usual + " xmlns:e='urn:e'", `<message><e:x xmlns:e='urn:f'/></message>`, stanza.Forward{},
			`<message><e:x xmlns:e='urn:f'/></message>`},
		{"own declarations stay", usual, `<message xmlns:e="urn:e"><e:x/></message>`, stanza.Forward{}, `<message xmlns:e='urn:e'><e:x/></message>`},
		{"prefixed stanza", prefixed, `<c:message to='x'/>`, stanza.Forward{}, `<message to='x'/>`},
		{"attributes that end like addresses", usual, `<message xmlns:e='urn:e' e:from='1' e:to='2'/>`, stanza.Forward{From: "a", To: "b"},
			`<message from='a' to='b' e:from='1' e:to='2' xmlns:e='urn:e'/>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := forward(t, c.header, c.raw, c.fw); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestForwardMeansTheSame: what arrives on a plain stream has the same expanded
// names, attributes and text as what was sent on the sender's.
func TestForwardMeansTheSame(t *testing.T) {
	stanzas := []string{
		`<%[1]smessage to='x' id="1"><%[1]sbody>hi &amp; bye</%[1]sbody></%[1]smessage>`,
		`<%[1]smessage><body/></%[1]smessage>`,
		`<%[1]smessage><body xmlns='jabber:client'><x/></body><y xmlns=''><z/></y></%[1]smessage>`,
		`<%[1]smessage xmlns='urn:other'><x/></%[1]smessage>`,
		`<%[1]smessage xmlns=''><x/></%[1]smessage>`,
		`<%[1]smessage xmlns='jabber:client'><x/></%[1]smessage>`,
		`<%[1]spresence xmlns:e='urn:e' e:a='1'><e:x><%[1]sy/></e:x></%[1]spresence>`,
		`<%[1]siq type='get' id='1'><query xmlns='urn:q'><%[1]sitem/><h:x h:y='z'/></query></%[1]siq>`,
		`<%[1]siq type='get' id='1'><h:query xml:lang='de'/></%[1]siq>`,
		`<%[1]smessage h:a='1'><h:x xmlns:h='urn:inner'/><h:y/></%[1]smessage>`,
		`<%[1]smessage><stream:x/></%[1]smessage>`,
		`<%[1]smessage></%[1]smessage>`,
	}
	headers := map[string][]string{ // with the prefixes that stanzas may have there
		usual + " xmlns:h='urn:h'":                         {""},
		usual + " xmlns:h='urn:h' xmlns:c='jabber:client'": {"", "c:"},
		prefixed + " xmlns:h='urn:h'":                      {"c:"},
		foreign + " xmlns:h='urn:h'":                       {"c:"},
	}
	for header, prefixes := range headers {
		for _, prefix := range prefixes {
			for _, s := range stanzas {
				raw := s
				if strings.Contains(s, "%[1]s") {
					raw = fmt.Sprintf(s, prefix)
				}
				if prefix == "" && strings.Contains(s, "%[1]smessage xmlns='urn") || prefix == "" && strings.Contains(s, "message xmlns=''") {
					continue // no stanza then
				}
				got := forward(t, header, raw, stanza.Forward{})
				a, b := tokens(t, header, raw), tokens(t, usual, got)
				if !slices.Equal(a, b) {
					t.Errorf("on %s\n%s became\n%s\n%q\n%q", header, raw, got, a, b)
				}
				frame(t, usual, got, func(v *stanza.View) { // and the parser takes it
					if again := stanza.AppendForward(nil, v, &stanza.Forward{}); string(again) != got {
						t.Errorf("forwarded twice: %s became %s", got, again)
					}
				})
			}
		}
	}
}

// tokens reads a stanza with encoding/xml, namespaces expanded.
func tokens(t *testing.T, header, raw string) (list []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<stream:stream " + header + ">" + raw))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	flush := func() {
		if text.Len() > 0 {
			list = append(list, "text "+text.String())
			text.Reset()
		}
	}
	for depth := 0; ; {
		tok, err := d.Token()
		if err != nil {
			if err == io.ErrUnexpectedEOF || depth == 0 {
				return list
			}
			t.Fatalf("%s: %v", raw, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			flush()
			depth++
			var attrs []string
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					attrs = append(attrs, fmt.Sprintf("%v=%q", a.Name, a.Value))
				}
			}
			slices.Sort(attrs)
			list = append(list, fmt.Sprintf("<%v %v", tok.Name, attrs))
		case xml.EndElement:
			flush()
			depth--
			list = append(list, fmt.Sprintf("</%v", tok.Name))
			if depth == 0 {
				return list
			}
		case xml.CharData:
			text.Write(tok)
		}
	}
}

func FuzzForward(f *testing.F) {
	f.Add("xmlns:h='urn:h'", `<message h:a='1'><h:x/><body>x</body></message>`)
	f.Add("xmlns:c='jabber:client'", `<c:message xmlns='urn:x'><y/></c:message>`)
	f.Add("", `<iq type='get' from='x' xml:lang="en"><q xmlns=''/></iq>`)
	f.Fuzz(func(t *testing.T, extra, raw string) {
		sc := parser.NewScanner()
		var st parser.Stream
		st.Reset(nil)
		if h, _, err := sc.Next(&st, []byte("<stream:stream "+usual+" "+extra+">")); err != nil || h == nil {
			return
		}
		fr, n, err := sc.Next(&st, []byte(raw))
		if err != nil || fr == nil || n != len(raw) || fr.Kind() != parser.Stanza || string(fr.Namespace()) != stanza.NSClient {
			return
		}
		v, ok := stanza.Of(fr)
		if !ok {
			return
		}
		var before []string
		walk(fr.Element(), &before)
		out := stanza.AppendForward(nil, &v, &stanza.Forward{From: "a@b/c", Lang: "en"})
		frame(t, usual, string(out), func(v *stanza.View) {
			var after []string
			walk(v.Frame.Element(), &after)
			if !slices.Equal(before[1:], after[1:]) {
				t.Errorf("%q became %q:\n%q\n%q", raw, out, before, after)
			}
			if from, _ := v.Frame.From(); string(from) != "a@b/c" {
				t.Errorf("%q became %q: from %q", raw, out, from)
			}
			if _, ok := v.Frame.Lang(); !ok {
				t.Errorf("%q became %q: no xml:lang", raw, out)
			}
		})
	})
}

// walk lists expanded names, attributes and text; the root comes first.
func walk(e parser.Element, list *[]string) {
	item := fmt.Sprintf("%s|%s|%s", e.Namespace(), e.Local(), e.AppendText(nil))
	for a := range e.Attrs() {
		item += fmt.Sprintf("|%s|%s|%s", a.Namespace, a.Local, a.Value)
	}
	*list = append(*list, item)
	for c := range e.Children() {
		walk(c, list)
	}
}
