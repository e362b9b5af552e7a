package s2s_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
)

const (
	head     = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
	opening  = head + "from='a.example' to='b.example' version='1.0'>"
	external = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
)

// theirs is a stream that somebody opens to b.example: in the clear, or inside
// TLS with a certificate for proves.
func theirs(t *testing.T, tls bool, proves []string, change ...func(*s2s.Config)) *side {
	b := newSide(t, []string{"b.example", "bb.example"}, change...)
	b.Accept(&b.cfg, tls, 1000*second)
	if tls {
		b.SetSecured(1000*second, &s2s.Security{Version: "TLS 1.3", Proof: proof(proves)}, b.begin())
		b.took(nil, nil)
	}
	return b
}

// says feeds what the peer sends.
func (s *side) says(in string) {
	s.in = append(s.in, in...)
	for len(s.in) > 0 && !s.Closed() {
		n := s.Feed(1000*second, bytes.Clone(s.in), s.begin())
		s.took(nil, nil)
		if n == 0 {
			return
		}
		s.in = s.in[n:]
		if s.starting {
			s.in = nil
		}
	}
}

// What is wrong ends the stream with the error that RFC 6120 names, or is
// answered with that of the XEP.
func TestStreamHostile(t *testing.T) {
	const (
		auth  = opening + external + opening
		msg   = "<message from='u@a.example' to='v@b.example'><body>x</body></message>"
		proto = "xmlns='jabber:server:dialback'"
	)
	for _, x := range []struct {
		name, in, want string // want: at the end of what is answered
		clear          bool   // before TLS
		goesOn         bool   // the stream does not end
	}{
		{name: "another content namespace", clear: true, in: strings.Replace(opening, "jabber:server'", "jabber:client'", 1), want: "invalid-namespace"},
		{name: "no to", clear: true, in: head + "from='a.example' version='1.0'>", want: "improper-addressing"},
		{name: "to nobody here", clear: true, in: head + "from='a.example' to='c.example' version='1.0'>", want: "host-unknown"},
		{name: "to a user", clear: true, in: head + "from='a.example' to='v@b.example' version='1.0'>", want: "host-unknown"},
		{name: "from a user", clear: true, in: head + "from='u@a.example' to='b.example' version='1.0'>", want: "improper-addressing"},
		{name: "from ourselves", clear: true, in: head + "from='bb.example' to='b.example' version='1.0'>", want: "invalid-from"},
		{name: "before XMPP 1.0", clear: true, in: head + "from='a.example' to='b.example'>", want: "unsupported-version"},
		{name: "stanza in the clear", clear: true, in: opening + msg, want: "not-authorized"},
		{name: "SASL in the clear", clear: true, in: opening + external, want: "not-authorized"},
		{name: "bidi in the clear", clear: true, in: opening + "<bidi xmlns='urn:xmpp:bidi'/>", want: "unsupported-stanza-type"},
		{name: "dialback in the clear", clear: true, goesOn: true, in: opening + "<db:result from='a.example' to='b.example'>k</db:result>",
			want: "<db:result from='b.example' to='a.example' type='error'><error type='modify'><policy-violation"},
		{name: "verify in the clear", clear: true, goesOn: true, in: opening + "<db:verify id='i' from='a.example' to='b.example'>k</db:verify>",
			want: "<db:verify from='b.example' to='a.example' id='i' type='error'><error type='modify'><policy-violation"},
		{name: "proceed", clear: true, in: opening + "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", want: "unsupported-stanza-type"},
		{name: "garbage", clear: true, in: "GET / HTTP/1.1\r\n", want: "not-well-formed"},
		{name: "a comment", in: opening + "<!-- -->", want: "restricted-xml"},
		{name: "not well-formed", in: opening + "<message></iq>", want: "not-well-formed"},
		{name: "another encoding", in: opening + "<message a='\xff'/>", want: "unsupported-encoding"},
		{name: "too large before proof", in: opening + "<x xmlns='y'>" + strings.Repeat("x", 1<<20), want: "policy-violation"},
		{name: "STARTTLS again", in: opening + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", want: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"},
		{name: "features of the initiator", in: opening + "<stream:features/>", want: "unsupported-stanza-type"},
		{name: "unknown element", in: opening + "<x xmlns='y'/>", want: "unsupported-stanza-type"},
		{name: "stanza before proof", in: opening + msg, want: "not-authorized"},
		{name: "stanza between SASL and the new header", in: opening + external + msg, want: "invalid-namespace"},
		{name: "another mechanism", goesOn: true, in: opening + strings.Replace(external, "EXTERNAL", "PLAIN", 1), want: "<invalid-mechanism/></failure>"},
		{name: "another identity", goesOn: true, in: opening + strings.Replace(external, ">=<", ">Yy5leGFtcGxl<", 1), want: "<invalid-authzid/></failure>"},
		{name: "no base64", goesOn: true, in: opening + strings.Replace(external, ">=<", ">!!<", 1), want: "<incorrect-encoding/></failure>"},
		{name: "SASL again and again", in: opening + strings.Repeat(strings.Replace(external, ">=<", ">!!<", 1), 3), want: "policy-violation"},
		{name: "another from after SASL", in: opening + external + strings.Replace(opening, "from='a.", "from='c.", 1), want: "invalid-from"},
		{name: "another to after SASL", in: opening + external + strings.Replace(opening, "to='b.", "to='bb.", 1), want: "invalid-from"},
		{name: "SASL after proof", in: auth + external, want: "unsupported-stanza-type"},
		{name: "bidi after proof", in: auth + "<bidi xmlns='urn:xmpp:bidi'/>", want: "unsupported-stanza-type"},
		{name: "from another domain", in: auth + strings.Replace(msg, "a.example", "evil.example", 1), want: "invalid-from"},
		{name: "from one of ours", in: auth + strings.Replace(msg, "a.example", "bb.example", 1), want: "invalid-from"},
		{name: "to another domain of ours", in: auth + strings.Replace(msg, "b.example", "bb.example", 1), want: "not-authorized"},
		{name: "relayed", in: auth + strings.Replace(msg, "b.example", "c.example", 1), want: "host-unknown"},
		{name: "no from", in: auth + "<message to='v@b.example'/>", want: "improper-addressing"},
		{name: "no to", in: auth + "<message from='u@a.example'/>", want: "improper-addressing"},
		{name: "malformed domain", in: auth + "<message from='u@a..example' to='v@b.example'/>", want: "improper-addressing"},
		{name: "empty from", in: auth + "<message from='' to='v@b.example'/>", want: "improper-addressing"},
		{name: "no stanza", in: auth + "<query from='u@a.example' to='v@b.example'/>", want: "unsupported-stanza-type"},
		{name: "dialback without from", in: opening + "<db:result to='b.example'>k</db:result>", want: "improper-addressing"},
		{name: "dialback to nobody here", goesOn: true, in: opening + "<db:result from='a.example' to='c.example'>k</db:result>",
			want: "<db:result from='c.example' to='a.example' type='error'><error type='cancel'><item-not-found"},
		{name: "dialback as one of ours", goesOn: true, in: opening + "<db:result from='bb.example' to='b.example'>k</db:result>", want: "<not-acceptable"},
		{name: "a wrong key", goesOn: true, in: opening + "<db:verify id='i' from='a.example' to='b.example'>k</db:verify>",
			want: "<db:verify from='b.example' to='a.example' id='i' type='invalid'/>"},
		{name: "unknown dialback", in: opening + "<db:other from='a.example' to='b.example'/>", want: "unsupported-stanza-type"},
		{name: "dialback of another prefix", goesOn: true, in: opening + "<verify " + proto + " id='i' from='a.example' to='c.example'>k</verify>", want: "<item-not-found"},
		{name: "enable before proof", goesOn: true, in: opening + "<enable xmlns='urn:xmpp:sm:3'/>", want: "<unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"},
		{name: "enable again", goesOn: true, in: auth + "<enable xmlns='urn:xmpp:sm:3'/><enable xmlns='urn:xmpp:sm:3'/>", want: "</failed>"},
		{name: "resume", goesOn: true, in: auth + "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>", want: "</failed>"},
		{name: "acknowledges without being asked to", in: auth + "<a xmlns='urn:xmpp:sm:3' h='1'/>", want: "unsupported-stanza-type"},
		{name: "acknowledges too much", in: auth + "<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='1'/>", want: "handled-count-too-high"},
		{name: "acknowledges nonsense", in: auth + "<enable xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='x'/>", want: "policy-violation"},
		{name: "enabled by the initiator", in: auth + "<enabled xmlns='urn:xmpp:sm:3'/>", want: "unsupported-stanza-type"},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := theirs(t, !x.clear, []string{"a.example"})
			b.says(x.in)
			end := string(b.wire)
			if at := strings.LastIndex(end, "<stream:error>"); at >= 0 {
				end = end[at:]
			} else if at := strings.LastIndex(end, "</stream:features>"); at >= 0 {
				end = end[at:]
			}
			if !strings.Contains(end, x.want) || b.Closed() == x.goesOn || !x.goesOn && !strings.HasSuffix(end, "</stream:stream>") {
				t.Errorf("closed: %t, answered %s", b.Closed(), b.wire)
			}
			if len(b.stanzas) > 0 {
				t.Errorf("let pass: %q", b.stanzas)
			}
		})
	}
}

