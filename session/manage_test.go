package session_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/stanza"
)

const (
	sm      = " xmlns='" + session.NSManage + "'"
	message = "<message from='bob@localhost/b' to='alice@localhost/r'><body>hi</body></message>"
	request = session.AckRequest
)

// managing offers stream management with small bounds.
func managing() *session.Config {
	cfg := config()
	cfg.PingTime = 10 * second
	cfg.Management = &session.Management{Window: 300 * second, Bytes: 1000, Stanzas: 8, AskStanzas: 3, AskTime: 5 * second}
	return cfg
}

// boundTo has bound a resource and sent first.
func boundTo(t testing.TB, cfg *session.Config, first string) *peer {
	t.Helper()
	p := binding(t, cfg)
	p.SetHandle(0x1234)
	p.feed(bind("<resource>r</resource>"))
	p.sent = ""
	p.feed(first)
	return p
}

// give gives a stanza as the router does.
func (p *peer) give(st string, how session.Delivery) {
	p.out.Reset(nil)
	p.Deliver(p.now, []byte(st), how, &p.out)
	p.take()
	if p.out.Pass {
		p.sent += st
		p.ask()
	}
}

func (p *peer) unacked() (all []string) {
	for u := range p.Unacked {
		all = append(all, string(u.Stanza))
	}
	return all
}

func failed(condition stanza.Condition, attr string) string {
	return "<failed" + sm + attr + "><" + string(condition) + " xmlns='" + stanza.NSStanzas + "'/></failed>"
}

func TestManagementIsOffered(t *testing.T) {
	for _, offered := range []bool{false, true} {
		cfg := config()
		if offered {
			cfg = managing()
		}
		p := secured(t, cfg)
		p.feed(plain("alice", secret) + header)
		if strings.Contains(p.sent, "<sm"+sm+"/>") != offered {
			t.Errorf("offered %v: %s", offered, p.sent)
		}
	}
}

// The elements of XEP-0198 §3, §4 and §6 on a bound stream.
func TestManagementElements(t *testing.T) {
	const plainEnable = "<enable" + sm + "/>"
	const unexpected = "unexpected-request"
	id := "0000000000001234" // and 32 digits that differ
	for _, c := range []struct{ name, in, want string }{
		{"enable", plainEnable, "<enabled" + sm + "/>"},
		{"enable, resume='false'", "<enable" + sm + " resume='false'/>", "<enabled" + sm + "/>"},
		{"enable, resume", "<enable" + sm + " resume='true'/>", "<enabled" + sm + " id='" + id + "X' resume='true' max='300'/>"},
		{"enable, resume as a number", "<enable" + sm + " resume='1'/>", "<enabled" + sm + " id='" + id + "X' resume='true' max='300'/>"},
		{"enable, shorter", "<enable" + sm + " resume='1' max='60'/>", "<enabled" + sm + " id='" + id + "X' resume='true' max='60'/>"},
		{"enable, longer", "<enable" + sm + " resume='1' max='6000'/>", "<enabled" + sm + " id='" + id + "X' resume='true' max='300'/>"},
		{"enable, not at all", "<enable" + sm + " resume='1' max='0'/>", "<enabled" + sm + "/>"},
		{"r", plainEnable + "<r" + sm + "/>", "<enabled" + sm + "/><a" + sm + " h='0'/>"},
		{"r before enable", "<r" + sm + "/>", failed(unexpected, "")},
		{"a before enable", "<a" + sm + " h='0'/>", failed(unexpected, "")},
		{"resume when bound", "<resume" + sm + " previd='x' h='0'/>", failed(unexpected, "")},
		{"stanzas before enable do not count", message + plainEnable + "<r" + sm + "/>", "<enabled" + sm + "/><a" + sm + " h='0'/>"},
		{"stanzas count, other elements do not", plainEnable + "<message/><presence/><r" + sm + "/><inactive xmlns='" + session.NSCSI + "'/><r" + sm + "/>",
			"<enabled" + sm + "/><a" + sm + " h='2'/><a" + sm + " h='2'/>"},
		{"a of nothing", plainEnable + "<a" + sm + " h='0'/>", "<enabled" + sm + "/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := boundTo(t, managing(), strings.ReplaceAll(c.in, message, "<message/>"))
			if i := strings.Index(p.sent, id); i >= 0 {
				end := i + len(id)
				p.sent = p.sent[:end] + "X" + p.sent[end+32:]
			}
			p.expect(t, c.want)
			if p.closed {
				t.Errorf("closed: %v", p.reason)
			}
		})
	}
}

