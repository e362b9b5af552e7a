package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

func pinging() *session.Config {
	cfg := config()
	cfg.PingTime = 20 * second
	return cfg
}

// expectPing takes one ping.
func (p *peer) expectPing(t *testing.T) {
	t.Helper()
	start, rest := "<iq from='localhost' to='alice@localhost/r' id='", "' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
	if !strings.HasPrefix(p.sent, start) || !strings.HasSuffix(p.sent, rest) || strings.Count(p.sent, "<iq") != 1 {
		t.Fatalf("got %s, want a ping", p.sent)
	}
	p.sent = ""
}

func TestXEP0199_4_2_ServerToClientPing(t *testing.T) {
	p := bound(t, pinging())
	for _, answer := range []string{"<iq type='result' id='x' to='localhost'/>", " "} {
		p.tick(p.Deadline())
		p.expectPing(t)
		p.now += 19 * second
		p.feed(answer)
		p.tick(p.Deadline())
		p.expect(t, "")
		if want := p.now + 59*second; p.Deadline() != want {
			t.Fatalf("next look in %d s, want 59", (p.Deadline()-p.now)/second)
		}
	}
	p.tick(p.Deadline())
	p.expectPing(t)
	p.tick(p.now + 20*second - 1)
	p.expect(t, "")
	p.tick(p.Deadline())
	p.expectFailure(t, stanza.StreamConnectionTimeout)
}

// An answer counts even when the time for it is longer than the silence before.
func TestPingTimeAboveIdleTime(t *testing.T) {
	cfg := pinging()
	cfg.PingTime = 200 * second
	p := bound(t, cfg)
	p.tick(p.Deadline())
	p.expectPing(t)
	p.now += second
	p.feed(" ")
	p.tick(p.Deadline())
	p.expectPing(t)
}

// A client that is not read because its last stanza is still worked on is not
// silent.
func TestNoPingWhileTheSessionWaits(t *testing.T) {
	p := bound(t, pinging())
	p.tick(p.Deadline())
	p.expectPing(t)
	p.Wait()
	for range 3 {
		p.tick(p.Deadline())
		p.expect(t, "")
	}
}

func TestXEP0478_3_1_Limits(t *testing.T) {
	cfg := config()
	cfg.PreAuth, cfg.Bound = &parser.Limits{StanzaBytes: 20_000}, &parser.Limits{StanzaBytes: 300_000}
	cfg.IdleTime = 90*second + 1
	limits := "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>%d</max-bytes>%s</limits></stream:features>"
	p := newPeer(cfg)
	p.feed(header)
	if want := fmt.Sprintf(limits, 20_000, ""); !strings.HasSuffix(p.sent, want) {
		t.Errorf("before login %s", p.sent)
	}
	p = secured(t, cfg)
	p.feed(plain("alice", secret) + header)
	if want := fmt.Sprintf(limits, 300_000, "<idle-seconds>90</idle-seconds>"); !strings.HasSuffix(p.sent, want) {
		t.Errorf("after login %s", p.sent)
	}
}