// What is wrong with one stanza beside its domains is told to its sender: the
// stream is that of many others, too.
func TestStreamFaultyStanzas(t *testing.T) {
	b := theirs(t, true, []string{"a.example"})
	b.says(opening + external + opening +
		"<iq from='u@a.example' to='b.example' type='get'><x xmlns='y'/></iq>" +
		"<iq from='u@a.example' to='b.example' type='get' id='1'/>" +
		"<message from='u@a.example' to='v w@b.example'/>" +
		"<message from='u u@a.example' to='v@b.example'/>" + // cannot be told
		"<message from='u@a.example' to='v@b.example'/>")
	for i, want := range []string{"!bad-request", "!bad-request", "!jid-malformed", "to='v@b.example'/>"} {
		if len(b.stanzas) != 4 || !strings.HasSuffix(b.stanzas[i], want) {
			t.Fatalf("got %q, want %s in %d", b.stanzas, want, i)
		}
	}
	if b.Closed() {
		t.Errorf("closed: %s", b.wire)
	}
}

// Answers that nobody asked for prove nothing (XEP-0220 §3.1).
func TestStreamUnsolicitedAnswers(t *testing.T) {
	b := theirs(t, true, nil)
	b.says(opening + "<bidi xmlns='urn:xmpp:bidi'/>" +
		"<db:result from='a.example' to='b.example' type='valid'/><db:verify from='a.example' to='b.example' id='1' type='valid'/>")
	b.want()
	b.says("<message from='u@a.example' to='v@b.example'/>")
	if len(b.stanzas) > 0 || !b.Closed() || b.Ready(s2s.Pair{Local: "b.example", Remote: "a.example"}) {
		t.Errorf("got %q, sent %s", b.stanzas, b.wire)
	}
	// Nor do answers on our own stream to what was not asked there.
	k := newTalk(t, nil, nil)
	k.open(false)
	k.a.want()
	k.a.says("<db:result from='b.example' to='aa.example' type='valid'/><db:verify from='b.example' to='a.example' id='1' type='valid'/>")
	k.a.want()
	if k.a.Ready(s2s.Pair{Local: "aa.example", Remote: "b.example"}) {
		t.Error("ready for a pair that was not asked for")
	}
}