func TestManagementEndsStreams(t *testing.T) {
	for _, c := range []struct {
		name, in  string
		condition stanza.StreamCondition
		says      string
	}{
		{"XEP-0198 §3: twice", "<enable" + sm + "/><enable" + sm + "/>", stanza.StreamPolicyViolation, failed("unexpected-request", "")},
		{"XEP-0198 §6: too high", "<enable" + sm + "/><a" + sm + " h='10'/>", stanza.StreamUndefinedCondition,
			"<handled-count-too-high" + sm + " h='10' send-count='0'/></stream:error>"},
		{"no h", "<enable" + sm + "/><a" + sm + "/>", stanza.StreamPolicyViolation, ""},
		{"h of 33 bits", "<enable" + sm + "/><a" + sm + " h='4294967296'/>", stanza.StreamPolicyViolation, ""},
		{"negative h", "<enable" + sm + "/><a" + sm + " h='-1'/>", stanza.StreamPolicyViolation, ""},
		{"unknown", "<x" + sm + "/>", stanza.StreamUnsupportedStanzaType, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := boundTo(t, managing(), c.in)
			if !strings.Contains(p.sent, c.says) || !strings.Contains(p.sent, "<stream:error><"+string(c.condition)+" ") || !p.closed {
				t.Fatalf("got %s", p.sent)
			}
		})
	}
}

// XEP-0198 §3: not before a resource is bound.
func TestManagementBeforeBinding(t *testing.T) {
	p := secured(t, managing())
	p.feed("<enable" + sm + "/>")
	p.expect(t, failed("unexpected-request", ""))
	p.feed(plain("alice", secret) + header)
	p.sent = ""
	p.feed("<enable" + sm + "/>")
	p.expect(t, failed("unexpected-request", ""))
	p.feed("<resume" + sm + " h='0'/>")
	p.expect(t, failed("bad-request", ""))
	seven := uint32(7)
	p.answers[session.OpResume] = func(op session.Op) session.Result {
		if op.Resume != "a&b" || op.H != 3 {
			t.Errorf("%+v", op)
		}
		return session.Result{Err: stanza.Error{Condition: stanza.ItemNotFound}, H: &seven}
	}
	p.feed("<resume" + sm + " h='3' previd='a&amp;b'/>")
	p.expect(t, failed("item-not-found", " h='7'"))
	p.feed(bind("<resource>r</resource>")) // XEP-0198 §5: binding is still allowed
	if !p.Bound() {
		t.Fatalf("not bound: %s", p.sent)
	}
}

// A stanza that is being handled is not acknowledged before that is over, nor
// is what comes behind it.
func TestAckWaitsForHandling(t *testing.T) {
	p := boundTo(t, managing(), "<enable"+sm+" resume='1'/>")
	p.sent = ""
	p.feed("<message/>")
	p.Wait()
	p.feed("<r" + sm + "/>")
	p.expect(t, "")
	if p.Handled() != 0 {
		t.Errorf("handled %d while the stanza is being handled", p.Handled())
	}
	p.complete(session.Result{})
	p.goOn()
	p.expect(t, "<a"+sm+" h='1'/>")
}

// All that goes to a client is counted: what is delivered and what the server
// itself answers.
func TestEveryStanzaOutCounts(t *testing.T) {
	cfg := managing()
	cfg.Management.AskStanzas = 100
	p := boundTo(t, cfg, "<enable"+sm+"/>")
	p.give(message, session.Alone)
	p.feed("<iq type='set' id='s'><session xmlns='" + stanza.NSSession + "'/></iq>")
	p.feed("<iq type='get'/>") // without id: bad-request
	p.tick(p.Deadline())       // asks, which is no stanza
	p.feed("<a" + sm + " h='3'/>")
	p.tick(p.now + 70*second) // a ping
	if p.Sent() != 4 || p.Acked() != 3 {
		t.Fatalf("sent %d, acknowledged %d: %s", p.Sent(), p.Acked(), p.sent)
	}
	if all := p.unacked(); len(all) != 1 || !strings.Contains(all[0], "<ping") {
		t.Errorf("unacknowledged: %q", all)
	}
	p.feed("<a" + sm + " h='5'/>")
	p.sent = p.sent[strings.Index(p.sent, "<stream:error>"):]
	p.expectFailure(t, stanza.StreamUndefinedCondition)
}

