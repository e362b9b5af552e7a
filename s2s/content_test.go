package s2s_test

import (
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// names is the expanded names of a stanza as it reads on a stream of content,
// deep ones included.
func names(t *testing.T, content, st string) string {
	t.Helper()
	var stream parser.Stream
	sc := parser.NewScanner()
	if _, _, err := sc.Next(&stream, []byte("<stream:stream xmlns='"+content+"' xmlns:stream='http://etherx.jabber.org/streams'>")); err != nil {
		t.Fatal(err)
	}
	f, n, err := sc.Next(&stream, []byte(st))
	if err != nil || f == nil || n != len(st) {
		t.Fatalf("%s: %v", st, err)
	}
	var b strings.Builder
	var walk func(e parser.Element)
	walk = func(e parser.Element) {
		b.WriteString("{" + strings.TrimPrefix(string(e.Namespace()), "jabber:") + "}" + string(e.Local()))
		for c := range e.Children() {
			b.WriteByte('(')
			walk(c)
			b.WriteByte(')')
		}
	}
	walk(f.Element())
	return b.String()
}

// A stanza and its children change to the other content namespace however it is
// written; what lies deeper is the payload's.
func TestStreamNamespaces(t *testing.T) {
	const addresses = " from='u@a.example/r' to='v@b.example'"
	for _, x := range []struct{ name, sent, server string }{
		{"nothing said", "<message" + addresses + "><body>x</body></message>", "{server}message({server}body)"},
		{"on the child", "<message" + addresses + "><body xmlns='jabber:client'>x</body></message>", "{server}message({server}body)"},
		{"on the child, double quotes", "<message" + addresses + "><body  xml:lang = 'en' xmlns = \"jabber:client\" >x</body></message>", "{server}message({server}body)"},
		{"by a prefix of the child", "<message" + addresses + "><c:body xmlns:c='jabber:client'>x</c:body></message>", "{server}message({server}body)"},
		{"by a prefix of the stanza", "<c:message xmlns:c='jabber:client' xmlns='urn:x'" + addresses + "><c:body>x</c:body><y/></c:message>", "{server}message({server}body)({urn:x}y)"},
		{"a payload", "<iq type='get' id='1'" + addresses + "><query xmlns='jabber:iq:roster'><item xmlns='jabber:client'/></query></iq>", "{server}iq({iq:roster}query({client}item))"},
		{"forwarded", "<message" + addresses + "><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>y</body></message></forwarded></message>",
			"{server}message({urn:xmpp:forward:0}forwarded({client}message({client}body)))"},
		{"a prefix for what lies deep", "<message" + addresses + "><f xmlns='urn:f' xmlns:c='jabber:client'><c:message/></f></message>", "{server}message({urn:f}f({client}message))"},
		{"in the text only", "<message" + addresses + "><body>jabber:client and jabber:server</body></message>", "{server}message({server}body)"},
		{"in an attribute", "<message" + addresses + " id='jabber:client'><x xmlns='urn:x' y='jabber:client'/></message>", "{server}message({urn:x}x)"},
		{"a CDATA section", "<message" + addresses + "><body><![CDATA[<x xmlns='jabber:client'/>]]></body></message>", "{server}message({server}body)"},
		{"two attributes that would become one", "<message" + addresses + "><c:x xmlns:c='jabber:client' xmlns:s='jabber:server' c:y='' s:y=''/></message>", "{server}message({client}x)"},
		{"an error", "<message type='error'" + addresses + "><error xmlns='jabber:client' type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
			"{server}message({server}error({urn:ietf:params:xml:ns:xmpp-stanzas}gone))"},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := newTalk(t, []string{"a.example"}, []string{"b.example"}, unmanaged)
			k.open(false)
			before := len(k.a.wire)
			if !k.deliver(k.a, "a.example", "b.example", x.sent) {
				t.Fatal("not taken")
			}
			wire := string(k.a.wire[before:])
			if got := names(t, stanza.NSServer, wire); got != x.server {
				t.Errorf("between servers: %s\nis %s\nwant %s", wire, got, x.server)
			}
			if strings.ReplaceAll(wire, "jabber:server", "jabber:client") != strings.ReplaceAll(x.sent, "jabber:server", "jabber:client") {
				t.Errorf("more was changed: %s", wire)
			}
			if len(k.b.stanzas) != 1 {
				t.Fatalf("b got %q", k.b.stanzas)
			}
			_, received, _ := strings.Cut(k.b.stanzas[0], " ")
			if got, want := names(t, stanza.NSClient, received), names(t, stanza.NSClient, x.sent); got != want {
				t.Errorf("on arrival: %s\nis %s\nwant %s", received, got, want)
			}
		})
	}
}

// Streams may declare what they like in their headers.
func TestStreamHeaderPrefixes(t *testing.T) {
	b := theirs(t, true, []string{"a.example"})
	odd := "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns:x='jabber:server' xmlns='jabber:server' xmlns:d='jabber:server:dialback' xmlns:p='urn:p' " +
		"from='a.example' to='b.example' version='1.0' xml:lang='de'>"
	b.says(odd + external + odd + "<x:message from='u@a.example' to='v@b.example'><x:body>x</x:body><p:y/></x:message>" +
		"<message xmlns='jabber:server' from='u@a.example' to='v@b.example'><body>x</body></message>")
	if len(b.stanzas) != 2 || b.Lang() != "de" {
		t.Fatalf("got %q in %q, sent %s", b.stanzas, b.Lang(), b.wire)
	}
	for i, want := range []string{"{client}message({client}body)({urn:p}y)", "{client}message({client}body)"} {
		_, st, _ := strings.Cut(b.stanzas[i], " ")
		if got := names(t, stanza.NSClient, st); got != want {
			t.Errorf("%s\nis %s\nwant %s", st, got, want)
		}
	}
}

// In the steady state a stanza costs no allocation, in either direction, with
// and without stream management.
func TestStreamAllocations(t *testing.T) {
	for _, change := range []func(*s2s.Config){func(*s2s.Config) {}, unmanaged} {
		k := newTalk(t, []string{"a.example"}, []string{"b.example"}, change, func(c *s2s.Config) { c.UnackedStanzas, c.UnackedBytes = 1<<20, 1<<30 })
		k.open(false)
		for range 200 { // the queue of stream management has grown
			k.deliver(k.a, "a.example", "b.example", message)
		}
		st, pair, buf := []byte(message), s2s.Pair{Local: "a.example", Remote: "b.example"}, make([]byte, 0, 1<<16)
		if n := testing.AllocsPerRun(100, func() {
			k.b.out.Reset(buf)
			if k.b.Feed(k.now, st, &k.b.out); !k.b.out.HasStanza {
				t.Fatal("no stanza")
			}
		}); n > 0 {
			t.Errorf("received: %v allocations", n)
		}
		if n := testing.AllocsPerRun(100, func() {
			k.a.out.Reset(buf)
			if !k.a.Deliver(k.now, pair, st, s2s.Receipt{}, &k.a.out) {
				t.Fatal("not taken")
			}
		}); n > 0.5 {
			t.Errorf("delivered: %v allocations", n)
		}
	}
}
