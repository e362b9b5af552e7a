package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
)

// An <a/> means the same however it is written and wherever it is split, whether it is
// read by the short way or by the scanner.
func TestSpellingsOfAck(t *testing.T) {
	const good, bad = "5", "" // what of 6 stanzas is left; an <a/> that ends the stream
	for _, c := range []struct{ xml, left string }{
		{"<a xmlns='urn:xmpp:sm:3' h='1'/>", good},
		{`<a xmlns="urn:xmpp:sm:3" h="1"/>`, good},
		{`<a xmlns="urn:xmpp:sm:3" h='1'/>`, good},
		{"<a xmlns='urn:xmpp:sm:3' h='1' />", good},
		{"<a xmlns='urn:xmpp:sm:3' h='0000000001'/>", good},
		{"<a xmlns='urn:xmpp:sm:3' h='00000000001'/>", good},
		{"<a h='1' xmlns='urn:xmpp:sm:3'/>", good},
		{"<a  xmlns='urn:xmpp:sm:3'  h='1'/>", good},
		{"<a xmlns='urn:xmpp:sm:3' h='1'></a>", good},
		{"<a xmlns='urn:xmpp:sm:3' h='&#49;'/>", bad}, // as ever: no number as written
		{"<a xmlns='urn:xmpp:sm:3' h='1' x='y'/>", good},
		{"<s:a xmlns:s='urn:xmpp:sm:3' h='1'/>", good},
		{"<a xmlns='urn:xmpp:sm:3' h='7'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h='9999999999'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h=''/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h='1'h='1'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h=\"1'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h='1\"/>", bad},
		{"<a xmlns='urn:xmpp:sm:3\" h='1'/>", bad},
		{"<a xmlns='urn:xmpp:sm:3' h='1'/ >", bad},
		{"<a xmlns='urn:xmpp:sm:4' h='1'/>", bad},
		{"<ab xmlns='urn:xmpp:sm:3' h='1'/>", bad},
	} {
		for split := range len(c.xml) {
			cfg := managing()
			cfg.Management.AskStanzas = 100
			p := boundTo(t, cfg, "<enable"+sm+"/>")
			for range 6 {
				p.give(message, session.Alone)
			}
			p.feed(c.xml[:split])
			p.feed(c.xml[split:] + "<presence/><r" + sm + "/>")
			left := ""
			if !p.closed {
				left = fmt.Sprint(len(p.unacked()))
			}
			if left != c.left {
				t.Fatalf("%s, split at %d: %q are left, want %q; closed: %v", c.xml, split, left, c.left, p.reason)
			}
			if left == good && !strings.HasSuffix(p.sent, "<a"+sm+" h='1'/>") { // it goes on behind it
				t.Fatalf("%s, split at %d: got %s", c.xml, split, p.sent)
			}
		}
	}
}

// So does an <r/>.
func TestSpellingsOfRequest(t *testing.T) {
	for _, xml := range []string{
		"<r xmlns='urn:xmpp:sm:3'/>", `<r xmlns="urn:xmpp:sm:3"/>`, "<r xmlns='urn:xmpp:sm:3' />", "<r  xmlns='urn:xmpp:sm:3'/>",
		"<r xmlns='urn:xmpp:sm:3'></r>", "<r xmlns='urn:xmpp:sm:3' x='y'/>", "<s:r xmlns:s='urn:xmpp:sm:3'/>",
	} {
		for split := range len(xml) {
			p := boundTo(t, managing(), "<enable"+sm+"/>")
			p.sent = ""
			p.feed("<presence/>" + xml[:split])
			p.feed(xml[split:] + "<presence/><r" + sm + "/>")
			if want := "<a" + sm + " h='1'/><a" + sm + " h='2'/>"; p.sent != want || p.closed {
				t.Fatalf("%s, split at %d: got %s, want %s; closed: %v", xml, split, p.sent, want, p.reason)
			}
		}
	}
}

// Nothing of a stanza is taken for an <a/> of the stream.
func TestAckInsideAStanza(t *testing.T) {
	const first, second = "<message><x>", "<a xmlns='urn:xmpp:sm:3' h='1'/></x></message>"
	p := boundTo(t, managing(), "<enable"+sm+"/>")
	p.give(message, session.Alone)
	p.feed(first)
	p.feed(second)
	if n := len(p.unacked()); n != 1 || p.closed {
		t.Fatalf("%d are unacknowledged, want 1; closed: %v", n, p.reason)
	}
}
