package session_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

const (
	ns2       = " xmlns='" + session.NSSASL2 + "'"
	nsBind2   = " xmlns='" + session.NSBind2 + "'"
	agentID   = "d4565fa7-4d72-4749-b3d3-740edbf87770"
	userAgent = "<user-agent id='" + agentID + "'><software>Test</software><device>Bench</device></user-agent>"
)

// authenticate2 is an <authenticate/> by PLAIN with more inside.
func authenticate2(user, password, more string) string {
	return "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response>" +
		base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)) + "</initial-response>" + more + "</authenticate>"
}

// success2 is the answer to it.
func success2(jid, more string) string {
	return "<success" + ns2 + "><authorization-identifier>" + jid + "</authorization-identifier>" + more + "</success>"
}

func failure2(condition, text string) string {
	if text != "" {
		text = "<text>" + text + "</text>"
	}
	return "<failure" + ns2 + "><" + condition + " xmlns='" + stanza.NSSASL + "'/>" + text + "</failure>"
}

func bind2(inside string) string { return "<bind" + nsBind2 + ">" + inside + "</bind>" }

// offerBound is what follows a resource that was bound inline.
const (
	offerBound   = "<stream:features><csi xmlns='" + session.NSCSI + "'/></stream:features>"
	offerBoundSM = "<stream:features><csi xmlns='" + session.NSCSI + "'/><sm" + sm + "/></stream:features>"
)

// TestXEP0388_2_6_1_SuccessWithoutRestart: features follow at once, and the client
// goes on with binding as ever.
func TestXEP0388_2_6_1_SuccessWithoutRestart(t *testing.T) {
	p := secured(t, config())
	p.feed(authenticate2("alice", secret, ""))
	p.expect(t, success2("alice@localhost", "")+offerBind)
	p.feed(bind("<resource>r</resource>"))
	p.expect(t, "<iq id='b' type='result'><bind xmlns='"+stanza.NSBind+"'><jid>alice@localhost/r</jid></bind></iq>")
}

// TestXEP0388_SCRAM holds an exchange with challenge, response and additional data.
func TestXEP0388_SCRAM(t *testing.T) {
	creds, err := sasl.Derive(secret, sasl.MinIterations, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := secured(t, config())
	p.answers[session.OpCredentials] = func(op session.Op) session.Result { return session.Result{Credentials: &creds} }
	c, err := sasl.NewClient(sasl.SCRAMSHA256Plus, sasl.ClientConfig{Username: "alice", Password: secret, Binding: &bindings[0],
		Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}, BindingTypes: []string{sasl.TLSExporter}})
	if err != nil {
		t.Fatal(err)
	}
	p.feed("<authenticate" + ns2 + " mechanism='SCRAM-SHA-256-PLUS'><initial-response>\n " +
		base64.StdEncoding.EncodeToString(c.First()) + "\n</initial-response></authenticate>")
	answer, err := c.Next(inside(t, p.sent, "challenge"))
	if err != nil {
		t.Fatal(err)
	}
	p.sent = ""
	p.feed("<response" + ns2 + ">" + base64.StdEncoding.EncodeToString(answer) + "</response>")
	if err := c.Finish(inside(t, p.sent, "additional-data")); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(p.sent, "</additional-data><authorization-identifier>alice@localhost</authorization-identifier></success>"+offerBind) {
		t.Errorf("got %s", p.sent)
	}
}

// inside is the decoded content of an element.
func inside(t testing.TB, s, name string) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(s, "<"+name)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, found := strings.Cut(rest, "</"+name)
	b, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil {
		t.Fatalf("no <%s/> in %s", name, s)
	}
	return b
}

