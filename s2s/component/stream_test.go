package component_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/s2s/component"
	"github.com/xylem-im/xylem/stanza"
)

const (
	second = int64(1_000_000_000)
	domain = "bridge.example"
	secret = "ſecret <&>"
	header = "<?xml version='1.0'?><stream:stream xmlns='" + stanza.NSAccept + "' xmlns:stream='" + stanza.NSStream + "' to='" + domain + "'>"
	end    = "</stream:stream>"
	// id is the first that the source of random numbers of the tests makes.
	id = "0102030405060708090a0b0c0d0e0f10"
	// answer is the server's header.
	answer = "<?xml version='1.0'?><stream:stream xmlns='" + stanza.NSAccept + "' xmlns:stream='" + stanza.NSStream + "' from='" + domain + "' id='" + id + "'>"
)

// counting is a source of random numbers that repeats itself in each test.
type counting byte

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		*c++
		b[i] = byte(*c)
	}
	return len(b), nil
}

// peer drives a stream as an engine does and keeps all that comes out.
type peer struct {
	component.Stream
	out  component.Out
	now  int64
	kept []byte

	refuse  *stanza.StreamError // instead of Accepted
	sent    string
	stanzas []string // rendered as they would be forwarded
	closed  bool
	reason  error
	chunk   int // bytes fed at a time; 0: all
	proofs  int
}

func config() *component.Config {
	return &component.Config{
		Secret: func(d string) (string, bool) {
			return secret, d == domain
		},
		PingFrom:      func(string) string { return "example" },
		Random:        new(counting),
		HandshakeTime: 10 * second,
		IdleTime:      60 * second,
		PingTime:      20 * second,
		ProbeTime:     5 * second,
	}
}

func newPeer(cfg *component.Config) *peer {
	p := &peer{now: 1000 * second}
	p.out.Scanner = parser.NewScanner()
	p.Accept(cfg, p.now)
	return p
}

// feed gives the stream input and carries out what it lists.
func (p *peer) feed(in string) {
	step := p.chunk
	if step == 0 {
		step = len(in)
	}
	for len(in) > 0 {
		n := min(step, len(in))
		p.kept = append(p.kept, in[:n]...)
		in = in[n:]
		p.drain()
	}
}

func (p *peer) drain() {
	for len(p.kept) > 0 && !p.closed {
		p.out.Reset(nil)
		input := bytes.Clone(p.kept)
		n := p.Feed(p.now, input, &p.out)
		p.take()
		for i := range input { // it was lent
			input[i] = '#'
		}
		p.kept = p.kept[n:]
		if n == 0 {
			return
		}
	}
}

// take carries out what the stream has listed.
func (p *peer) take() {
	p.sent += string(p.out.Bytes)
	if p.out.HasStanza {
		fw := stanza.Forward{From: p.out.From, Lang: p.Lang()}
		p.stanzas = append(p.stanzas, p.out.To.String()+" "+string(stanza.AppendForward(nil, &p.out.Stanza, &fw)))
	}
	if p.out.Close {
		p.closed, p.reason = true, p.out.Reason
	}
	if p.out.Proved {
		p.proofs++
		p.out.Reset(nil)
		if p.refuse != nil {
			p.Fail(*p.refuse, &p.out)
		} else {
			p.Accepted(p.now, &p.out)
		}
		p.take()
	}
}

// digest is the handshake for an id.
func digest(id, secret string) string {
	sum := sha1.Sum([]byte(id + secret))
	return hex.EncodeToString(sum[:])
}

var handshake = "<handshake>" + digest(id, secret) + "</handshake>"

// open is a stream on which stanzas flow.
func open(t *testing.T) *peer {
	t.Helper()
	p := newPeer(config())
	p.feed(header + handshake)
	if !p.Open() {
		t.Fatalf("not open: %s", p.sent)
	}
	p.sent = ""
	return p
}

// TestXEP0114_3 is the flow of the examples 1 to 4.
func TestXEP0114_3(t *testing.T) {
	for _, chunk := range []int{0, 1, 7} {
		p := newPeer(config())
		p.chunk = chunk
		p.feed(header)
		if p.sent != answer || p.Domain() != domain {
			t.Fatalf("got %s", p.sent)
		}
		p.feed(handshake)
		if p.sent != answer+"<handshake/>" || !p.Open() || p.proofs != 1 {
			t.Fatalf("got %s", p.sent)
		}
		p.feed("<message from='a@" + domain + "' to='b@example'><body>hi</body></message>")
		if want := "b@example <message from='a@" + domain + "' to='b@example'><body>hi</body></message>"; len(p.stanzas) != 1 || p.stanzas[0] != want {
			t.Fatalf("got %q", p.stanzas)
		}
		p.feed(end)
		if !p.closed || p.reason != nil || !strings.HasSuffix(p.sent, end) {
			t.Fatalf("closed %t, %v, %s", p.closed, p.reason, p.sent)
		}
	}
}

