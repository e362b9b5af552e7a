package xep_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/xep"
)

// payload is the first child of the one stanza in a stream with this content.
func payload(t *testing.T, xml string) parser.Element {
	t.Helper()
	in := []byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:o='urn:outer'>" + xml)
	sc, st := parser.NewScanner(), &parser.Stream{}
	limits := parser.Limits{}.WithDefaults()
	st.Reset(&limits)
	for len(in) > 0 {
		f, n, err := sc.Next(st, in)
		if err != nil {
			t.Fatal(err)
		}
		in = in[n:]
		if f != nil && f.Kind() == parser.Stanza {
			w := f.Element().Walk()
			if !w.Next() {
				t.Fatal("no child")
			}
			return w.Element()
		}
	}
	t.Fatal("no stanza")
	return parser.Element{}
}

func TestAppendElement(t *testing.T) {
	for _, c := range []struct{ name, stanza, want string }{
		{"empty", `<iq><x xmlns="urn:x"/></iq>`, `<x xmlns='urn:x'/>`},
		{"declared by the stanza", `<iq xmlns:p="urn:p"><p:x><p:y/></p:x></iq>`, `<x xmlns='urn:p'><y/></x>`},
		{"declared by the stream", `<iq><o:x a="1"/></iq>`, `<x xmlns='urn:outer' a="1"/>`},
		{"content namespace", `<iq><x><y/></x></iq>`, `<x xmlns='jabber:client'><y/></x>`},
		{"no namespace inside", `<iq><x xmlns="urn:x"><y xmlns=""><z/></y></x></iq>`, `<x xmlns='urn:x'><y xmlns=''><z/></y></x>`},
		{"to and fro", `<iq><x xmlns="urn:x"><o:y><x xmlns="urn:x"/></o:y></x></iq>`, `<x xmlns='urn:x'><y xmlns='urn:outer'><x xmlns='urn:x'/></y></x>`},
		{"attributes", `<iq><x xmlns="urn:x" o:a='"' xml:lang="de" o:b="2" c="3"/></iq>`,
			`<x xmlns='urn:x' xmlns:a0='urn:outer' a0:a='"' xml:lang="de" xmlns:a1='urn:outer' a1:b="2" c="3"/>`},
		{"text", `<iq><x xmlns="urn:x">a &amp; <![CDATA[<y>]]> b<y/> c <z>d</z> &lt;</x></iq>`,
			`<x xmlns='urn:x'>a &amp; <![CDATA[<y>]]> b<y/> c <z>d</z> &lt;</x>`},
		{"escaped namespace", `<iq><x xmlns="urn:&quot;&lt;"/></iq>`, `<x xmlns='urn:&quot;&lt;'/>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := xep.AppendElement([]byte("-"), payload(t, c.stanza), len(c.want))
			if !ok || string(got) != "-"+c.want {
				t.Errorf("got  %s %v\nwant -%s", got, ok, c.want)
			}
			if _, ok := xep.AppendElement(nil, payload(t, c.stanza), len(c.want)-1); ok {
				t.Error("a limit one byte below the result was not held")
			}
		})
	}
}

// A short element that would become long costs what the limit says.
func TestAppendElementStopsAtItsLimit(t *testing.T) {
	long := "urn:" + strings.Repeat("n", 4000)
	e := payload(t, `<iq xmlns:p="`+long+`"><x xmlns="urn:x">`+strings.Repeat("<p:y/>", 10_000)+`</x></iq>`)
	b, ok := xep.AppendElement(nil, e, 10_000)
	if ok || len(b) > 20_000 {
		t.Errorf("ok %v after %d bytes", ok, len(b))
	}
}
