package parser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// What stands behind a stanza has the scanner look at it in a window, which it
// does not make for a few bytes; byte by byte it never has one. So a trace of the
// whole against one of single bytes compares the two ways to read.
var behind = strings.Repeat(" ", 64)

// plainly holds that in is read alike in windows and without. It returns the trace.
func plainly(t *testing.T, limits *parser.Limits, in string) string {
	t.Helper()
	b := []byte(in + behind)
	sc := parser.NewScanner()
	want := trace(sc, limits, bytewise(b), b)
	if got := trace(sc, limits, whole(b), b); got != want {
		t.Fatalf("%q\n in windows %s\nbyte by byte %s", in, got, want)
	}
	return want
}

// Each kind of token, plain and not plain, right and wrong, at each place of the end of a window.
func TestWindow(t *testing.T) {
	const longest = 160 // of the inputs
	for _, c := range []struct{ name, in string }{
		{"message", "<body>text</body><x-y a='1' bc=\"2\" d-e='3'/></m>"},
		{"long value", "<x a='" + strings.Repeat("v", 70) + "'/></m>"},
		{"long name", "<" + strings.Repeat("n", 70) + " " + strings.Repeat("a", 60) + "=''/></m>"},
		{"long text", "<x>" + strings.Repeat("t", 70) + "</x></m>"},
		{"declarations", "<x xmlns='u'><y xmlns='' a='1'/><z xmlns:p='v' p:a=''/></x></m>"},
		{"quotes", `<x a='"' b="'" c=''>"'</x></m>`},
		{"references", "<x a='&amp;' b='&#65;'>&lt;&gt;</x></m>"},
		{"beyond ASCII", "<x a='é' b='€'>né</x><é/></m>"},
		{"space", "<x  a = 'b'\n>\t</x ></m >"},
		{"section", "<![CDATA[<]]>]]<x/></m>"},
		{"names", "<X1 _a='' b.c='' D=''/><p:x xmlns:p='u'/></m>"},
		{"twice", "<x ab='1' c='2' ab='3'/></m>"},
		{"namespace twice", "<x xmlns='u' xmlns='u'/></m>"},
		{"no value", "<x a/></m>"},
		{"no quote", "<x a=b/></m>"},
		{"no quote but a reference", "<x a=&amp;&/></m>"},
		{"markup in a value", "<x a='<'/></m>"},
		{"control in a value", "<x a='\x01'/></m>"},
		{"control in text", "<x>\x01</x></m>"},
		{"no UTF-8", "<x a='\xff'/></m>"},
		{"end of a section", "<x>]]></x></m>"},
		{"no name", "<-x/></m>"},
		{"no name of an attribute", "<x -a=''/></m>"},
		{"nameless", "<x =''/></m>"},
		{"no space", "<x a=''b=''/></m>"},
		{"slash", "<x a=''/ ></m>"},
		{"closing tag of another", "<x></y></m>"},
		{"reserved namespace", "<x xmlns='http://www.w3.org/2000/xmlns/'/></m>"},
		{"namespace of xml", "<x xmlns='http://www.w3.org/XML/1998/namespace'/></m>"},
		{"no end", "<x a='b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := parser.NewScanner()
			for at := parser.Window - longest; at < parser.Window; at++ {
				b := []byte(hdr + "<m id='1'>" + strings.Repeat("t", at) + c.in + behind)
				want := trace(sc, nil, bytewise(b), b)
				if got := trace(sc, nil, whole(b), b); got != want {
					t.Fatalf("behind %d bytes\n in windows %s\nbyte by byte %s", at, got, want)
				}
			}
		})
	}
}

// Limits hold in plain tags, too, to the last one that is allowed.
func TestPlainLimits(t *testing.T) {
	limits := &parser.Limits{Depth: 4, Attributes: 3, Bindings: 5}
	attrs := func(n int) (s string) {
		for i := range n {
			s += fmt.Sprintf(" %c='v'", 'a'+i)
		}
		return s
	}
	declared := func(n int) string {
		return strings.Repeat("<a xmlns='u'>", n) + strings.Repeat("</a>", n)
	}
	for _, c := range []struct {
		name, most, tooMuch string
	}{
		{"depth", strings.Repeat("<a>", 4) + strings.Repeat("</a>", 4), strings.Repeat("<a>", 5)},
		{"attributes", "<a" + attrs(3) + "/>", "<a" + attrs(4) + "/>"},
		{"attributes and a declaration", "<a" + attrs(2) + " xmlns='u'/>", "<a" + attrs(3) + " xmlns='u'/>"},
		{"a declaration and attributes", "<a xmlns='u'" + attrs(2) + "/>", "<a xmlns='u'" + attrs(3) + "/>"},
		{"bindings", declared(3), "<a xmlns='u'>" + strings.Repeat("<a xmlns='u'>", 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plainly(t, limits, hdr+c.most); strings.Contains(got, "ERROR") || !strings.Contains(got, "Stanza") {
				t.Errorf("%s: %s", c.most, got)
			}
			if got := plainly(t, limits, hdr+c.tooMuch); !strings.Contains(got, "ERROR "+parser.ConditionPolicyViolation) {
				t.Errorf("%s: %s", c.tooMuch, got)
			}
		})
	}
	for size := 50; size <= 64; size++ { // a limit within what a plain name may have
		for _, in := range []string{"<%s/>", "<a %s=''/>"} {
			for _, names := range []int{size - 1, size, size + 1} {
				plainly(t, &parser.Limits{NameBytes: size}, hdr+fmt.Sprintf(in, strings.Repeat("n", names)))
			}
		}
	}
}