// TestHandshake: what is accepted beside the plain form, and what is not.
func TestHandshake(t *testing.T) {
	good := digest(id, secret)
	for name, c := range map[string]struct {
		handshake string
		condition stanza.StreamCondition // "": accepted
	}{
		"declared":        {"<handshake xmlns='" + stanza.NSAccept + "'>" + good + "</handshake>", ""},
		"white space":     {" \n<handshake>\n " + good + "\n</handshake>", ""},
		"references":      {"<handshake>&#x" + fmt.Sprintf("%x", good[0]) + ";" + good[1:] + "</handshake>", ""},
		"other secret":    {"<handshake>" + digest(id, "other") + "</handshake>", stanza.StreamNotAuthorized},
		"other stream":    {"<handshake>" + digest("00", secret) + "</handshake>", stanza.StreamNotAuthorized},
		"upper case":      {"<handshake>" + strings.ToUpper(good) + "</handshake>", stanza.StreamNotAuthorized},
		"shorter":         {"<handshake>" + good[:39] + "</handshake>", stanza.StreamNotAuthorized},
		"longer":          {"<handshake>" + good + "0</handshake>", stanza.StreamNotAuthorized},
		"empty":           {"<handshake/>", stanza.StreamNotAuthorized},
		"in a child":      {"<handshake><x>" + good + "</x></handshake>", stanza.StreamNotAuthorized},
		"other namespace": {"<handshake xmlns='urn:x'>" + good + "</handshake>", stanza.StreamNotAuthorized},
		"stanza first":    {"<message from='a@" + domain + "' to='b@example'/>" + handshake, stanza.StreamNotAuthorized},
		"SASL":            {"<auth xmlns='" + stanza.NSSASL + "' mechanism='PLAIN'>AGEAYg==</auth>", stanza.StreamNotAuthorized},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(config())
			p.feed(header + c.handshake)
			if c.condition == "" {
				if !p.Open() {
					t.Errorf("refused: %s", p.sent)
				}
				return
			}
			if !errors.Is(p.reason, stanza.StreamError{Condition: c.condition}) || p.proofs != 0 || !strings.HasSuffix(p.sent, end) {
				t.Errorf("reason %v, %s", p.reason, p.sent)
			}
		})
	}
}

// TestHostileHeaders: each gets a header, the stream error and the end of the
// stream (XEP-0114 §3, RFC 6120 §4.9.1.2).
func TestHostileHeaders(t *testing.T) {
	const streams = "xmlns:stream='" + stanza.NSStream + "'"
	for name, c := range map[string]struct {
		header    string
		condition stanza.StreamCondition
	}{
		"client's":           {"<stream:stream xmlns='jabber:client' " + streams + " to='" + domain + "'>", stanza.StreamInvalidNamespace},
		"server's":           {"<stream:stream xmlns='jabber:server' " + streams + " to='" + domain + "'>", stanza.StreamInvalidNamespace},
		"connect":            {"<stream:stream xmlns='jabber:component:connect' " + streams + " from='" + domain + "'>", stanza.StreamInvalidNamespace},
		"no namespace":       {"<stream:stream " + streams + " to='" + domain + "'>", stanza.StreamInvalidNamespace},
		"no to":              {"<stream:stream xmlns='" + stanza.NSAccept + "' " + streams + ">", stanza.StreamImproperAddressing},
		"unknown domain":     {"<stream:stream xmlns='" + stanza.NSAccept + "' " + streams + " to='example'>", stanza.StreamHostUnknown},
		"subdomain":          {"<stream:stream xmlns='" + stanza.NSAccept + "' " + streams + " to='x." + domain + "'>", stanza.StreamHostUnknown},
		"user":               {"<stream:stream xmlns='" + stanza.NSAccept + "' " + streams + " to='a@" + domain + "'>", stanza.StreamHostUnknown},
		"no domain":          {"<stream:stream xmlns='" + stanza.NSAccept + "' " + streams + " to='@'>", stanza.StreamHostUnknown},
		"no stream":          {"<x/>", parser.ConditionInvalidNamespace},
		"other stream":       {"<stream xmlns='" + stanza.NSAccept + "'>", parser.ConditionInvalidNamespace},
		"HTTP":               {"GET / HTTP/1.1\r\n\r\n", parser.ConditionNotWellFormed},
		"processing":         {"<?xml version='1.0'?><!DOCTYPE x>", parser.ConditionRestrictedXML},
		"long":               {"<stream:stream a='" + strings.Repeat("x", 9000), parser.ConditionPolicyViolation},
		"error in the first": {header + "<a></b>", parser.ConditionNotWellFormed},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(config())
			p.feed(c.header)
			if !errors.Is(p.reason, stanza.StreamError{Condition: c.condition}) {
				t.Errorf("reason %v", p.reason)
			}
			if !strings.HasPrefix(p.sent, "<?xml version='1.0'?><stream:stream xmlns='"+stanza.NSAccept+"'") || !strings.HasSuffix(p.sent, "</stream:error>"+end) {
				t.Errorf("sent %s", p.sent)
			}
		})
	}
}