// The server asks after AskStanzas, and once only; after AskTime; and at once
// for what somebody keeps.
func TestServerAsks(t *testing.T) {
	p := boundTo(t, managing(), "<enable"+sm+"/>")
	p.sent = ""
	for range 5 {
		p.give("<message/>", session.Alone)
	}
	p.expect(t, "<message/><message/><message/>"+request+"<message/><message/>")
	p.feed("<a" + sm + " h='5'/>")
	p.give("<message/>", session.KeptLast)
	p.give("<message/>", session.KeptLast)
	p.expect(t, "<message/>"+request+"<message/>")
	p.feed("<a" + sm + " h='6'/>") // somebody waits for the other one
	p.expect(t, request)
	p.feed("<a" + sm + " h='7'/>")
	p.expect(t, "")
	p.tick(p.Deadline())
	p.give("<message/>", session.Alone)
	p.expect(t, "<message/>")
	p.tick(p.now + 5*second)
	p.expect(t, request)
	p.feed("<a" + sm + " h='8'/>")
	p.give("<message/>", session.Alone) // as soon as before, though there was a request
	p.tick(p.now + 5*second)
	p.expect(t, "<message/>"+request)
}

// A client that says nothing after a request for an acknowledgement is lost:
// the session waits for a resumption, or ends.
func TestSilenceAfterRequest(t *testing.T) {
	for _, resume := range []string{"true", "false"} {
		p := boundTo(t, managing(), "<enable"+sm+" resume='"+resume+"'/>")
		p.give("<message/>", session.KeptLast)
		p.sent = ""
		p.out.Reset(nil)
		p.Tick(p.now+10*second, &p.out)
		if lost := p.out.Lost; lost != (resume == "true") || p.out.Close == lost {
			t.Errorf("resume=%s: lost %v, closed %v", resume, lost, p.out.Close)
		}
	}
}

// Counters go from 2^32-1 to 0.
func TestCountersWrap(t *testing.T) {
	p := boundTo(t, managing(), "<enable"+sm+"/>")
	session.SetCounters(&p.Session, 1<<32-2)
	for range 4 {
		p.give("<message/>", session.Alone)
		p.feed("<message/>")
	}
	p.sent = ""
	p.feed("<r" + sm + "/>")
	p.expect(t, "<a"+sm+" h='2'/>")
	p.feed("<a" + sm + " h='4294967295'/>")
	if len(p.unacked()) != 3 {
		t.Errorf("%q", p.unacked())
	}
	p.feed("<a" + sm + " h='2'/>")
	if len(p.unacked()) != 0 || p.closed {
		t.Errorf("%q, closed %v", p.unacked(), p.closed)
	}
	p.feed("<a" + sm + " h='4294967295'/>") // late: it says nothing new
	if p.closed {
		t.Errorf("closed: %s", p.sent)
	}
	p.feed("<a" + sm + " h='3'/>")
	if !p.closed || !strings.Contains(p.sent, "send-count='2'") {
		t.Errorf("more than was sent: %s", p.sent)
	}
}

// The bounds of the queue end the session; all is there to be dealt with.
func TestUnackedBounds(t *testing.T) {
	for _, c := range []struct {
		name     string
		stanza   string
		fit      int
		detached bool
	}{
		{"number", "<message/>", 8, false},
		{"bytes", "<message>" + strings.Repeat("x", 481) + "</message>", 2, false},
		{"number, detached", "<message/>", 8, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := boundTo(t, managing(), "<enable"+sm+" resume='1'/>")
			if c.detached {
				p.out.Reset(nil)
				if until := p.Detach(p.now, &p.out); until != p.now+300*second {
					t.Fatalf("until %d", until)
				}
			}
			for range c.fit {
				p.give(c.stanza, session.Alone)
			}
			if p.closed {
				t.Fatal("closed too early")
			}
			p.sent = ""
			p.give(c.stanza, session.Alone)
			p.expectFailure(t, stanza.StreamResourceConstraint)
			if len(p.unacked()) != c.fit+1 {
				t.Errorf("%d are left", len(p.unacked()))
			}
		})
	}
}

