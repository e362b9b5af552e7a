package parser_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
)

// "the following features of XML are prohibited in XMPP: comments; processing
// instructions; internal or external DTD subsets; internal or external entity
// references with the exception of the predefined entities": the stream is
// closed with restricted-xml. CDATA sections are not among them.
func TestRFC6120_11_1_ProhibitedFeatures(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"<!-- comment -->", "ERROR restricted-xml"},
		{"<?target data?>", "ERROR restricted-xml"},
		{"<!DOCTYPE a [<!ENTITY b 'c'>]>", "ERROR restricted-xml"},
		{"&b;", "ERROR restricted-xml"},
		{"&lt;&gt;&amp;&apos;&quot;", "Stanza"},
		{"<![CDATA[<!-- no comment --> &b;]]>", "Stanza"},
	} {
		got := everyCut(t, nil, hdr+"<a>"+c.in+"</a>")
		if _, last, _ := strings.Cut(got, "\n"); !strings.HasPrefix(last, c.want) {
			t.Errorf("%s: got %s", c.in, last)
		}
	}
}

// "MUST NOT accept data that is not XML-well-formed", nor "that is not
// namespace-well-formed": both are not-well-formed, whose definition in §4.9.3.13
// names XML and XML-NAMES.
func TestRFC6120_11_3_WellFormedness(t *testing.T) {
	for _, in := range []string{"<a><b></a></b>", "<a><p:b/></a>"} {
		if got := everyCut(t, nil, hdr+in); !strings.Contains(got, "ERROR "+parser.ConditionNotWellFormed) {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

// "support all and only the UTF-8 encoding"; a violation of the rules of UTF-8 is
// unsupported-encoding (§4.9.3.22), like the declaration of another encoding.
func TestRFC6120_11_6_OnlyUTF8(t *testing.T) {
	for _, in := range []string{
		"<?xml version='1.0' encoding='ISO-8859-1'?>" + hdr,
		"\xFF\xFE<\x00",
		hdr + "<a>\xE4</a>",
	} {
		if got := everyCut(t, nil, in); !strings.Contains(got, "ERROR "+parser.ConditionUnsupportedEncoding) {
			t.Errorf("%q: got %s", in, got)
		}
	}
}

// "either entity MAY send whitespace as separators between XML stanzas": it is
// consumed at once, so that a keepalive leaves nothing in the buffer.
func TestRFC6120_11_7_Whitespace(t *testing.T) {
	sc := parser.NewScanner()
	st := opened(t, sc)
	for _, in := range []string{" ", "\r\n", "\t\t   "} {
		if f, n, err := sc.Next(st, []byte(in)); f != nil || n != len(in) || err != nil || st.Partial() {
			t.Errorf("%q: %v, %d, %v", in, f, n, err)
		}
	}
}