// TestStanzas: what a component may send and how it comes out.
func TestStanzas(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"of the domain":   {"<message from='" + domain + "' to='b@example'/>", "b@example <message from='" + domain + "' to='b@example'/>"},
		"full from":       {"<message from='a@" + domain + "/x y' to='b@example/z'/>", "b@example/z <message from='a@" + domain + "/x y' to='b@example/z'/>"},
		"prepared from":   {"<message from='A@Bridge.Example' to='B@Example'/>", "b@example <message from='a@" + domain + "' to='B@Example'/>"},
		"declared":        {"<message xmlns='" + stanza.NSAccept + "' from='" + domain + "' to='b@example'><body>x</body></message>", "b@example <message from='" + domain + "' to='b@example'><body>x</body></message>"},
		"child declared":  {"<message from='" + domain + "' to='b@example'><body xmlns='" + stanza.NSAccept + "'>x</body></message>", "b@example <message from='" + domain + "' to='b@example'><body xmlns='jabber:client'>x</body></message>"},
		"forwarded":       {"<message from='" + domain + "' to='b@example'><f xmlns='urn:f'><message xmlns='" + stanza.NSAccept + "'/></f></message>", "b@example <message from='" + domain + "' to='b@example'><f xmlns='urn:f'><message xmlns='jabber:client'/></f></message>"},
		"of a client":     {"<message xmlns='jabber:client' from='" + domain + "' to='b@example'/>", "b@example <message from='" + domain + "' to='b@example'/>"}, // slixmpp's plug-ins do
		"language":        {"<message from='" + domain + "' to='b@example' xml:lang='de'/>", "b@example <message from='" + domain + "' to='b@example' xml:lang='de'/>"},
		"named in a text": {"<message from='" + domain + "' to='b@example'><body>" + stanza.NSAccept + "</body></message>", "b@example <message from='" + domain + "' to='b@example'><body>" + stanza.NSAccept + "</body></message>"},
		"presence":        {"<presence from='a@" + domain + "' to='b@example' type='subscribe'/>", "b@example <presence from='a@" + domain + "' to='b@example' type='subscribe'/>"},
		"to itself":       {"<iq id='1' type='result' from='a@" + domain + "' to='" + domain + "'/>", domain + " <iq id='1' type='result' from='a@" + domain + "' to='" + domain + "'/>"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.feed(c.in)
			if len(p.stanzas) != 1 || p.stanzas[0] != c.want || p.sent != "" {
				t.Errorf("\n got %q %s\nwant %q", p.stanzas, p.sent, c.want)
			}
		})
	}
}

// A stream header may bind the content namespace to a prefix, and may name a
// language.
func TestPrefixedHeader(t *testing.T) {
	p := newPeer(config())
	p.feed("<s:stream xmlns:c='" + stanza.NSAccept + "' xmlns='urn:x' xmlns:s='" + stanza.NSStream + "' to='" + domain + "' xml:lang='de'>" +
		"<c:handshake>" + digest(id, secret) + "</c:handshake>" +
		"<c:message from='" + domain + "' to='b@example'><c:body>x</c:body></c:message>" +
		"<c:message from='" + domain + "' to='b@example'><y/><c:body>x</c:body></c:message></s:stream>")
	want := []string{
		"b@example <message from='" + domain + "' xml:lang='de' to='b@example' xmlns:c='jabber:client'><c:body>x</c:body></message>",
		"b@example <c:message from='" + domain + "' xml:lang='de' to='b@example' xmlns='urn:x' xmlns:c='jabber:client'><y/><c:body>x</c:body></c:message>",
	}
	if len(p.stanzas) != 2 || p.stanzas[0] != want[0] || p.stanzas[1] != want[1] || !p.closed || p.reason != nil {
		t.Errorf("got %q\nwant %q\n%s %v", p.stanzas, want, p.sent, p.reason)
	}
}