// XEP-0198 §5: what was not acknowledged comes again, then what came meanwhile.
func TestResume(t *testing.T) {
	old := boundTo(t, managing(), "<enable"+sm+" resume='1'/><message/><message/>")
	for i := range 3 {
		old.give(fmt.Sprintf("<message id='%d'/>", i), session.Alone)
	}
	old.feed("<inactive xmlns='" + session.NSCSI + "'/>")
	held := "<presence from='bob@localhost/b'/>"
	old.give(held, session.Alone)
	old.sent = ""
	old.out.Reset(nil)
	old.Detach(old.now, &old.out)
	old.give("<message id='3'/>", session.Alone)
	old.expect(t, "")
	id := old.ResumeID()
	p := binding(t, managing())
	if handle, ok := session.ResumeHandle(id); !ok || handle != 0x1234 || !old.Claims(id, p.JID()) {
		t.Fatalf("id %s", id)
	}
	if old.Claims(id[:len(id)-1]+"x", p.JID()) || old.CanAck(6) || !old.CanAck(5) || !old.CanAck(0) {
		t.Error("a wrong claim is taken")
	}
	p.feed("<resume" + sm + " previd='" + id + "' h='1'/>")
	old.out.Reset(nil)
	old.Resume(old.now, &p.Session, 1, &old.out)
	old.take()
	old.expect(t, "<resumed"+sm+" h='2' previd='"+id+"'/><message id='1'/><message id='2'/>"+held+"<message id='3'/>"+request)
	old.feed("<a" + sm + " h='5'/><message/><r" + sm + "/>")
	old.expect(t, "<a"+sm+" h='3'/>")
	if !old.Bound() || old.Inactive() || !p.Closed() || len(old.unacked()) != 0 {
		t.Errorf("bound %v, inactive %v, closed %v, unacknowledged %q", old.Bound(), old.Inactive(), p.Closed(), old.unacked())
	}
}

// The counters wrap in both directions between what was acknowledged last and the
// resumption (XEP-0198 §4), also when a restart comes in between.
func TestResumeWhenCountersWrap(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		cfg := managing()
		old := boundTo(t, cfg, "<enable"+sm+" resume='1'/>")
		session.SetCounters(&old.Session, 1<<32-2)
		for i := range 4 { // h of them is 2^32-1, 0, 1 and 2
			old.give(fmt.Sprintf("<message id='%d'/>", i), session.Alone)
		}
		old.feed("<message/><message/><message/><a" + sm + " h='4294967295'/>")
		old.sent = ""
		old.out.Reset(nil)
		old.Detach(old.now, &old.out)
		if restarted {
			state, unacked := old.AppendState(nil), slices.Collect(old.Unacked)
			again := session.Session{}
			if err := again.RestoreState(cfg, old.now, state); err != nil {
				t.Fatal(err)
			}
			for _, u := range unacked {
				again.RestoreStanza(u, &old.out)
			}
			old.Session = again
		}
		for h, can := range map[uint32]bool{1<<32 - 1: true, 0: true, 2: true, 3: false, 1 << 31: false} {
			if old.CanAck(h) != can {
				t.Errorf("restarted %v: h=%d is taken: %v", restarted, h, !can)
			}
		}
		if !old.Forgets(1<<32-2) || old.Forgets(1<<32-1) || old.Forgets(0) {
			t.Errorf("restarted %v: what is forgotten is told wrongly", restarted)
		}
		p := binding(t, cfg)
		p.feed("<resume" + sm + " previd='" + old.ResumeID() + "' h='1'/>")
		old.out.Reset(nil)
		old.Resume(old.now, &p.Session, 1, &old.out)
		old.take()
		old.expect(t, "<resumed"+sm+" h='1' previd='"+old.ResumeID()+"'/><message id='3'/>"+request)
		old.feed("<a" + sm + " h='2'/><message/><r" + sm + "/>")
		old.expect(t, "<a"+sm+" h='2'/>")
		if n := len(old.unacked()); n != 0 {
			t.Errorf("restarted %v: %d stanzas are unacknowledged", restarted, n)
		}
	}
}

func TestResumeHandle(t *testing.T) {
	for _, id := range []string{"", "0000000000001234", "000000000000123gabcd", "xyz", strings.Repeat("é", 20)} {
		if handle, ok := session.ResumeHandle(id); ok {
			t.Errorf("%q: %x", id, handle)
		}
	}
}

// An acknowledged queue holds no memory, and a busy one uses it again.
func TestUnackedMemory(t *testing.T) {
	cfg := managing()
	cfg.Management.AskStanzas = 1000
	p := boundTo(t, cfg, "<enable"+sm+"/>")
	h, st := 0, []byte(message)
	buf := make([]byte, 0, 256)
	turn := func() {
		for range 4 {
			p.out.Reset(buf)
			p.Deliver(p.now, st, session.Alone, &p.out)
		}
		h += 4
		in := fmt.Appendf(buf, "<a"+sm+" h='%d'/>", h)
		p.out.Reset(nil)
		p.Feed(p.now, in, &p.out)
	}
	turn()
	if n := testing.AllocsPerRun(100, turn); n > 1 { // the number, boxed for Appendf
		t.Errorf("%v allocations a turn", n)
	}
}
