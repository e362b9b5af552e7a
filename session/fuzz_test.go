package session_test

import (
	"encoding/base64"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

// FuzzSASL2 feeds what follows the stream header of a stream inside TLS, of somebody
// who knows no password and no token. Whatever it is: no panic, nobody is let in,
// nothing is bound, resumed or stored, what is answered is well formed, and cutting
// the input anywhere changes nothing.
func FuzzSASL2(f *testing.F) {
	for _, in := range []string{
		authenticate2("alice", "guess", userAgent+bind2("<tag>x</tag><enable"+sm+" resume='1'/>")+wantNone),
		authenticate2("nobody", "guess", "<resume"+sm+" previd='x' h='1'/>"+bind2("")),
		"<authenticate" + ns2 + " mechanism='HT-SHA-256-NONE'><initial-response>" + base64.StdEncoding.EncodeToString(append([]byte("alice\x00"), make([]byte, 32)...)) +
			"</initial-response>" + userAgent + "<fast" + nsFAST + " count='1' invalidate='true'/></authenticate>",
		"<authenticate" + ns2 + " mechanism='SCRAM-SHA-1'>" + wantUpgrade(sasl.SCRAMSHA1) + "<initial-response>biwsbj11c2VyLHI9YWJj</initial-response></authenticate><response" + ns2 + ">YmFy</response>",
		"<authenticate" + ns2 + " mechanism='PLAIN'/><abort" + ns2 + "/>", "<next" + ns2 + " task='x'/><task-data" + ns2 + "/>",
		"<authenticate" + ns2 + " mechanism='PLAIN'><initial-response>\n AA==\t</initial-response><x:y xmlns:x='a'/></authenticate>",
		plain("alice", "guess"),
	} {
		f.Add(in, uint16(len(in)/2))
	}
	f.Fuzz(func(t *testing.T, in string, cut uint16) {
		whole := fuzzed(t, in, len(in))
		if parts := fuzzed(t, in, int(cut)); parts != whole {
			t.Fatalf("in one piece:\n%s\ncut at %d:\n%s", whole, cut, parts)
		}
	})
}

// fuzzed feeds in, cut into two, and returns what was answered.
func fuzzed(t *testing.T, in string, cut int) string {
	cfg := withTokens()
	cfg.Upgrades, cfg.ScramIterations, cfg.AuthAttempts = true, 10_000, 100
	p := newTokens().answer(secured(t, cfg))
	creds := sasl.Decoy([]byte("another secret of 16 bytes"), "alice", 10_000)
	p.answers[session.OpCredentials] = func(session.Op) session.Result { return session.Result{Credentials: &creds} }
	p.answers[session.OpVerify] = func(session.Op) session.Result { return session.Result{Credentials: &creds} }
	cut = min(cut, len(in))
	p.feed(in[:cut])
	p.feed(in[cut:])
	for _, op := range p.ops {
		switch op.Kind {
		case session.OpBind, session.OpResume, session.OpTokenPut, session.OpUpgrade:
			t.Fatalf("asked for %+v", op)
		}
	}
	if !p.JID().IsZero() || p.Bound() || len(p.stanzas) > 0 {
		t.Fatalf("let in as %s", p.JID())
	}
	end := "</stream:stream>"
	if p.closed {
		end = ""
	}
	d := xml.NewDecoder(strings.NewReader("<stream:stream xmlns='jabber:client' xmlns:stream='" + stanza.NSStream + "'>" + p.sent + end))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, p.sent)
		}
	}
	return challenges.ReplaceAllString(p.sent, "<challenge>") // nonces differ
}

var challenges = regexp.MustCompile("<challenge[^<]*")

