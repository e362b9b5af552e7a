package parser_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
)

// fuzzSeeds go behind a header.
var fuzzSeeds = []string{
	"<a>&amp;&#x20;]]&gt;<![CDATA[x]]y]]></a>",
	"<p:a xmlns:p='u' p:b='1' b=\"2\"><c xmlns=''/></p:a></stream:stream>",
	"<a \n b = 'c' ><b></b ></a ><stream:x xml:lang='é€𐀀'/>",
	"<имя xmlns='u&amp;v' ä·='1'>\xE2\x82</имя>",
	"<a><a><a><a><a/></a></a></a></a>",
	"<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
	"<!-- --><?x?><!DOCTYPE a>&x;",
}

func addSeeds(f *testing.F, prefix string) {
	for _, s := range fuzzSeeds {
		f.Add([]byte(prefix+s), uint(7))
	}
	for _, s := range corpus.Templates() {
		f.Add([]byte(prefix+s), uint(len(s)/2))
	}
}

// FuzzChunking: however the input is cut, everything a caller sees is the same.
func FuzzChunking(f *testing.F) {
	addSeeds(f, hdr)
	f.Add([]byte("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?> "+hdr), uint(4))
	f.Fuzz(func(t *testing.T, in []byte, cut uint) {
		sc := parser.NewScanner()
		plainly(t, nil, string(in))
		plainly(t, &parser.Limits{StanzaBytes: 400, Depth: 4, Attributes: 3, Bindings: 5}, string(in))
		for _, limits := range []*parser.Limits{nil, &small} {
			want := trace(sc, limits, whole(in), in)
			if got := trace(sc, limits, bytewise(in), in); got != want {
				t.Errorf("byte by byte\n got %s\nwant %s", got, want)
			}
			at := int(cut % uint(len(in)+1))
			if got := trace(sc, limits, splitAt(in, at), in); got != want {
				t.Errorf("cut at %d\n got %s\nwant %s", at, got, want)
			}
		}
	})
}

// canonical writes the tree below e so that two trees are equal if and only if
// their canonical forms are, except for where text stands between children.
func canonical(e parser.Element) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%q %q", spaces(e.Namespace()), e.Local())
	for a := range e.Attrs() {
		fmt.Fprintf(&b, " %q %q=%q", spaces(a.Namespace), a.Local, spaces(parser.Unescape(a.Value)))
	}
	fmt.Fprintf(&b, " text=%q", e.AppendText(nil))
	for c := range e.Children() {
		b.WriteString(canonical(c))
	}
	return b.String() + ">"
}

// spaces evens out that encoding/xml leaves tabs and line feeds in attribute
// values.
func spaces(s []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' {
			return ' '
		}
		return r
	}, string(s))
}

// canonicalXML is canonical by way of encoding/xml.
func canonicalXML(in []byte) (string, error) {
	type element struct {
		head, text, children strings.Builder
	}
	d := xml.NewDecoder(bytes.NewReader(in))
	stack := []*element{{}}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return stack[0].children.String(), nil
		}
		if err != nil {
			return "", err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			e := new(element)
			fmt.Fprintf(&e.head, "<%q %q", spaces([]byte(tok.Name.Space)), tok.Name.Local)
			for _, a := range tok.Attr {
				if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
					fmt.Fprintf(&e.head, " %q %q=%q", spaces([]byte(a.Name.Space)), a.Name.Local, spaces([]byte(a.Value)))
				}
			}
			stack = append(stack, e)
		case xml.CharData:
			top.text.Write(tok)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
			fmt.Fprintf(&stack[len(stack)-1].children, "%s text=%q%s>", &top.head, top.text.String(), &top.children)
		}
	}
}

// looser are the details of what encoding/xml lets pass: names that begin or end
// with a colon, prefixes that are not declared or reserved, attributes given
// twice or without white space between them, more than one root or text around
// it, a wrong XML declaration or an empty encoding in it, unknown markup.
var looser = []string{
	"a name", "prefix", "namespace", "the same one again", "the same namespace and name",
	"white space, '/' or '>' in a tag", "behind the root", "of a stanza", "the end of the root", "XML declaration", "standalone", "XML version", "the encoding UTF-8", "CDATA section",
}

// FuzzEncodingXML: what Parse accepts, encoding/xml reads as the same tree; what
// encoding/xml accepts, Parse refuses only for a reason that is known. Not
// compared: CR, which encoding/xml turns into LF, and names that only the fifth
// edition of XML 1.0 allows.
func FuzzEncodingXML(f *testing.F) {
	addSeeds(f, "")
	f.Add([]byte("<?xml version='1.0' encoding='UTF-8'?><a b='&#10;\t'>&#13;</a>"), uint(0))
	f.Add([]byte("<a b='c'd='e'/>"), uint(0))
	f.Fuzz(func(t *testing.T, in []byte, _ uint) {
		if bytes.IndexByte(in, '\r') >= 0 {
			return
		}
		e, err := parser.Parse(in)
		want, errXML := canonicalXML(in)
		switch {
		case err != nil && errXML == nil:
			pe := err.(*parser.Error)
			known := pe.Condition == parser.ConditionRestrictedXML || pe.Condition == parser.ConditionPolicyViolation ||
				pe.Condition == parser.ConditionBadFormat || len(bytes.TrimSpace(in)) == 0
			for _, detail := range looser {
				known = known || strings.Contains(pe.Detail, detail)
			}
			if !known {
				t.Errorf("only encoding/xml accepts it: %v", err)
			}
		case err == nil && errXML != nil:
			if !strings.Contains(errXML.Error(), "invalid XML name") {
				t.Errorf("only encoding/xml refuses it: %v", errXML)
			}
		case err == nil:
			if got := canonical(e); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		}
	})
}

