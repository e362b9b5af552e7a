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
		"by a prefix of the child": {"<message><c:body xmlns:c='jabber:client'/></message>",
			"<message><c:body xmlns:c='" + accept + "'/></message>"},
		"child without a prefix in a stanza with one": {"<c:message xmlns:c='jabber:client' xmlns='jabber:client'><body/></c:message>",
			"<c:message xmlns:c='" + accept + "' xmlns='" + accept + "'><body/></c:message>"},
		"a prefix that only the child uses": {"<message xmlns:c='jabber:client' xmlns:d='jabber:client'><c:body/><c:x xmlns:c='urn:x'><d:y/></c:x></message>",
			"<message xmlns:c='" + accept + "' xmlns:d='jabber:client'><c:body/><c:x xmlns:c='urn:x'><d:y/></c:x></message>"},
		"a prefix for what lies deep": {"<message xmlns:c='jabber:client'><x xmlns='urn:x' xmlns:d='jabber:client'><c:y/><d:y/></x></message>",
			"<message xmlns:c='jabber:client'><x xmlns='urn:x' xmlns:d='jabber:client'><c:y/><d:y/></x></message>"},
		"two attributes would become one": {"<message><c:x xmlns:c='jabber:client' xmlns:a='" + accept + "' c:y='' a:y=''/></message>",
			"<message><c:x xmlns:c='jabber:client' xmlns:a='" + accept + "' c:y='' a:y=''/></message>"},
		"two attributes would become one, in other words": {"<message><c:x xmlns:c='jabber:client' xmlns:a='jabber&#58;component:accept' c:y='' a:y=''/></message>",
			"<message><c:x xmlns:c='jabber:client' xmlns:a='jabber&#58;component:accept' c:y='' a:y=''/></message>"},
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

// client reads st on a stream of ns, as it came and as a Translation has it.
func client(ns, st string) (before, after *parser.Frame, ok bool) {
	open := func() (*parser.Scanner, *parser.Stream) {
		sc, stream := parser.NewScanner(), &parser.Stream{}
		if _, _, err := sc.Next(stream, []byte("<stream:stream xmlns='"+ns+"' xmlns:stream='"+stanza.NSStream+"'>")); err != nil {
			panic(err)
		}
		return sc, stream
	}
	sc, stream := open()
	before, n, err := sc.Next(stream, []byte(st))
	if err != nil || before == nil || n != len(st) || before.Kind() != parser.Stanza {
		return nil, nil, false
	}
	sc, stream = open()
	stream.Rename(ns, stanza.NSClient)
	f, _, err := sc.Next(stream, []byte(st))
	if err != nil { // a name that is unique in ns is not in jabber:client
		return nil, nil, false
	}
	var t stanza.Translation
	return before, t.Client(f, ns, sc, stream), true
}

func TestTranslation(t *testing.T) {
	const server = stanza.NSServer
	for st, want := range map[string]string{
		"<message xmlns='" + accept + "'><body/></message>":                                                                "<message xmlns='jabber:client'><body/></message>",
		"<message><x xmlns='urn:x'><message xmlns='" + accept + "'><body xmlns='" + accept + "'/></message></x></message>": "<message><x xmlns='urn:x'><message xmlns='jabber:client'><body xmlns='jabber:client'/></message></x></message>",
		"<a:iq xmlns:a='" + accept + "'/>":                                                                                 "<a:iq xmlns:a='jabber:client'/>",
		"<message><body>" + accept + "</body></message>":                                                                   "<message><body>" + accept + "</body></message>",
		"<message xmlns='" + server + "'><body xmlns='" + server + "'/></message>":                                         "<message xmlns='jabber:client'><body xmlns='jabber:client'/></message>",
		"<message><x xmlns='urn:x'><message xmlns='" + server + "'/></x></message>":                                        "<message><x xmlns='urn:x'><message xmlns='" + server + "'/></x></message>",
		"<message><s:x xmlns:s='" + server + "' xmlns:c='jabber:client' s:a='' c:a=''/></message>":                         "<message><s:x xmlns:s='" + server + "' xmlns:c='jabber:client' s:a='' c:a=''/></message>",
	} {
		ns := server
		if strings.Contains(st, accept) {
			ns = accept
		}
		_, f, ok := client(ns, st)
		if !ok || string(f.Raw()) != want {
			t.Errorf("\n got %s\nwant %s", f.Raw(), want)
		}
	}
}

// Nothing but the namespace changes, in either direction: the parser finds the
// same names, attributes and texts.
func FuzzContentNamespace(f *testing.F) {
	for _, st := range corpus.Templates() {
		f.Add(st)
	}
	for _, ns := range []string{accept, stanza.NSClient} {
		f.Add("<message xmlns='" + ns + "'><a:b xmlns:a=\"" + ns + "\" a:c='>'/><x><![CDATA[<x]]></x></message>")
		f.Add("<a:message xmlns:a='" + ns + "' xmlns='urn:x'><a:b/><c/><d xmlns:a='urn:y'><a:e/></d></a:message>")
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if len(raw) > 100_000 { // far from the parser's limit also when it has grown
			return
		}
		if before, after, ok := client(accept, raw); ok {
			sameButFor(t, raw, before, after)
		}
		before, _, ok := client(stanza.NSClient, raw)
		if !ok {
			return
		}
		out := string(stanza.AppendTo(nil, []byte(raw), accept))
		after, _, ok := client(accept, out)
		if !ok {
			t.Fatalf("%q became %q, which is no stanza", raw, out)
		}
		sameButFor(t, raw, before, after)
	})
}

// sameButFor holds two frames against each other, of which one may have
// jabber:client where the other has the namespace of components.
func sameButFor(t *testing.T, raw string, before, after *parser.Frame) {
	t.Helper()
	var lists [2][]string
	for i, f := range []*parser.Frame{before, after} {
		walk(f.Element(), &lists[i])
		for j := range lists[i] {
			lists[i][j] = strings.ReplaceAll(lists[i][j], accept, stanza.NSClient)
		}
	}
	if !slices.Equal(lists[0], lists[1]) {
		t.Errorf("%q became %q:\n%q\n%q", raw, after.Raw(), lists[0], lists[1])
	}
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
