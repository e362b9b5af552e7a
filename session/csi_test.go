package session_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
)

const (
	nowInactive = "<inactive xmlns='" + session.NSCSI + "'/>"
	nowActive   = "<active xmlns='" + session.NSCSI + "'/>"

	online   = "<presence from='bob@localhost/r'/>"
	away     = "<presence from='bob@localhost/r'><show>away</show></presence>"
	offline  = "<presence from='bob@localhost/r' type='unavailable'/>"
	other    = "<presence from='bob@localhost/other'/>"
	typing   = "<message from='bob@localhost/r' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread><no-store xmlns='urn:xmpp:hints'/></message>"
	paused   = "<message from='bob@localhost/r' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>"
	mood     = "<message from='bob@localhost' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='mood'/></event></message>"
	chat     = "<message from='bob@localhost/r' type='chat'><body>Hi</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
	ask      = "<iq from='bob@localhost/r' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"
	please   = "<presence from='bob@localhost' type='subscribe'/>"
	fault    = "<message from='bob@localhost/r' type='error'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
	broken   = "<presence from='bob@localhost/r' type='error'/>"
	bare     = "<message from='bob@localhost/r'/>"
	notified = "<message from='bob@localhost'><event xmlns='http://jabber.org/protocol/pubsub#event'/><body>b</body></message>"
)

// carbon wraps a message as XEP-0280 does.
func carbon(message string) string {
	return "<message from='alice@localhost'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
		strings.Replace(message, "<message ", "<message xmlns='jabber:client' ", 1) + "</forwarded></sent></message>"
}

// deliver gives stanzas to a session and tells how many it held back.
func (p *peer) deliver(t *testing.T, stanzas ...string) (held int) {
	t.Helper()
	for _, st := range stanzas {
		p.out.Reset(nil)
		p.Deliver(p.now, []byte(st), session.Alone, &p.out)
		p.take()
		switch {
		case p.out.Pass && !p.out.Held:
			p.sent += st
		case p.out.Held && !p.out.Pass:
			held++
		default:
			t.Fatalf("%s: passed %v, held %v", st, p.out.Pass, p.out.Held)
		}
	}
	return held
}

func TestXEP0352_4_2_AStreamBeginsActive(t *testing.T) {
	p := bound(t, config())
	p.deliver(t, online, typing, mood)
	p.expect(t, online+typing+mood)
	p.feed(nowActive) // of no effect, and no reply
	p.expect(t, "")
}

func TestXEP0352_InactiveHoldsBack(t *testing.T) {
	for _, c := range []struct {
		name      string
		stanzas   []string
		want      string // once active
		heldCount int
	}{
		{"presence, the newest of each sender", []string{online, other, away}, other + away, 3},
		{"presence, unavailable too", []string{online, away, offline}, offline, 3},
		{"chat states, the newest of each sender", []string{typing, paused, online}, paused + online, 3},
		{"all notifications, in order", []string{mood, online, mood}, mood + online + mood, 3},
		{"carbons of chat states", []string{carbon(typing)}, carbon(typing), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := bound(t, config())
			p.feed(nowInactive + nowInactive)
			if n := p.deliver(t, c.stanzas...); n != c.heldCount {
				t.Errorf("%d held, want %d", n, c.heldCount)
			}
			p.expect(t, "")
			p.feed(nowActive)
			p.expect(t, c.want)
			p.deliver(t, online)
			p.expect(t, online)
			p.feed(nowInactive + nowActive) // nothing is told twice
			p.expect(t, "")
		})
	}
}

// What cannot wait is written behind all that was held, so that order is kept.
func TestXEP0352_UrgentFlushes(t *testing.T) {
	for _, urgent := range []string{chat, ask, please, fault, broken, bare, notified, carbon(chat),
		"<message from='bob@localhost/r'><received xmlns='urn:xmpp:carbons:2'/></message>",
		"<message from='bob@localhost/r'><unknown xmlns='urn:x'/></message>"} {
		p := bound(t, config())
		p.feed(nowInactive)
		p.deliver(t, online, typing, mood)
		p.expect(t, "")
		p.deliver(t, urgent)
		p.expect(t, online+typing+mood+urgent)
		if n := p.deliver(t, away); n != 1 || !p.Inactive() {
			t.Errorf("after %s: %d held, inactive %v", urgent, n, p.Inactive())
		}
	}
}

func TestXEP0352_HeldBytesAreBounded(t *testing.T) {
	p := bound(t, config())
	p.feed(nowInactive)
	most, total := 0, 0
	for i := range 5000 {
		st := fmt.Sprintf("<presence from='bob@localhost/%d'><status>%s</status></presence>", i, strings.Repeat("x", 100))
		p.deliver(t, st)
		total += len(st)
		most = max(most, total-len(p.sent))
	}
	if most > 64<<10 || most < 63<<10 {
		t.Errorf("%d bytes were held, want at most 65,536 and nearly that", most)
	}
	p.feed(nowActive)
	if len(p.sent) != total || strings.Count(p.sent, "<presence ") != 5000 {
		t.Errorf("%d of %d bytes arrived", len(p.sent), total)
	}
	p.sent = ""
	p.feed(nowInactive)
	large := "<presence from='bob@localhost/r'><status>" + strings.Repeat("x", 64<<10) + "</status></presence>"
	p.deliver(t, online, large)
	p.expect(t, online+large)
}

func TestXEP0352_OtherElementsOfTheNamespace(t *testing.T) {
	p := bound(t, config())
	p.feed("<sleeping xmlns='" + session.NSCSI + "'/>")
	p.expectFailure(t, "unsupported-stanza-type")
}

func TestXEP0352_NothingAfterTheEnd(t *testing.T) {
	p := bound(t, config())
	p.feed(nowInactive)
	p.deliver(t, online)
	p.feed(end)
	p.expect(t, end)
	p.out.Reset(nil)
	p.Deliver(p.now, []byte(chat), session.Alone, &p.out)
	if p.out.Pass || p.out.Held || len(p.out.Bytes) > 0 || p.Inactive() {
		t.Errorf("after the end: %+v", p.out)
	}
}

func BenchmarkDeliverInactive(b *testing.B) {
	p := bound(b, config())
	p.feed(nowInactive)
	st := []byte(away)
	b.ReportAllocs()
	b.SetBytes(int64(len(st)))
	for b.Loop() {
		p.out.Reset(nil)
		p.Deliver(p.now, st, session.Alone, &p.out)
	}
}