// rewrite appends the tree below e with other prefixes and quotes.
func rewrite(dst []byte, e parser.Element) []byte {
	const xmlNS = "http://www.w3.org/XML/1998/namespace"
	attr := func(name string, escaped []byte, quote byte) {
		dst = append(append(append(dst, ' '), name...), '=', quote)
		dst = append(append(dst, escaped...), quote)
	}
	element := string(e.Local())
	if string(e.Namespace()) == xmlNS {
		element = "xml:" + element
	}
	dst = append(append(dst, '<'), element...)
	if string(e.Namespace()) != xmlNS {
		attr("xmlns", parser.AppendAttr(nil, e.Namespace()), '\'')
	}
	n := 0
	for a := range e.Attrs() {
		name := string(a.Local)
		switch {
		case string(a.Namespace) == xmlNS:
			name = "xml:" + name
		case len(a.Namespace) > 0:
			n++
			prefix := fmt.Sprintf("n%d", n)
			attr("xmlns:"+prefix, parser.AppendAttr(nil, a.Namespace), '\'')
			name = prefix + ":" + name
		}
		switch {
		case n%2 == 0:
			attr(name, parser.AppendAttr(nil, parser.Unescape(a.Value)), '\'')
		case bytes.ContainsRune(a.Value, '\''):
			attr(name, a.Value, '"')
		default:
			attr(name, a.Value, '\'')
		}
	}
	dst = parser.AppendText(append(dst, '>'), e.AppendText(nil))
	for c := range e.Children() {
		dst = rewrite(dst, c)
	}
	return append(append(append(dst, "</"...), element...), '>')
}

// FuzzRewrite: what was accepted can be written in other words and reads as the
// same tree, and the lists of a Frame agree with its Elements.
func FuzzRewrite(f *testing.F) {
	addSeeds(f, "")
	f.Fuzz(func(t *testing.T, in []byte, _ uint) {
		e, err := parser.Parse(in)
		if err != nil {
			return
		}
		attrs := 0
		for range e.Attrs() {
			attrs++
		}
		if bytes.Count(in, []byte("=")) > 20 || attrs > 20 {
			return // each attribute may get a declaration of its own, which could pass a limit
		}
		written := rewrite(nil, e)
		again, err := parser.Parse(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if got, want := canonical(again), canonical(e); got != want {
			t.Errorf("%s\n got %s\nwant %s", written, got, want)
		}
	})
}

// FuzzLimits: no frame that comes out passes a limit, and the parts of a frame
// lie inside it.
func FuzzLimits(f *testing.F) {
	addSeeds(f, hdr)
	f.Fuzz(func(t *testing.T, in []byte, _ uint) {
		sc := parser.NewScanner()
		var st parser.Stream
		st.Reset(&small)
		for {
			fr, n, err := sc.Next(&st, in)
			if fr == nil || err != nil {
				return
			}
			in = in[n:]
			switch fr.Kind() {
			case parser.StreamOpen:
				if st.Offset() > int64(small.HeaderBytes) {
					t.Fatalf("header ends at %d", st.Offset())
				}
			case parser.Stanza:
				if len(fr.Raw()) > small.StanzaBytes {
					t.Fatalf("stanza of %d bytes", len(fr.Raw()))
				}
				checkLimits(t, fr.Element(), 1)
				kids := fr.Children()
				i := 0
				for c := range fr.Element().Children() {
					if k := kids[i]; string(k.Raw) != string(c.Raw()) || string(k.Content) != string(c.Content()) ||
						string(k.Namespace) != string(c.Namespace()) || canonical(k.Element()) != canonical(c) {
						t.Fatalf("child %d is %q as Child, %q as Element", i, k.Raw, c.Raw())
					}
					i++
				}
				if i != len(kids) || string(fr.Content()) != string(fr.Element().Content()) {
					t.Fatalf("%d children, walked %d", len(kids), i)
				}
			}
		}
	})
}

func checkLimits(t *testing.T, e parser.Element, depth int) {
	n := 0
	for a := range e.Attrs() {
		n++
		if len(a.Name) > small.NameBytes {
			t.Fatalf("attribute name %q", a.Name)
		}
	}
	if n > small.Attributes || depth > small.Depth || len(e.Local()) > small.NameBytes {
		t.Fatalf("%d attributes, depth %d, name %q", n, depth, e.Local())
	}
	for c := range e.Children() {
		checkLimits(t, c, depth+1)
	}
}

// FuzzEscape: escaped text and values are well formed wherever they stand, and
// come back as they were, but for what XML cannot carry.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "<>&'\"\t\r\n", "]]>", "\x00\xff\uFFFE", "é€𐀀", "&amp;&#1;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := parser.AppendText(nil, s)
		value := parser.AppendAttr(nil, s)
		doc := fmt.Sprintf(`<a b='%s' c="%s">%s</a>`, value, value, text)
		e, err := parser.Parse([]byte(doc))
		if err != nil {
			t.Fatalf("%q: %v", doc, err)
		}
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				return utf8.RuneError
			}
			return r
		}, s)
		b, _ := e.Attr("b")
		c, _ := e.Attr("c")
		for i, got := range []string{string(parser.Unescape(b)), string(parser.Unescape(c)), string(e.AppendText(nil))} {
			if got != want {
				t.Errorf("place %d: got %q, want %q", i, got, want)
			}
		}
	})
}
