package stanza_test

import (
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/stanza"
)

func TestStanzaIDBy(t *testing.T) {
	for _, c := range []struct {
		name, children, id string
		any, ok            bool
	}{
		{name: "none", children: "<body>x</body>"},
		{name: "by another", children: "<stanza-id xmlns='urn:xmpp:sid:0' by='c@d' id='1'/>", any: true},
		{name: "by nobody", children: "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>", any: true},
		{name: "second", children: "<body/><stanza-id xmlns='urn:xmpp:sid:0' by='c@d' id='1'/><stanza-id xmlns='urn:xmpp:sid:0' by='a@&#98;' id='2'/>",
			id: "2", any: true, ok: true},
		{name: "of another namespace", children: "<stanza-id xmlns='urn:x' by='a@b' id='1'/>"},
		{name: "an origin's", children: "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>"},
		{name: "further down", children: "<x><stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/></x>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame(t, usual, "<message>"+c.children+"</message>", func(v *stanza.View) {
				id, ok := v.StanzaIDBy("a@b")
				if string(id) != c.id || ok != c.ok || v.HasStanzaID() != c.any {
					t.Errorf("got %q, %t, %t", id, ok, v.HasStanzaID())
				}
			})
		})
	}
}

func TestAppendIdentified(t *testing.T) {
	for st, want := range map[string]string{
		"<message/>":                           "<message><stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/></message>",
		"<c:message xmlns:c='d'>x</c:message>": "<c:message xmlns:c='d'>x<stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/></c:message>",
	} {
		if got := string(stanza.AppendIdentified(nil, []byte(st), "a@b", "1")); got != want {
			t.Errorf("%s: got %s", st, got)
		}
		for _, room := range []int{0, 1000} { // in place, or moved
			b := append(make([]byte, 0, 2+len(st)+room), "--"+st...)
			if got := string(stanza.AppendIdentified(b[:2], b[2:], "a@b", "1")); got != "--"+want {
				t.Errorf("%s, in place: got %s", st, got)
			}
		}
	}
}

// What every message costs: the look for ids that may be forged, beside the
// rendering.
func BenchmarkHasStanzaID(b *testing.B) {
	const st = `<message to='bob@example.org/phone' type='chat' id='5f3dbc5e'><body>Wherefore art thou, Romeo?</body>` +
		`<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>`
	frame(b, usual, st, func(v *stanza.View) {
		b.Run("look", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v.HasStanzaID() {
					b.Fatal("there is none")
				}
			}
		})
		var dst []byte
		for name, fw := range map[string]stanza.Forward{
			"forward":      {From: "alice@example.org/desk"},
			"forward+id":   {From: "alice@example.org/desk", By: "bob@example.org", ID: "3SaQnRcTRtZDYPWE_BXLmQ"},
			"forward+drop": {From: "alice@example.org/desk", Drop: func(e parser.Element) bool { return stanza.IsStanzaID(e) }},
		} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					dst = stanza.AppendForward(dst[:0], v, &fw)
				}
			})
		}
	})
}