// FuzzPlainManaged gives the same to those who read an <a/> and an <r/> without the
// scanner, and to the scanner: they find what it finds, of the same size and with the
// same h, or nothing.
func FuzzPlainManaged(f *testing.F) {
	for _, in := range []string{
		"<a xmlns='urn:xmpp:sm:3' h='1'/>", `<a xmlns="urn:xmpp:sm:3" h="2"/><r xmlns="urn:xmpp:sm:3"/>`, "<a xmlns='urn:xmpp:sm:3' h='7'/>",
		"<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", "<a xmlns='urn:xmpp:sm:3' h='0000000003'/>",
		"<a xmlns='urn:xmpp:sm:3' h='3'/><a xmlns='urn:xmpp:sm:3' h='2'/><r xmlns='urn:xmpp:sm:3'/>", "<a xmlns='urn:xmpp:sm:3' h='+1'/>",
		"<a xmlns='urn:xmpp:sm:3' h='1'h='1'/>", "<a xmlns='urn:xmpp:sm:3' h='1\"/>", "<a xmlns='urn:xmpp:sm:3\" h='1'/>", "<a xmlns='urn:xmpp:sm:3' h=''/>",
		"<a xmlns='urn:xmpp:sm:3'h='1'/>", "<a\txmlns='urn:xmpp:sm:3'\nh='1'\r/>", "<a xmlns='urn:xmpp:sm:3' h='1'  />", "<a xmlns='urn:xmpp:sm:3' h='1' / >",
		"<a xmlns='urn:xmpp:sm&#58;3' h='1'/>", "<a xmlns='urn:xmpp:sm:3' h='&#49;'/>", "<a xmlns='urn:xmpp:sm:3' h='1'/></stream:stream><r xmlns='urn:xmpp:sm:3'/>",
		"<message><a xmlns='urn:xmpp:sm:3' h='1'/></message>", "<message><body>", "<!-- --><r xmlns='urn:xmpp:sm:3'/>", "<?x?><r xmlns='urn:xmpp:sm:3'/>",
		"<![CDATA[<r xmlns='urn:xmpp:sm:3'/>]]>", "\ufeff<r xmlns='urn:xmpp:sm:3'/>", " <r xmlns='urn:xmpp:sm:3'/> ", "x<r xmlns='urn:xmpp:sm:3'/>",
		"<r xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'></r>", "<r xmlns='urn:xmpp:sm:3'>x</r>", "<r xmlns='urn:xmpp:sm:2'/>", "<r xmlns=''/>", "<r/>", "<a/>",
		"<c:r xmlns:c='urn:xmpp:sm:3'/>", "<r xmlns='jabber:client'/>", "<presence/><r xmlns='urn:xmpp:sm:3'/>", "<message to='@'/><r xmlns='urn:xmpp:sm:3' x='y'/>",
		"<inactive xmlns='urn:xmpp:csi:0'/><a xmlns='urn:xmpp:sm:3' h='1'/><active xmlns='urn:xmpp:csi:0'/>", "<enable xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/>",
	} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		h, n := session.PlainAck([]byte(in))
		if n > 0 {
			if frame := firstOf(t, in, n); string(frame.Local()) != "a" {
				t.Fatalf("%q is taken for an <a/>", in)
			} else if scanned, ok := session.HandledAttr(frame); !ok || scanned != h {
				t.Fatalf("h of %q is %d, %v for the scanner, and %d", in, scanned, ok, h)
			}
		}
		if n := session.PlainRequest([]byte(in)); n > 0 {
			if frame := firstOf(t, in, n); string(frame.Local()) != "r" {
				t.Fatalf("%q is taken for an <r/>", in)
			}
		}
	})
}

// firstOf is the element of stream management, of n bytes, that in begins with for the
// scanner.
func firstOf(t *testing.T, in string, n int) *parser.Frame {
	var stream parser.Stream
	stream.Reset(nil)
	scanner := parser.NewScanner()
	if _, _, err := scanner.Next(&stream, []byte(header)); err != nil {
		t.Fatal(err)
	}
	frame, size, err := scanner.Next(&stream, []byte(in))
	if err != nil || frame == nil || size != n || frame.Kind() != parser.Stanza || string(frame.Namespace()) != session.NSManage {
		t.Fatalf("%q has %d bytes; for the scanner %v, %d, %v", in, n, frame, size, err)
	}
	return frame
}
