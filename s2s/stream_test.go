package s2s_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
	"github.com/xylem-im/xylem/stanza"
)

// Each way to prove a pair, with the input in one piece and byte by byte.
func TestStreamProofs(t *testing.T) {
	a, b := []string{"a.example"}, []string{"b.example"}
	const (
		readyA = "ready a.example b.example by "
		authB  = "authorized b.example a.example by "
		readyB = "ready b.example a.example by "
		authA  = "authorized a.example b.example by "
		verify = "verify b.example a.example"
	)
	for _, x := range []struct {
		name          string
		aProves       []string
		change        func(*s2s.Config)
		onA, onB      []string
		bidirectional bool
		bytesFromA    string // must be among them
		neverFromA    string
	}{
		{"EXTERNAL, both ways", a, nil,
			[]string{readyA + "SASL EXTERNAL", authA + "SASL EXTERNAL"}, []string{readyB + "SASL EXTERNAL", authB + "SASL EXTERNAL"}, true,
			"<bidi xmlns='urn:xmpp:bidi'/><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>YS5leGFtcGxl</auth>", "db:result"},
		{"EXTERNAL, one way", a, oneWay,
			[]string{readyA + "SASL EXTERNAL"}, []string{authB + "SASL EXTERNAL"}, false, "mechanism='EXTERNAL'", "urn:xmpp:bidi"},
		{"dialback, both ways", nil, nil,
			[]string{readyA + "dialback", authA + "dialback"}, []string{verify, authB + "dialback", readyB + "dialback"}, true,
			"<bidi xmlns='urn:xmpp:bidi'/><db:result from='a.example' to='b.example'>", "<auth"},
		{"dialback, one way", nil, oneWay,
			[]string{readyA + "dialback"}, []string{verify, authB + "dialback"}, false, "<db:result", "urn:xmpp:bidi"},
	} {
		for _, chunk := range []int{0, 1, 2, 3, 7, 64} {
			t.Run(x.name, func(t *testing.T) {
				k := newTalk(t, x.aProves, b)
				if x.change != nil {
					k = newTalk(t, x.aProves, b, x.change)
				}
				k.chunk = chunk
				k.open(false)
				k.answer(k.b, s2s.Valid, nil)
				k.a.want(x.onA...)
				k.b.want(x.onB...)
				wire := string(k.a.wire)
				if !strings.Contains(wire, x.bytesFromA) || strings.Contains(wire, x.neverFromA) {
					t.Errorf("sent: %s", wire)
				}
				if !k.deliver(k.a, "a.example", "b.example", message) || len(k.b.stanzas) != 1 || k.b.stanzas[0] != "a.example>b.example "+message {
					t.Errorf("b got %q", k.b.stanzas)
				}
				if taken := k.deliver(k.b, "b.example", "a.example", back); taken != x.bidirectional || len(k.a.stanzas) == 1 != x.bidirectional {
					t.Errorf("taken: %t, a got %q", taken, k.a.stanzas)
				}
			})
		}
	}
}

// Nothing but TLS is said or offered before TLS (RFC 7590 §3.1).
func TestStreamTLSFirst(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"})
	k.open(false)
	for _, s := range []*side{k.a, k.b} {
		clear, _, _ := strings.Cut(string(s.wire), "urn:ietf:params:xml:ns:xmpp-tls'/>")
		for _, secret := range []string{"mechanism", "bidi", "<db:", "urn:xmpp:sm:3", "urn:xmpp:features"} {
			if strings.Contains(clear, secret) {
				t.Errorf("%s in the clear: %s", secret, clear)
			}
		}
	}
	k = newTalk(t, nil, nil)
	k.a.Connect(&k.a.cfg, s2s.Pair{Local: "a.example", Remote: "b.example"}, false, false, k.now, k.a.begin())
	k.a.in = []byte("<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1'><stream:features/>")
	k.run()
	k.a.want("refused a.example b.example: the server offers no TLS, which this server requires (RFC 7590)")
	if !k.a.Closed() {
		t.Error("goes on in the clear")
	}
}

func TestStreamDirectTLS(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"})
	k.b.Accept(&k.b.cfg, true, k.now)
	k.a.Connect(&k.a.cfg, s2s.Pair{Local: "a.example", Remote: "b.example"}, true, false, k.now, k.a.begin())
	k.a.took(k.b, nil)
	if len(k.a.wire) > 0 {
		t.Fatalf("in the clear: %s", k.a.wire)
	}
	k.a.starting, k.b.starting = true, true
	k.run()
	k.a.want("ready a.example b.example by SASL EXTERNAL", "authorized a.example b.example by SASL EXTERNAL")
}