// TestHostileStanzas: what ends the stream of a component that was let in.
func TestHostileStanzas(t *testing.T) {
	for name, c := range map[string]struct {
		in        string
		condition stanza.StreamCondition
	}{
		"no from":             {"<message to='b@example'/>", stanza.StreamImproperAddressing},
		"from is none":        {"<message from='@' to='b@example'/>", stanza.StreamImproperAddressing},
		"no to":               {"<message from='" + domain + "'/>", stanza.StreamImproperAddressing},
		"of another domain":   {"<message from='b@example' to='a@example'/>", stanza.StreamInvalidFrom},
		"of a subdomain":      {"<message from='a@x." + domain + "' to='a@example'/>", stanza.StreamInvalidFrom},
		"of a longer domain":  {"<message from='x" + domain + "' to='a@example'/>", stanza.StreamInvalidFrom},
		"resource like it":    {"<message from='b@example/" + domain + "' to='a@example'/>", stanza.StreamInvalidFrom},
		"no stanza":           {"<handshake/>", stanza.StreamUnsupportedStanzaType},
		"other namespace":     {"<message xmlns='jabber:server' from='" + domain + "' to='b@example'/>", stanza.StreamUnsupportedStanzaType},
		"ack request":         {"<r xmlns='urn:xmpp:sm:3'/>", stanza.StreamUnsupportedStanzaType},
		"stream element":      {"<stream:features/>", stanza.StreamUnsupportedStanzaType},
		"not well formed":     {"<message from='" + domain + "' to='b@example'></iq>", parser.ConditionNotWellFormed},
		"comment":             {"<!-- -->", parser.ConditionRestrictedXML},
		"too large":           {"<message from='" + domain + "' to='b@example'><body>" + strings.Repeat("x", 300_000), parser.ConditionPolicyViolation},
		"text between":        {"x", parser.ConditionBadFormat},
		"deep and rewritten":  {"<message from='" + domain + "' xmlns='" + stanza.NSAccept + "'>" + strings.Repeat("<a>", 70), parser.ConditionPolicyViolation},
		"escaped declaration": {"<message xmlns='jabber&#58;component:accept' from='" + domain + "' to='b@example'/>", stanza.StreamUnsupportedStanzaType},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunk := range []int{0, max(1, len(c.in)/100)} {
				p := open(t)
				p.chunk = chunk
				p.feed(c.in)
				if !errors.Is(p.reason, stanza.StreamError{Condition: c.condition}) || !strings.HasSuffix(p.sent, "</stream:error>"+end) || len(p.stanzas) > 0 {
					t.Errorf("reason %v, %q, %s", p.reason, p.stanzas, p.sent)
				}
			}
		})
	}
}

// TestBounces: what a user may have made the component send is answered, and the
// stream goes on.
func TestBounces(t *testing.T) {
	for name, c := range map[string]struct {
		in        string
		condition stanza.Condition // "": no answer
	}{
		"to is none":       {"<message id='1' from='a@" + domain + "' to='x@@y'/>", stanza.JIDMalformed},
		"empty to":         {"<message id='1' from='a@" + domain + "' to=''/>", stanza.JIDMalformed},
		"error to nobody":  {"<message type='error' from='a@" + domain + "' to='@'/>", ""},
		"IQ without id":    {"<iq type='get' from='a@" + domain + "' to='b@example'><x xmlns='y'/></iq>", stanza.BadRequest},
		"IQ without type":  {"<iq id='1' from='a@" + domain + "' to='b@example'><x xmlns='y'/></iq>", stanza.BadRequest},
		"strange presence": {"<presence type='x' id='1' from='a@" + domain + "' to='b@example'/>", stanza.BadRequest},
		"IQ with two":      {"<iq type='set' id='1' from='a@" + domain + "' to='b@example'><x xmlns='y'/><z/></iq>", stanza.BadRequest},
		"result of two":    {"<iq type='result' id='1' from='a@" + domain + "' to='b@example'><x xmlns='y'/><z/></iq>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.feed(c.in)
			if p.closed || len(p.stanzas) > 0 {
				t.Fatalf("closed %t, %q", p.closed, p.stanzas)
			}
			if c.condition == "" {
				if p.sent != "" {
					t.Errorf("answered %s", p.sent)
				}
				return
			}
			if !strings.Contains(p.sent, "<"+string(c.condition)+" ") || !strings.Contains(p.sent, " to='a@"+domain+"'") || !strings.Contains(p.sent, "from='"+domain+"'") {
				t.Errorf("answered %s", p.sent)
			}
		})
	}
}

