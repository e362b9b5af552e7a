package s2s_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/s2s"
)

var toB, toA = s2s.Pair{Local: "a.example", Remote: "b.example"}, s2s.Pair{Local: "b.example", Remote: "a.example"}

// unacked are the stanzas that a side gives back.
func (s *side) unacked() (list []string) {
	s.Unacked(func(p s2s.Pair, st []byte, _ s2s.Receipt) bool {
		list = append(list, p.Local+">"+p.Remote+" "+string(st))
		return true
	})
	return list
}

func managedTalk(t *testing.T, change ...func(*s2s.Config)) *talk {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"}, change...)
	k.open(false)
	if !k.a.Managed() || !k.b.Managed() {
		t.Fatalf("stream management: %t, %t", k.a.Managed(), k.b.Managed())
	}
	return k
}

// What was sent is kept until it is acknowledged, on both sides of a stream that
// carries stanzas both ways, and given back in order when it is not.
func TestStreamAcknowledgements(t *testing.T) {
	k := managedTalk(t, func(c *s2s.Config) { c.UnackedStanzas, c.UnackedBytes = 1000, 1<<20 })
	for i := range 70 { // after 64 it asks by itself
		k.deliver(k.a, "a.example", "b.example", strings.Replace(message, "hello", fmt.Sprint(i), 1))
	}
	if n := len(k.a.unacked()); n != 6 {
		t.Errorf("%d are unacknowledged", n)
	}
	k.tick(3 * second)
	if n := len(k.a.unacked()); n != 0 {
		t.Errorf("%d are unacknowledged after the time to ask", n)
	}
	k.deliver(k.b, "b.example", "a.example", back)
	k.deliver(k.a, "a.example", "b.example", message)
	if got := k.b.unacked(); len(got) != 1 || got[0] != "b.example>a.example "+back {
		t.Errorf("b: %q", got)
	}
	if got := k.a.unacked(); len(got) != 1 || got[0] != "a.example>b.example "+message {
		t.Errorf("a: %q", got)
	}
}

// What is still with the disk is not acknowledged, nor what came behind it; it
// is told when it is done.
func TestStreamAcknowledgesWhatIsDealtWith(t *testing.T) {
	k := managedTalk(t)
	var numbers []uint32
	for i := range 3 {
		k.deliver(k.a, "a.example", "b.example", message)
		if i < 2 {
			numbers = append(numbers, k.b.Number())
			k.b.Hold(k.b.Number())
		}
	}
	k.tick(3 * second)
	if n := len(k.a.unacked()); n != 3 {
		t.Fatalf("%d are unacknowledged", n)
	}
	for i, number := range []uint32{numbers[1], numbers[0]} {
		k.b.Handled(number, k.b.begin())
		k.b.took(k.a, nil)
		k.run()
		if n, want := len(k.a.unacked()), 3-3*i; n != want {
			t.Errorf("%d are unacknowledged, want %d", n, want)
		}
	}
}

func TestStreamFull(t *testing.T) {
	k := managedTalk(t)
	for i := range 10 {
		if k.a.Full() {
			t.Fatalf("full with %d", i)
		}
		k.a.Deliver(k.now, toB, []byte(message[:80]), s2s.Receipt{}, k.a.begin())
	}
	if !k.a.Full() {
		t.Error("more than UnackedStanzas are unacknowledged, and more are taken")
	}
}

// A peer that has stream management but does not want it now.
func TestStreamManagementRefused(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"})
	k.a.Connect(&k.a.cfg, toB, true, false, k.now, k.a.begin())
	k.a.SetSecured(k.now, &s2s.Security{Version: "TLS 1.3", Proof: proof{"b.example"}}, k.a.begin())
	k.a.says(strings.Replace(head, "xmlns:db='jabber:server:dialback' ", "", 1) +
		"from='b.example' to='a.example' id='i' version='1.0'><stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>")
	k.a.events = nil // no way to authenticate: refused
	if !k.a.Closed() {
		t.Error("goes on without authentication")
	}
	k.a.Connect(&k.a.cfg, toB, true, false, k.now, k.a.begin())
	k.a.SetSecured(k.now, &s2s.Security{Version: "TLS 1.3", Proof: proof{"b.example"}}, k.a.begin())
	k.a.says(head + "from='b.example' to='a.example' id='i' version='1.0'><stream:features>" +
		"<dialback xmlns='urn:xmpp:features:dialback'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>" +
		"<db:result from='b.example' to='a.example' type='valid'/><failed xmlns='urn:xmpp:sm:3'/>")
	k.a.want("ready a.example b.example by dialback")
	if k.a.Managed() || k.a.Closed() || !k.a.Ready(toB) {
		t.Error("refused stream management is on, or ends the stream")
	}
	k.a.Deliver(k.now, toB, []byte(message), s2s.Receipt{}, k.a.begin())
	if got := k.a.unacked(); got != nil {
		t.Errorf("kept: %q", got)
	}
}