func TestBind2(t *testing.T) {
	cfg := func() *session.Config {
		cfg := managing()
		cfg.Inline = []session.InlineFeature{{Var: "urn:a", Namespace: "urn:a", Name: "enable"}, {Var: "urn:b", Namespace: "urn:b", Name: "on"}}
		return cfg
	}
	ident := session.ClientIdent(cfg().DecoySecret, "alice@localhost", agentID)
	const enabled = "<enabled" + sm + " id='0000000000001234X' resume='true' max='300'/>"
	for _, c := range []struct {
		name, in       string
		resource, says string // R stands for what the server makes up
		inline         uint32
		inactive       bool
	}{
		{"plain", bind2(""), "R", "", 0, false},
		{"tag", bind2("<tag>App</tag>"), "App/R", "", 0, false},
		{"known client", userAgent + bind2(""), ident, "", 0, false},
		{"known client, tag", bind2("<tag>App</tag>") + userAgent, "App/" + ident, "", 0, false},
		{"id in capitals", strings.ReplaceAll(userAgent, agentID, strings.ToUpper(agentID)) + bind2(""), ident, "", 0, false},
		{"tag that is no resource", userAgent + bind2("<tag>\u0378</tag>"), ident, "", 0, false},
		{"tag that is too long", userAgent + bind2("<tag>"+strings.Repeat("x", 1020)+"</tag>"), ident, "", 0, false},
		{"stream management", bind2("<enable" + sm + " resume='true'/>"), "R", enabled, 0, false},
		{"stream management, not resumable", bind2("<enable" + sm + "/>"), "R", "<enabled" + sm + "/>", 0, false},
		{"inactive", bind2("<inactive xmlns='" + session.NSCSI + "'/>"), "R", "", 0, true},
		{"active", bind2("<active xmlns='" + session.NSCSI + "'/>"), "R", "", 0, false},
		{"extensions", bind2("<on xmlns='urn:b'/><enable xmlns='urn:c'/>"), "R", "", 2, false},
		{"all", bind2("<on xmlns='urn:b'/><enable xmlns='urn:a'/><enable" + sm + " resume='1'/><inactive xmlns='" + session.NSCSI + "'/>"), "R", enabled, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := secured(t, cfg())
			p.SetHandle(0x1234)
			p.feed(authenticate2("alice", secret, c.in))
			op := p.ops[len(p.ops)-1]
			if op.Kind != session.OpBind || op.Inline != c.inline {
				t.Fatalf("asked for %+v", op)
			}
			want := strings.Replace(c.resource, "R", op.Resource[strings.IndexByte(op.Resource, '/')+1:], 1)
			if got := p.JID().String(); got != "alice@localhost/"+want {
				t.Errorf("bound %s, want resource %s", got, want)
			}
			if strings.Contains(op.Resource, agentID) {
				t.Errorf("the client's id is in %s", op.Resource)
			}
			if i := strings.Index(p.sent, "0000000000001234"); i >= 0 {
				p.sent = p.sent[:i+16] + "X" + p.sent[i+48:]
			}
			offer := offerBoundSM
			if c.says != "" {
				offer = offerBound
			}
			p.expect(t, success2(p.JID().String(), "<bound"+nsBind2+">"+c.says+"</bound>")+offer)
			if !p.Bound() || p.Inactive() != c.inactive || p.Managed() != (c.says != "") {
				t.Errorf("bound %v, inactive %v, managed %v", p.Bound(), p.Inactive(), p.Managed())
			}
			p.feed("<message/>")
			if len(p.stanzas) != 1 {
				t.Errorf("stanzas %s", p.stanzas)
			}
		})
	}
}

// TestBind2Refused: the client is in, and may ask in the old way what is wrong.
func TestBind2Refused(t *testing.T) {
	p := secured(t, managing())
	p.answers[session.OpBind] = func(session.Op) session.Result {
		return session.Result{Err: stanza.Error{Condition: stanza.ResourceConstraint}}
	}
	p.feed(authenticate2("alice", secret, bind2("<enable"+sm+"/>")))
	p.expect(t, success2("alice@localhost", "")+strings.Replace(offerBind, "</stream:features>", "<sm"+sm+"/></stream:features>", 1))
	if p.Managed() {
		t.Error("stream management is on without a session")
	}
	p.feed(bind(""))
	if !strings.Contains(p.sent, "<resource-constraint") {
		t.Errorf("got %s", p.sent)
	}
}

// TestXEP0198_10_ResumeInline: what cannot be resumed is told within <success/>, and
// a resource bound all the same.
func TestXEP0198_10_ResumeInline(t *testing.T) {
	h := uint32(7)
	for _, c := range []struct {
		name, resume string
		answer       session.Result
		want         string
	}{
		{"unknown", "<resume" + sm + " previd='x' h='1'/>", session.Result{Err: stanza.Error{Condition: stanza.ItemNotFound}}, failed("item-not-found", "")},
		{"too late", "<resume" + sm + " previd='x' h='1'/>", session.Result{Err: stanza.Error{Condition: stanza.ItemNotFound}, H: &h}, failed("item-not-found", " h='7'")},
		{"no h", "<resume" + sm + " previd='x'/>", session.Result{}, failed("bad-request", "")},
		{"no previd", "<resume" + sm + " h='1'/>", session.Result{}, failed("bad-request", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := secured(t, managing())
			p.answers[session.OpResume] = func(op session.Op) session.Result {
				if op.Resume != "x" || op.H != 1 || p.JID().String() != "alice@localhost" {
					t.Errorf("asked for %+v by %s", op, p.JID())
				}
				return c.answer
			}
			p.feed(authenticate2("alice", secret, c.resume+bind2("")))
			p.expect(t, success2(p.JID().String(), c.want+"<bound"+nsBind2+"></bound>")+offerBoundSM)
			q := secured(t, managing())
			q.answers[session.OpResume] = p.answers[session.OpResume]
			p = q
			p.feed(authenticate2("alice", secret, c.resume))
			p.expect(t, success2("alice@localhost", c.want)+strings.Replace(offerBind, "</stream:features>", "<sm"+sm+"/></stream:features>", 1))
		})
	}
}

