package session_test

import (
	"encoding/base64"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

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