// TestRefused: the engine may have given the domain to somebody else.
func TestRefused(t *testing.T) {
	p := newPeer(config())
	p.refuse = &stanza.StreamError{Condition: stanza.StreamConflict}
	p.feed(header + handshake + "<message from='" + domain + "' to='b@example'/>")
	if p.Open() || len(p.stanzas) > 0 || !errors.Is(p.reason, *p.refuse) || strings.Contains(p.sent, "<handshake/>") {
		t.Errorf("reason %v, %s", p.reason, p.sent)
	}
}

// TestRemovedDuringHandshake: the domain went away between header and handshake.
func TestRemovedDuringHandshake(t *testing.T) {
	cfg, there := config(), true
	cfg.Secret = func(string) (string, bool) { return secret, there }
	p := newPeer(cfg)
	p.feed(header)
	there = false
	p.feed(handshake)
	if !errors.Is(p.reason, stanza.StreamError{Condition: stanza.StreamHostGone}) {
		t.Errorf("reason %v", p.reason)
	}
}

func TestPeerError(t *testing.T) {
	for in, want := range map[string]string{
		"<stream:error><system-shutdown xmlns='" + stanza.NSStreams + "'/></stream:error>": "the other side ended the stream: system-shutdown",
		"<stream:error/>": "the other side ended the stream: undefined-condition",
	} {
		p := open(t)
		p.feed(in)
		if p.reason == nil || p.reason.Error() != want || p.sent != end {
			t.Errorf("reason %v, %s", p.reason, p.sent)
		}
	}
}

// TestDeliver: what is sent to a component.
func TestDeliver(t *testing.T) {
	p := open(t)
	for st, want := range map[string]string{
		"<message from='a@example' to='x@" + domain + "'><body>hi</body></message>":        "",
		"<message from='a@example'><body xmlns='jabber:client'>hi</body></message>":        "<message from='a@example'><body xmlns='" + stanza.NSAccept + "'>hi</body></message>",
		"<message><f xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/></f></message>": "<message><f xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/></f></message>",
	} {
		p.out.Reset(nil)
		if taken := p.Deliver([]byte(st), &p.out); !taken || p.out.Pass != (want == "") || string(p.out.Bytes) != want {
			t.Errorf("%s: taken %t, pass %t, %s", st, taken, p.out.Pass, p.out.Bytes)
		}
	}
	early := newPeer(config())
	early.feed(header)
	if early.Deliver([]byte("<message/>"), &early.out) {
		t.Error("delivered before the handshake")
	}
	p.feed(end)
	if p.Deliver([]byte("<message/>"), &p.out) {
		t.Error("delivered after the end")
	}
}

// tick goes to the next deadline.
func (p *peer) tick(t *testing.T, after int64) {
	t.Helper()
	if due := p.Deadline() - p.now; due != after {
		t.Fatalf("deadline in %d s, want %d", due/second, after/second)
	}
	p.now = p.Deadline()
	p.out.Reset(nil)
	p.Tick(p.now, &p.out)
	p.take()
}

const ping = "<iq from='example' to='" + domain + "' id='1112131415161718' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"