// TestXEP0198_10_ResumedInline: <success/> carries <resumed/>, no features follow,
// and what was not acknowledged comes at once.
func TestXEP0198_10_ResumedInline(t *testing.T) {
	old := boundTo(t, managing(), "<enable"+sm+" resume='1'/>")
	id := old.ResumeID()
	old.sent = ""
	old.out.Reset(nil)
	old.Detach(old.now, &old.out)
	old.give(message, session.Alone)
	p := secured(t, managing())
	p.feed(authenticate2("alice", secret, "<resume"+sm+" previd='"+id+"' h='0'/>"+bind2("")))
	p.expect(t, "")
	old.out.Reset(nil)
	old.Resume(old.now, &p.Session, 0, &old.out)
	old.take()
	old.expect(t, success2("alice@localhost/r", "<resumed"+sm+" h='0' previd='"+id+"'/>")+message+request)
	old.feed("<message><body>" + strings.Repeat("x", 20_000) + "</body></message>") // the limits are those after login
	if len(old.stanzas) != 1 {
		t.Errorf("got %s", old.sent)
	}
}

// TestSASL2IsRefused: the conditions of RFC 6120 §6.5 in the syntax of XEP-0388, and
// the stream goes on.
func TestSASL2IsRefused(t *testing.T) {
	const twice = "an element is there twice, or is not as it should be"
	for _, c := range []struct{ name, in, want string }{
		{"wrong password", authenticate2("alice", "guess", bind2("")), failure2("not-authorized", "")},
		{"unknown mechanism", "<authenticate" + ns2 + " mechanism='FOO'/>", failure2("invalid-mechanism", "")},
		{"no mechanism", "<authenticate" + ns2 + "/>", failure2("invalid-mechanism", "")},
		{"not base64", "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response>!</initial-response></authenticate>", failure2("incorrect-encoding", "not base64")},
		{"child in the response", "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response><x/></initial-response></authenticate>", failure2("incorrect-encoding", "not base64")},
		{"empty response", "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response/></authenticate>", failure2("malformed-request", "expected authzid NUL authcid NUL passwd")},
		{"two responses", authenticate2("alice", secret, "<initial-response/>"), failure2("malformed-request", twice)},
		{"two agents", authenticate2("alice", secret, userAgent+userAgent), failure2("malformed-request", twice)},
		{"two binds", authenticate2("alice", secret, bind2("")+bind2("")), failure2("malformed-request", twice)},
		{"two resumes", authenticate2("alice", secret, "<resume"+sm+"/><resume"+sm+"/>"), failure2("malformed-request", twice)},
		{"agent without a UUID", authenticate2("alice", secret, "<user-agent id='me'/>"), failure2("malformed-request", twice)},
		{"agent with a UUID that is none", authenticate2("alice", secret, "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf8777g'/>"), failure2("malformed-request", twice)},
		{"acts as somebody else", "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response>" + base64.StdEncoding.EncodeToString([]byte("bob@localhost\x00alice\x00secret")) +
			"</initial-response></authenticate>", failure2("invalid-authzid", "authorization identity is not the authenticated account")},
		{"response alone", "<response" + ns2 + "/>", failure2("malformed-request", "out of order")},
		{"abort alone", "<abort" + ns2 + "/>", failure2("malformed-request", "out of order")},
		{"next alone", "<next" + ns2 + "/>", failure2("malformed-request", "out of order")},
		{"task data alone", "<task-data" + ns2 + "/>", failure2("malformed-request", "out of order")},
		{"aborted", "<authenticate" + ns2 + " mechanism='PLAIN'/><abort" + ns2 + "><text>no</text></abort>", "<challenge" + ns2 + "></challenge>" + failure2("aborted", "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := secured(t, managing())
			p.feed(c.in)
			p.expect(t, c.want)
			if !p.JID().IsZero() {
				t.Errorf("is %s", p.JID())
			}
			for _, op := range p.ops {
				if op.Kind == session.OpBind || op.Kind == session.OpResume {
					t.Errorf("asked for %+v", op)
				}
			}
			p.feed(plain("alice", secret)) // the other profile is not in the way
			p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
		})
	}
}

