package stanza_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/parser/corpus"
	"github.com/xylem-im/xylem/stanza"
)

const accept = stanza.NSAccept

func TestAppendTo(t *testing.T) {
	for name, c := range map[string]struct{ st, want string }{
		"nothing declared": {"<message to='a'><body>x</body></message>", "<message to='a'><body>x</body></message>"},
		"child": {"<message><body xmlns='jabber:client'>x</body></message>",
			"<message><body xmlns='" + accept + "'>x</body></message>"},
		"stanza itself": {`<message xmlns="jabber:client" to='a'><body/></message>`,
			`<message xmlns="` + accept + `" to='a'><body/></message>`},
		"by a prefix": {"<c:message xmlns:c='jabber:client' xmlns='urn:x'><c:body/><y/></c:message>",
			"<c:message xmlns:c='" + accept + "' xmlns='urn:x'><c:body/><y/></c:message>"},
		"forwarded stanza stays": {"<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></forwarded></message>",
			"<message><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></forwarded></message>"},
		"other attribute": {"<message><x ns='jabber:client' xmlnsx='jabber:client'/></message>",
			"<message><x ns='jabber:client' xmlnsx='jabber:client'/></message>"},
		"text":       {"<message><body>xmlns='jabber:client'</body></message>", "<message><body>xmlns='jabber:client'</body></message>"},
		"CDATA":      {"<message><body><![CDATA[<a xmlns='jabber:client'>]]></body><b xmlns='jabber:client'/></message>", "<message><body><![CDATA[<a xmlns='jabber:client'>]]></body><b xmlns='" + accept + "'/></message>"},
		"> in value": {"<message a='>' xmlns = 'jabber:client' ><b x=\"/>\" xmlns='jabber:client' /></message >", "<message a='>' xmlns = '" + accept + "' ><b x=\"/>\" xmlns='" + accept + "' /></message >"},
		"empty":      {"<presence xmlns='jabber:client'/>", "<presence xmlns='" + accept + "'/>"},
		"level after empty and closed": {"<iq><a><b/></a><c xmlns='jabber:client'/><d><e xmlns='jabber:client'/></d></iq>",
			"<iq><a><b/></a><c xmlns='" + accept + "'/><d><e xmlns='jabber:client'/></d></iq>"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(stanza.AppendTo(nil, []byte(c.st), accept)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if !strings.Contains(c.st, "client") && stanza.DeclaresClient([]byte(c.st)) {
				t.Error("DeclaresClient is true")
			}
		})
	}
}

func TestAppendFrom(t *testing.T) {
	for st, want := range map[string]string{
		"<message xmlns='" + accept + "'><body/></message>":                                                                "<message xmlns='jabber:client'><body/></message>",
		"<message><x xmlns='urn:x'><message xmlns='" + accept + "'><body xmlns='" + accept + "'/></message></x></message>": "<message><x xmlns='urn:x'><message xmlns='jabber:client'><body xmlns='jabber:client'/></message></x></message>",
		"<a:iq xmlns:a='" + accept + "'/>":                                                                                 "<a:iq xmlns:a='jabber:client'/>",
		"<message><body>" + accept + "</body></message>":                                                                   "<message><body>" + accept + "</body></message>",
	} {
		if got := string(stanza.AppendFrom(nil, []byte(st), accept)); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

// Nothing but the namespace changes: the parser finds the same names, attributes
// and texts.
func FuzzAppendFrom(f *testing.F) {
	for _, st := range corpus.Templates() {
		f.Add(st)
	}
	f.Add("<message xmlns='" + accept + "'><a:b xmlns:a=\"" + accept + "\" a:c='>'/><x><![CDATA[<x]]></x></message>")
	f.Fuzz(func(t *testing.T, raw string) {
		before, ok := walkOn(accept, raw)
		if !ok {
			return
		}
		out := string(stanza.AppendFrom(nil, []byte(raw), accept))
		after, ok := walkOn(stanza.NSClient, out)
		if !ok {
			t.Fatalf("%q became %q, which is no stanza", raw, out)
		}
		for _, list := range [][]string{before, after} {
			for i := range list {
				list[i] = strings.ReplaceAll(list[i], accept, stanza.NSClient)
			}
		}
		if !slices.Equal(before, after) {
			t.Errorf("%q became %q:\n%q\n%q", raw, out, before, after)
		}
	})
}

// walkOn lists what the parser finds in one stanza on a stream of namespace ns.
func walkOn(ns, raw string) (list []string, ok bool) {
	sc, st := parser.NewScanner(), parser.Stream{}
	if _, _, err := sc.Next(&st, []byte("<stream:stream xmlns='"+ns+"' xmlns:stream='"+stanza.NSStream+"'>")); err != nil {
		return nil, false
	}
	f, n, err := sc.Next(&st, []byte(raw))
	if err != nil || f == nil || n != len(raw) || f.Kind() != parser.Stanza {
		return nil, false
	}
	walk(f.Element(), &list)
	return list, true
}

// What every stanza to a component costs, and what those cost that declare their
// namespace.
func BenchmarkAppendTo(b *testing.B) {
	raw := []byte(corpus.Templates()[0])
	for name, in := range map[string][]byte{"usual": raw, "declared": bytes.Replace(raw, []byte(" "), []byte(" xmlns='jabber:client' "), 1)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			var dst []byte
			for b.Loop() {
				if stanza.DeclaresClient(in) {
					dst = stanza.AppendTo(dst[:0], in, accept)
				}
			}
		})
	}
}