func TestKeepalive(t *testing.T) {
	t.Run("no handshake", func(t *testing.T) {
		p := newPeer(config())
		p.feed(header)
		p.tick(t, 10*second)
		if !errors.Is(p.reason, stanza.StreamError{Condition: stanza.StreamConnectionTimeout}) {
			t.Errorf("reason %v", p.reason)
		}
	})
	t.Run("answers", func(t *testing.T) {
		p := open(t)
		p.now += 30 * second
		p.feed(" ") // white space is a sign of life
		p.now += 30 * second
		p.out.Reset(nil)
		p.Tick(p.now, &p.out) // at the deadline from before
		if p.take(); p.sent != "" {
			t.Fatalf("sent %s", p.sent)
		}
		p.tick(t, 30*second)
		if p.sent != ping {
			t.Fatalf("sent %s", p.sent)
		}
		p.now += second
		p.feed("<iq from='" + domain + "' to='example' id='1112131415161718' type='error'><error type='cancel'/></iq>")
		if len(p.stanzas) > 0 {
			t.Errorf("the answer went on: %q", p.stanzas)
		}
		p.tick(t, 19*second)
		if p.closed {
			t.Errorf("closed: %v", p.reason)
		}
	})
	t.Run("is silent", func(t *testing.T) {
		p := open(t)
		p.tick(t, 60*second)
		p.tick(t, 20*second)
		if !errors.Is(p.reason, stanza.StreamError{Condition: stanza.StreamConnectionTimeout}) {
			t.Errorf("reason %v", p.reason)
		}
	})
	t.Run("white space", func(t *testing.T) {
		cfg := config()
		cfg.PingTime = 0
		p := newPeer(cfg)
		p.feed(header + handshake)
		p.sent = ""
		p.tick(t, 60*second)
		p.tick(t, 60*second)
		if p.sent != "  " || p.closed {
			t.Errorf("sent %q", p.sent)
		}
	})
	t.Run("probed", func(t *testing.T) {
		p := open(t)
		p.now += second
		for range 2 { // the second one is under way already
			p.out.Reset(nil)
			p.Probe(p.now, &p.out)
			p.take()
		}
		if p.sent != ping {
			t.Fatalf("sent %s", p.sent)
		}
		p.tick(t, 5*second)
		if !p.closed {
			t.Error("a probed component need not answer")
		}
	})
	t.Run("another's answer", func(t *testing.T) {
		p := open(t)
		p.tick(t, 60*second)
		p.feed("<iq from='" + domain + "' to='a@example' id='1' type='result'/>")
		if len(p.stanzas) != 1 {
			t.Errorf("got %q", p.stanzas)
		}
	})
}

// However a component's bytes are cut, the same comes of them; what is dispatched
// is from the component's domain.
func FuzzChunks(f *testing.F) {
	f.Add("<message from='a@"+domain+"' to='b@example'><body>x</body></message>", 3)
	f.Add("<iq xmlns='"+stanza.NSAccept+"' id='1' type='get' from='"+domain+"' to='b@example'><q xmlns='"+stanza.NSAccept+"'/></iq>"+end, 1)
	f.Add("<presence from='x@example' to='y'/><stream:error/>", 5)
	f.Fuzz(func(t *testing.T, in string, chunk int) {
		if len(in) > 2000 {
			return
		}
		whole, cut := newPeer(config()), newPeer(config())
		cut.chunk = max(1, chunk&63)
		for _, p := range []*peer{whole, cut} {
			p.feed(header + handshake + in)
		}
		if !slices.Equal(whole.stanzas, cut.stanzas) || whole.sent != cut.sent || whole.closed != cut.closed {
			t.Fatalf("whole: %q %s\ncut: %q %s", whole.stanzas, whole.sent, cut.stanzas, cut.sent)
		}
		for _, st := range whole.stanzas {
			if !strings.Contains(st, domain) {
				t.Errorf("dispatched %s", st)
			}
		}
	})
}

// Nothing is allocated for a stanza in either direction, whether it declares its
// namespace or not.
func TestStanzaAllocatesNothing(t *testing.T) {
	for _, in := range []string{
		"<message from='a@" + domain + "/x' to='b@example/y' type='chat' id='1'><body>hello</body></message>",
		"<message xmlns='" + stanza.NSAccept + "' from='a@" + domain + "/x' to='b@example/y' type='chat' id='1'><body xmlns='" + stanza.NSAccept + "'>hello</body></message>",
	} {
		p := open(t)
		raw, buf := []byte(in), make([]byte, 0, 4096)
		if n := testing.AllocsPerRun(1000, func() {
			p.out.Reset(buf)
			if p.Feed(p.now, raw, &p.out) != len(raw) || !p.out.HasStanza {
				t.Fatal("no stanza")
			}
		}); n != 0 {
			t.Errorf("%g allocations for %s", n, in)
		}
	}
	p := open(t)
	st, buf := []byte("<message from='b@example'><body xmlns='jabber:client'>hello</body></message>"), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(1000, func() {
		p.out.Reset(buf)
		p.Deliver(st, &p.out)
	}); n != 0 {
		t.Errorf("%g allocations to deliver", n)
	}
}