// A stream without use is closed by the side that notices first, and what is on
// its way still arrives.
func TestStreamIdle(t *testing.T) {
	k := newTalk(t, []string{"a.example"}, []string{"b.example"}, unmanaged)
	k.open(false)
	k.b.cfg.IdleTime = 0
	k.now += 700 * second
	k.b.Deliver(k.now, toA, []byte(back), s2s.Receipt{}, k.b.begin()) // on its way
	k.b.took(k.a, []byte(back))
	k.a.Tick(k.now, k.a.begin())
	k.a.took(k.b, nil)
	if !k.a.ended || k.a.Closed() || k.a.Ready(toB) {
		t.Fatalf("ended: %t, closed: %t", k.a.ended, k.a.Closed())
	}
	k.run()
	if len(k.a.stanzas) != 1 || !k.a.Closed() || !k.b.Closed() || k.a.reason != nil {
		t.Errorf("a got %q, closed: %t %t because of %v", k.a.stanzas, k.a.Closed(), k.b.Closed(), k.a.reason)
	}
}

// Silence is answered by what the peer can answer on this stream, and then by
// the end.
func TestStreamSilence(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*s2s.Config)
		sign   string
		ends   bool
	}{
		{"stream management", func(*s2s.Config) {}, "<r xmlns='urn:xmpp:sm:3'/>", true},
		{"both ways", unmanaged, "<ping xmlns='urn:xmpp:ping'/></iq>", true},
		{"one way", func(c *s2s.Config) { c.Manage, c.OneWay = false, true }, " ", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			k := newTalk(t, []string{"a.example"}, []string{"b.example"}, x.change)
			k.open(false)
			before := len(k.a.wire)
			tick := func(after int64) {
				k.now += after
				k.a.Tick(k.now, k.a.begin())
				k.a.took(nil, nil)
			}
			tick(101 * second)
			if got := string(k.a.wire[before:]); !strings.HasSuffix(got, x.sign) {
				t.Errorf("sent %q", got)
			}
			tick(31 * second)
			if k.a.Closed() != x.ends || x.ends && !strings.Contains(string(k.a.wire), "<connection-timeout") {
				t.Errorf("closed: %t, sent %s", k.a.Closed(), k.a.wire[before:])
			}
		})
	}
}

func TestStreamOutOfTime(t *testing.T) {
	b := theirs(t, true, nil)
	b.says(opening)
	b.Tick(b.Deadline(), b.begin())
	b.took(nil, nil)
	if !strings.Contains(string(b.wire), "<connection-timeout") || !b.Closed() {
		t.Errorf("not negotiated: %s", b.wire)
	}
	b = theirs(t, true, nil) // it was here to ask
	b.says(opening + "<db:verify id='i' from='a.example' to='b.example'>k</db:verify>")
	for due := b.Deadline(); !b.Closed() && due != 0; due = b.Deadline() {
		b.Tick(due, b.begin())
		b.took(nil, nil)
	}
	if strings.Contains(string(b.wire), "stream:error") || !b.Closed() {
		t.Errorf("after a question: %s", b.wire)
	}
	k := newTalk(t, nil, nil) // no answer to our key
	k.open(false)
	k.now += 31 * second
	k.a.Tick(k.now, k.a.begin())
	k.a.took(nil, nil)
	if !k.a.Closed() || k.a.reason == nil {
		t.Errorf("no answer: closed: %t, %v", k.a.Closed(), k.a.reason)
	}
}

// FuzzStream: whatever a peer says, no stanza comes out but of a pair that was
// proved, nothing is ready or authorized but by the certificate or the keys, and
// the outcome does not depend on how its bytes arrive.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		opening + external + opening + "<message from='u@a.example' to='v@b.example'><body>x</body></message></stream:stream>",
		opening + "<bidi xmlns='urn:xmpp:bidi'/><db:result from='a.example' to='b.example'>k</db:result><db:result from='c.example' to='b.example'>k</db:result>",
		opening + "<db:verify id='i' from='a.example' to='b.example'>k</db:verify><db:result type='valid' from='c.example' to='b.example'/>",
		opening + external + opening + "<enable xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='0'/>" +
			"<message from='u@c.example' to='v@b.example'/>",
		opening + external + opening + "<message xmlns='jabber:server' from='u@a.example' to='v@b.example'><b:body xmlns:b='jabber:server'/></message>",
	} {
		f.Add(seed, uint8(3))
	}
	f.Fuzz(func(t *testing.T, in string, chunk uint8) {
		outcome := func(size int) string {
			b := theirs(t, true, []string{"a.example"})
			for len(in) > 0 && !b.Closed() && size > 0 {
				n := min(size, len(in)-len(b.fed))
				if n == 0 {
					break
				}
				b.says(in[len(b.fed) : len(b.fed)+n])
				b.fed = in[:len(b.fed)+n]
			}
			for _, st := range b.stanzas {
				if pair, _, _ := strings.Cut(st, " "); pair != "a.example>b.example" && pair != "a.example>bb.example" {
					t.Fatalf("let pass: %s", st)
				}
			}
			for _, e := range b.events {
				if (strings.HasPrefix(e, "ready") || strings.HasPrefix(e, "authorized")) && !strings.Contains(e, " a.example by ") {
					t.Fatalf("%s", e)
				}
			}
			return strings.Join(b.events, "\n") + strings.Join(b.stanzas, "\n") + string(b.wire)
		}
		if one, other := outcome(1<<20), outcome(int(chunk)+1); one != other {
			t.Errorf("in one piece:\n%s\nin pieces of %d:\n%s", one, int(chunk)+1, other)
		}
	})
}