func TestStreamPolicies(t *testing.T) {
	strict := func(c *s2s.Config) {
		c.Policy = func(string) s2s.Policy { return s2s.Policy{Require: s2s.Certificate} }
	}
	deny := func(c *s2s.Config) { c.Policy = func(string) s2s.Policy { return s2s.Policy{Denied: true} } }

	k := newTalk(t, []string{"a.example"}, []string{"c.example"})
	strict(&k.a.cfg)
	k.open(false)
	if len(k.a.events) == 0 || k.a.events[0] != "refused a.example b.example: the certificate does not prove b.example: the certificate is for c.example" {
		t.Errorf("a: %q", k.a.events)
	}
	k = newTalk(t, []string{"c.example"}, []string{"b.example"})
	strict(&k.b.cfg)
	k.open(false)
	k.b.want()
	if !strings.HasSuffix(string(k.b.wire), "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"+
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>the certificate does not prove a.example: the certificate is for c.example</text></stream:error></stream:stream>") {
		t.Errorf("b sent %s", k.b.wire)
	}
	var peer stanza.PeerError
	if !errors.As(k.a.reason, &peer) || peer.Condition != "not-authorized" || !strings.Contains(peer.Text, "c.example") {
		t.Errorf("a knows: %v", k.a.reason)
	}
	k = newTalk(t, []string{"a.example"}, []string{"b.example"})
	deny(&k.b.cfg)
	k.open(false)
	if !strings.Contains(string(k.b.wire), "<policy-violation") || !k.b.Closed() {
		t.Errorf("b sent %s", k.b.wire)
	}
}

// Whoever ends a stream acknowledges first what it has dealt with, and nothing
// else, so that the peer sends that again and only that.
func TestStreamLastAcknowledgement(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(s *side)
	}{
		{"by an error", func(s *side) { s.Fail(stanza.StreamError{Condition: stanza.StreamSystemShutdown}, s.begin()) }},
		{"properly", func(s *side) { s.End(nil, s.begin()) }},
	} {
		for held, want := range []int{0, 1, 2} {
			k := newTalk(t, []string{"a.example"}, []string{"b.example"})
			k.open(false)
			for range 3 {
				k.deliver(k.a, "a.example", "b.example", message)
				if 3-len(k.b.stanzas) < held {
					k.b.Hold(k.b.Number())
				}
			}
			x.end(k.b)
			k.b.took(k.a, nil)
			k.run()
			unacked := 0
			k.a.Unacked(func(s2s.Pair, []byte, s2s.Receipt) bool {
				unacked++
				return true
			})
			if unacked != want || !k.a.Closed() {
				t.Errorf("%s: with %d stanzas not dealt with %d are to be sent again: %s", x.name, held, unacked, k.b.wire)
			}
		}
	}
}

// A stream that is not negotiated in time tells what was waited for.
func TestStreamTooLate(t *testing.T) {
	const head = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " +
		"xmlns:db='jabber:server:dialback' from='b.example' to='a.example' version='1.0' id='1'>"
	const startTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	const clear = head + "<stream:features>" + startTLS + "</stream:features>"
	const external = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
	const dialback = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
	for _, x := range []struct{ sent, secured, want string }{
		{"", "", "no stream header"},
		{head, "", "no stream features"},
		{clear, "", "no answer to STARTTLS"},
		{clear + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", " ", "no stream header"},
		{clear + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", head + "<stream:features>" + external + "</stream:features>", "no end of authentication"},
		{clear + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", head + "<stream:features>" + dialback + "</stream:features>", "no answer to the dialback key"},
	} {
		k := newTalk(t, nil, []string{"b.example"})
		k.a.Connect(&k.a.cfg, s2s.Pair{Local: "a.example", Remote: "b.example"}, false, false, k.now, k.a.begin())
		k.a.took(nil, nil)
		for _, in := range []string{x.sent, x.secured} {
			if k.a.starting {
				k.a.starting = false
				k.a.SetSecured(k.now, &s2s.Security{Version: "TLS 1.3", Proof: k.a.proof}, k.a.begin())
				k.a.took(nil, nil)
			}
			k.a.in = append(k.a.in, in...)
			for k.feed(k.a, nil) {
			}
		}
		k.now += 61 * second
		k.a.Tick(k.now, k.a.begin())
		k.a.took(nil, nil)
		if k.a.reason == nil || !strings.Contains(k.a.reason.Error(), "connection-timeout: "+x.want+" came in time") {
			t.Errorf("after %q and %q: %v, want %q; sent %s", x.sent, x.secured, k.a.reason, x.want, k.a.wire)
		}
	}
	k := newTalk(t, nil, nil)
	k.b.Accept(&k.b.cfg, false, k.now)
	k.b.in = []byte(strings.NewReplacer("a.example", "b.example", "b.example", "a.example").Replace(head))
	for k.feed(k.b, nil) {
	}
	k.now += 61 * second
	k.b.Tick(k.now, k.b.begin())
	k.b.took(nil, nil)
	if k.b.reason == nil || !strings.Contains(k.b.reason.Error(), "STARTTLS") {
		t.Errorf("a peer that begins no TLS: %v", k.b.reason)
	}
}