func TestStreamDialbackVerdicts(t *testing.T) {
	for _, x := range []struct {
		name      string
		result    s2s.Verdict
		err       error
		bb        bool // another pair is proved on the stream
		wire, onA string
		ends      bool
	}{
		{"a wrong key on a fresh stream", s2s.Invalid, nil, false, "<db:result from='b.example' to='a.example' type='invalid'/></stream:stream>",
			"refused a.example b.example: a.example did not confirm to b.example that the dialback key of this server is its own: do the SRV records of a.example point here?", true},
		{"not found", s2s.Failed, s2s.ErrNoService, false, "<remote-server-not-found", "remote-server-not-found", false},
		{"no answer", s2s.Failed, errors.New("connection refused"), false, "<remote-server-timeout", "connection refused", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := newTalk(t, nil, nil)
			k.open(false)
			k.answer(k.b, x.result, x.err)
			if !strings.Contains(string(k.b.wire), x.wire) || k.b.Closed() != x.ends {
				t.Errorf("closed: %t, sent %s", k.b.Closed(), k.b.wire)
			}
			if len(k.a.events) != 1 || !strings.Contains(k.a.events[0], x.onA) {
				t.Errorf("a: %q", k.a.events)
			}
		})
	}
}

// Several domains of ours on one stream; a wrong key for one harms no other.
func TestStreamMultiplexing(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"})
	k.open(false)
	k.a.want("ready a.example b.example by SASL EXTERNAL", "authorized a.example b.example by SASL EXTERNAL")
	second := s2s.Pair{Local: "aa.example", Remote: "b.example"}
	for _, x := range []struct {
		result s2s.Verdict
		event  string
	}{{s2s.Invalid, "forbidden"}, {s2s.Valid, "ready aa.example b.example by dialback"}} {
		if !k.a.Request(k.now, second, k.a.begin()) {
			t.Fatal("not requested")
		}
		k.a.took(k.b, nil)
		k.run()
		k.answer(k.b, x.result, nil)
		if len(k.a.events) == 0 || !strings.Contains(k.a.events[0], x.event) {
			t.Fatalf("a: %q, want %s", k.a.events, x.event)
		}
		k.a.events = nil
	}
	if !k.deliver(k.a, "aa.example", "b.example", strings.ReplaceAll(message, "a.example", "aa.example")) || len(k.b.stanzas) != 1 {
		t.Errorf("b got %q", k.b.stanzas)
	}
	// The bound of Config.Pairs: 3.
	for i := range 3 {
		k.b.says(fmt.Sprintf("<db:result from='c%d.example' to='b.example'>k</db:result>", i))
	}
	if !strings.Contains(string(k.b.wire), "<resource-constraint") {
		t.Errorf("b sent %s", k.b.wire)
	}
}

// The answer to a question needs nothing but the secret (XEP-0185), and no proof
// of who asks.
func TestStreamQuestions(t *testing.T) {
	k := newTalk(t, nil, nil)
	k.open(true)
	ask := func(id, key string) {
		k.a.Ask(k.now, s2s.Verify{Pair: s2s.Pair{Local: "a.example", Remote: "b.example"}, ID: id, Key: key}, k.a.begin())
		k.a.took(k.b, nil)
		k.run()
	}
	ask("i1", s2s.Key(k.b.cfg.Secret, "a.example", "b.example", "i1"))
	ask("i2", s2s.Key(k.b.cfg.Secret, "a.example", "b.example", "i1"))
	ask("i3", s2s.Key(k.b.cfg.Secret, "c.example", "b.example", "i3"))
	k.a.want("verified a.example b.example i1: 1", "verified a.example b.example i2: 0", "verified a.example b.example i3: 0")
}

// XEP-0185 §3.
func TestKey(t *testing.T) {
	got := s2s.Key([]byte("s3cr3tf0rd14lb4ck"), "xmpp.example.com", "example.org", "D60000229F")
	if want := "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