// TestXEP0388_2_4_Disconnects: nothing else is said while authentication is under way.
func TestXEP0388_2_4_Disconnects(t *testing.T) {
	const begun = "<authenticate" + ns2 + " mechanism='PLAIN'/>"
	for _, in := range []string{
		" ", "\n", "<message/>", "<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>", begun, "<next" + ns2 + "/>", "<task-data" + ns2 + "/>",
		"<success" + ns2 + "/>", "<response xmlns='" + stanza.NSSASL + "'/>", plain("alice", secret), starttls, "<r" + sm + "/>", "<foo xmlns='urn:x'/>",
	} {
		p := secured(t, managing())
		p.feed(begun)
		p.expect(t, "<challenge"+ns2+"></challenge>")
		p.feed(in)
		p.expectFailure(t, stanza.StreamPolicyViolation)
	}
}

// TestXEP0388_4_10_OnceOnly: after <success/> there is no other <authenticate/>.
func TestXEP0388_4_10_OnceOnly(t *testing.T) {
	for _, more := range []string{"", bind2("")} {
		p := secured(t, config())
		p.feed(authenticate2("alice", secret, more) + authenticate2("alice", secret, more))
		p.expectFailure2(t, stanza.StreamUnsupportedStanzaType)
	}
}

// expectFailure2 is expectFailure behind what went well.
func (p *peer) expectFailure2(t testing.TB, condition stanza.StreamCondition) {
	t.Helper()
	if !p.closed || !errors.Is(p.reason, stanza.StreamError{Condition: condition}) {
		t.Fatalf("closed %v because of %v, want %s", p.closed, p.reason, condition)
	}
}

func TestSASL2AttemptsAreBounded(t *testing.T) {
	p := secured(t, config())
	for range 3 {
		p.feed(authenticate2("alice", "guess", ""))
	}
	p.expectFailure2(t, stanza.StreamPolicyViolation)
}

// TestXEP0388_3_TLSOnly: neither offered nor taken in the clear.
func TestXEP0388_3_TLSOnly(t *testing.T) {
	cfg := config()
	cfg.AllowPlaintext = true
	p := newPeer(cfg)
	p.feed(header)
	if strings.Contains(p.sent, session.NSSASL2) {
		t.Errorf("got %s", p.sent)
	}
	p.sent = ""
	p.feed(authenticate2("alice", secret, ""))
	p.expect(t, failure2("encryption-required", ""))
}

// TestXEP0388_2_1_From: from is of the stream's domain, and an authorization
// identity is that of from.
func TestXEP0388_2_1_From(t *testing.T) {
	from := func(who string) string { return strings.Replace(header, " to=", " from='"+who+"' to=", 1) }
	asAlice := "<authenticate" + ns2 + " mechanism='PLAIN'><initial-response>" +
		base64.StdEncoding.EncodeToString([]byte("alice@localhost\x00alice\x00secret")) + "</initial-response></authenticate>"
	for _, c := range []struct {
		from, in, want string
	}{
		{"alice@localhost", asAlice, success2("alice@localhost", "")},
		{"ALICE@localhost/r", asAlice, success2("alice@localhost", "")},
		{"bob@localhost", asAlice, failure2("invalid-authzid", "not the from of the stream")},
		{"bob@localhost", authenticate2("alice", secret, ""), success2("alice@localhost", "")},
		{"alice@other.example", "", "invalid-from"},
		{"", asAlice, success2("alice@localhost", "")},
	} {
		p := newPeer(config())
		p.feed(header + starttls)
		p.feed(from(c.from))
		if p.closed {
			if !errors.Is(p.reason, stanza.StreamError{Condition: stanza.StreamCondition(c.want)}) {
				t.Errorf("from %q: closed because of %v", c.from, p.reason)
			}
			continue
		}
		p.sent = ""
		p.feed(c.in)
		if !strings.HasPrefix(p.sent, c.want) {
			t.Errorf("from %q: got %s, want %s", c.from, p.sent, c.want)
		}
	}
}
