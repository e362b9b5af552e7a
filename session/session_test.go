package session_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/parser"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

const (
	second   = int64(1_000_000_000)
	header   = "<stream:stream xmlns='jabber:client' xmlns:stream='" + stanza.NSStream + "' to='localhost' version='1.0'>"
	starttls = "<starttls xmlns='" + stanza.NSTLS + "'/>"
	// answerHeader is the server's header, with X in place of the id.
	answerHeader = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + stanza.NSStream + "' id='X' from='localhost' version='1.0' xml:lang='en'>"
	end          = "</stream:stream>"
	secret       = "secret"
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

// peer drives a session as an engine does and keeps all that comes out.
type peer struct {
	session.Session
	out  session.Out
	now  int64
	kept []byte // not consumed yet

	sent    string // not taken by a test yet
	stanzas []string
	ops     []session.Op
	answers map[session.OpKind]func(session.Op) session.Result
	tls     bool
	closed  bool
	reason  error
}

func config() *session.Config {
	return &session.Config{
		Serves:       func(d string) bool { return d == "localhost" || d == "other.example" },
		StartTLS:     true,
		AuthAttempts: 3,
		PreAuthTime:  10 * second,
		IdleTime:     60 * second,
		Random:       new(counting),
		DecoySecret:  []byte("0123456789abcdef"),
	}
}

func newPeer(cfg *session.Config) *peer {
	p := &peer{now: 1000 * second}
	p.out.Scanner = parser.NewScanner()
	p.Open(cfg, p.now)
	p.answers = map[session.OpKind]func(session.Op) session.Result{
		session.OpVerify: func(op session.Op) session.Result {
			return session.Result{OK: op.Local == "alice" && op.Password == secret}
		},
		session.OpBind: func(op session.Op) session.Result {
			j, err := jid.New(op.Local, op.Domain, op.Resource)
			return session.Result{JID: j, Err: err}
		},
	}
	return p
}

var bindings = []sasl.Binding{{Type: sasl.TLSExporter, Data: make([]byte, 32)}}

// feed gives input; it is copied and overwritten afterwards.
func (p *peer) feed(in string) {
	p.kept = append(p.kept, in...)
	p.goOn()
}

func (p *peer) goOn() {
	for len(p.kept) > 0 {
		p.out.Reset(nil)
		n := p.Feed(p.now, p.kept, &p.out)
		if p.out.HasStanza {
			v := &p.out.Stanza.View
			p.stanzas = append(p.stanzas, fmt.Sprintf("%s to %s: %s", v.Kind, p.out.Stanza.To.String(), v.Frame.Raw()))
		}
		startTLS := p.out.StartTLS
		p.take()
		rest := copy(p.kept, p.kept[n:])
		p.kept = p.kept[:rest]
		if startTLS {
			p.tls, p.kept = true, nil
			p.SetSecured(bindings)
		}
		if n == 0 {
			return
		}
	}
}

// take takes over what the last call put into out, and answers operations.
func (p *peer) take() {
	p.sent += string(p.out.Bytes)
	if p.out.Close {
		p.closed, p.reason = true, p.out.Reason
	}
	if op := p.out.Op; op.Kind != session.OpNone {
		p.ops = append(p.ops, op)
		if answer := p.answers[op.Kind]; answer != nil {
			p.complete(answer(op))
		}
	}
	if !p.out.Pass {
		p.ask()
	}
}

// ask is the end of a turn.
func (p *peer) ask() {
	if p.Asks() {
		p.out.Reset(nil)
		p.Ask(p.now, &p.out)
		p.sent += string(p.out.Bytes)
	}
}

func (p *peer) complete(r session.Result) {
	p.out.Reset(nil)
	p.Complete(p.now, &r, &p.out)
	p.take()
}

func (p *peer) tick(now int64) {
	p.now = now
	p.out.Reset(nil)
	p.Tick(now, &p.out)
	p.take()
}

// expect takes what was sent, ids of streams aside.
func (p *peer) expect(t testing.TB, want string) {
	t.Helper()
	got := p.sent
	p.sent = ""
	if i := strings.Index(got, " id='"); strings.HasPrefix(got, "<?xml") && i > 0 {
		n := strings.IndexByte(got[i+5:], '\'')
		got = got[:i+5] + "X" + got[i+5+n:]
	}
	if got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

// expectFailure takes a stream error of that condition and the end.
func (p *peer) expectFailure(t testing.TB, condition stanza.StreamCondition) {
	t.Helper()
	if !strings.Contains(p.sent, "<stream:error><"+string(condition)+" xmlns='"+stanza.NSStreams+"'/>") || !strings.HasSuffix(p.sent, "</stream:error>"+end) {
		t.Fatalf("got %s, want %s", p.sent, condition)
	}
	if !p.closed || !p.Closed() || !errors.Is(p.reason, stanza.StreamError{Condition: condition}) {
		t.Fatalf("closed %v because of %v, want %s", p.closed, p.reason, condition)
	}
	p.sent = ""
}

func plain(user, password string) string {
	return auth(sasl.Plain, base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)))
}

func auth(mechanism, content string) string {
	return "<auth xmlns='" + stanza.NSSASL + "' mechanism='" + mechanism + "'>" + content + "</auth>"
}

func bind(resource string) string {
	return "<iq type='set' id='b'><bind xmlns='" + stanza.NSBind + "'>" + resource + "</bind></iq>"
}

// secured has gone through STARTTLS and opened the stream again.
func secured(t testing.TB, cfg *session.Config) *peer {
	t.Helper()
	p := newPeer(cfg)
	p.feed(header + starttls)
	if !p.tls {
		t.Fatalf("no TLS: %s", p.sent)
	}
	p.feed(header)
	p.sent = ""
	return p
}

// binding has logged in as alice.
func binding(t testing.TB, cfg *session.Config) *peer {
	t.Helper()
	p := secured(t, cfg)
	p.feed(plain("alice", secret))
	p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
	p.feed(header)
	p.sent = ""
	return p
}

// bound is alice@localhost/r.
func bound(t testing.TB, cfg *session.Config) *peer {
	t.Helper()
	p := binding(t, cfg)
	p.feed(bind("<resource>r</resource>"))
	if p.sent = ""; !p.Bound() || p.JID().String() != "alice@localhost/r" {
		t.Fatalf("bound %v as %s", p.Bound(), p.JID())
	}
	return p
}

const (
	offerTLS = "<stream:features><starttls xmlns='" + stanza.NSTLS + "'><required/></starttls></stream:features>"
	offerAll = "<stream:features><mechanisms xmlns='" + stanza.NSSASL + "'><mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>" +
		"<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms>" +
		"<sasl-channel-binding xmlns='" + stanza.NSSASLCB + "'><channel-binding type='tls-exporter'/></sasl-channel-binding>" +
		"<authentication xmlns='" + session.NSSASL2 + "'><mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>" +
		"<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism>" +
		"<inline><bind xmlns='" + session.NSBind2 + "'><inline><feature var='" + session.NSCSI + "'/></inline></bind></inline></authentication></stream:features>"
	offerBind = "<stream:features><bind xmlns='" + stanza.NSBind + "'/><session xmlns='" + stanza.NSSession + "'><optional/></session><csi xmlns='" + session.NSCSI + "'/></stream:features>"
)

func TestWholeNegotiation(t *testing.T) {
	p := newPeer(config())
	p.feed(header)
	p.expect(t, answerHeader+offerTLS)
	p.feed(starttls + "<auth xmlns='injected'/>") // RFC 6120 §5.3.4
	p.expect(t, "<proceed xmlns='"+stanza.NSTLS+"'/>")
	if !p.Secured() {
		t.Error("not secured")
	}
	p.feed(strings.Replace(header, " to=", " from='alice@localhost' xml:lang='cs' to=", 1))
	p.expect(t, strings.Replace(answerHeader, " from='localhost'", " from='localhost' to='alice@localhost'", 1)+offerAll)
	p.feed(plain("alice", secret))
	p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
	if p.JID().String() != "alice@localhost" || p.Mechanism() != "PLAIN" {
		t.Errorf("%s by %s", p.JID(), p.Mechanism())
	}
	p.feed("<?xml version='1.0'?>" + strings.Replace(header, " to=", " xml:lang='de' to=", 1))
	p.expect(t, answerHeader+offerBind)
	if p.Lang() != "de" {
		t.Errorf("lang %q", p.Lang())
	}
	p.feed(bind("<resource>desk top</resource>"))
	p.expect(t, "<iq id='b' type='result'><bind xmlns='"+stanza.NSBind+"'><jid>alice@localhost/desk top</jid></bind></iq>")
	p.feed("<iq type='set' id='s' to='localhost'><session xmlns='" + stanza.NSSession + "'/></iq>")
	p.expect(t, "<iq from='localhost' to='alice@localhost/desk top' id='s' type='result'/>")
	p.feed("<message to='BOB@localhost'><body>x</body></message> <presence/>")
	if got := strings.Join(p.stanzas, ";"); got != "message to bob@localhost: <message to='BOB@localhost'><body>x</body></message>;presence to : <presence/>" {
		t.Errorf("stanzas %s", got)
	}
	p.feed(end)
	p.expect(t, end)
	if !p.closed || p.reason != nil {
		t.Errorf("closed %v because of %v", p.closed, p.reason)
	}
	p.feed("<message/>")
	p.expect(t, "")
}

// TestSplitsChangeNothing: the same comes out however the input is cut.
func TestSplitsChangeNothing(t *testing.T) {
	input := header + plain("alice", "guess") + plain("alice", secret) + "<?xml version='1.0'?>\n" + header +
		"<iq type='set'><bind xmlns='" + stanza.NSBind + "'/></iq>" + bind("") +
		"<message to='bob@localhost'><body>é &amp; 🦊<![CDATA[<]]></body></message> <iq type='get' id='1'/>\n" +
		"<message to='@'/><presence type='unavailable'/>" + end + "<ignored/>"
	trace := func(pieces ...string) string {
		p := newPeer(config())
		p.feed(header + starttls)
		for _, piece := range pieces {
			p.feed(piece)
		}
		return fmt.Sprintf("%s %v %v %v %v", p.sent, p.stanzas, p.ops, p.closed, p.reason)
	}
	whole := trace(input)
	if !strings.Contains(whole, "not-authorized") || !strings.Contains(whole, "message to bob") || !strings.Contains(whole, "jid-malformed") || !strings.HasSuffix(whole, "true <nil>") {
		t.Fatalf("the conversation did not come about: %s", whole)
	}
	for i := range len(input) + 1 {
		if got := trace(input[:i], input[i:]); got != whole {
			t.Fatalf("split at %d, after %q:\n got %s\nwant %s", i, input[:i], got, whole)
		}
	}
	if got := trace(strings.Split(input, "")...); got != whole {
		t.Errorf("byte by byte:\n got %s\nwant %s", got, whole)
	}
}

func TestHeaderIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	cfg := config()
	for range 10 {
		p := newPeer(cfg)
		p.feed(header)
		_, id, _ := strings.Cut(p.sent, " id='")
		id, _, _ = strings.Cut(id, "'")
		if seen[id] || len(id) < 16 {
			t.Errorf("stream id %q", id)
		}
		seen[id] = true
	}
}

func TestHeaderErrors(t *testing.T) {
	for h, condition := range map[string]stanza.StreamCondition{
		strings.Replace(header, " to='localhost'", "", 1):            stanza.StreamImproperAddressing,
		strings.Replace(header, "localhost", "nowhere.example", 1):   stanza.StreamHostUnknown,
		strings.Replace(header, "localhost", "alice@localhost", 1):   stanza.StreamHostUnknown,
		strings.Replace(header, " version='1.0'", "", 1):             stanza.StreamUnsupportedVersion,
		strings.Replace(header, "1.0", "0.9", 1):                     stanza.StreamUnsupportedVersion,
		strings.Replace(header, "1.0", "1", 1):                       stanza.StreamUnsupportedVersion,
		strings.Replace(header, "1.0", "1.x", 1):                     stanza.StreamUnsupportedVersion,
		strings.Replace(header, "jabber:client", "jabber:server", 1): stanza.StreamInvalidNamespace,
		strings.Replace(header, stanza.NSStream, "urn:other", 1):     stanza.StreamInvalidNamespace,
	} {
		p := newPeer(config())
		p.feed(h)
		if !strings.HasPrefix(p.sent, "<?xml version='1.0'?><stream:stream ") { // RFC 6120 §4.9.1.2
			t.Errorf("%s: no header first: %s", h, p.sent)
		}
		p.expectFailure(t, condition)
	}
	for _, version := range []string{"1.0", "1.1", "2.0", "10.0", "01.0"} { // RFC 6120 §4.7.5
		p := newPeer(config())
		p.feed(strings.Replace(header, "1.0", version, 1))
		p.expect(t, answerHeader+offerTLS)
	}
}

func TestHeaderAfterLogin(t *testing.T) {
	for h, condition := range map[string]stanza.StreamCondition{
		strings.Replace(header, "localhost", "other.example", 1):              stanza.StreamHostUnknown,
		strings.Replace(header, " to=", " from='bob@localhost' to=", 1):       stanza.StreamInvalidFrom,
		strings.Replace(header, " to=", " from='alice@other.example' to=", 1): stanza.StreamInvalidFrom,
		strings.Replace(header, " to=", " from='@' to=", 1):                   stanza.StreamInvalidFrom,
	} {
		p := secured(t, config())
		p.feed(plain("alice", secret) + h)
		p.expectFailure(t, condition)
	}
	p := secured(t, config())
	p.feed(plain("alice", secret) + strings.Replace(header, " to=", " from='Alice@localhost/x' to=", 1))
	if p.Closed() {
		t.Errorf("one's own from is refused: %s", p.sent)
	}
}

// TestLangOfEarlierStreamIsForgotten: RFC 6120 §5.4.3.3.
func TestLangOfEarlierStreamIsForgotten(t *testing.T) {
	p := newPeer(config())
	p.feed(strings.Replace(header, " to=", " xml:lang='cs' to=", 1))
	if p.Lang() != "cs" {
		t.Fatalf("lang %q", p.Lang())
	}
	p.feed(starttls)
	p.feed(header)
	if p.Lang() != "" {
		t.Errorf("lang %q of the stream before TLS", p.Lang())
	}
}

func TestHeaderFromIsNotToldInTheClear(t *testing.T) {
	p := newPeer(config()) // RFC 6120 §4.7.2
	p.feed(strings.Replace(header, " to=", " from='alice@localhost' to=", 1))
	p.expect(t, answerHeader+offerTLS)
}

func TestSTARTTLSWhereItIsNotOffered(t *testing.T) {
	none := config()
	none.StartTLS, none.AllowPlaintext = false, true
	p := newPeer(none)
	p.feed(header)
	p.expect(t, answerHeader+"<stream:features><mechanisms xmlns='"+stanza.NSSASL+"'><mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>")
	p.feed(starttls)
	p.expect(t, "<failure xmlns='"+stanza.NSTLS+"'/>"+end)
	p = secured(t, config())
	p.feed(starttls)
	p.expect(t, "<failure xmlns='"+stanza.NSTLS+"'/>"+end)
	if !p.closed {
		t.Error("not closed")
	}
}

func TestSCRAM(t *testing.T) {
	creds, err := sasl.Derive(secret, sasl.MinIterations, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{sasl.SCRAMSHA1, sasl.SCRAMSHA256, sasl.SCRAMSHA1Plus, sasl.SCRAMSHA256Plus} {
		p := secured(t, config())
		p.answers[session.OpCredentials] = func(op session.Op) session.Result {
			if op.Local == "alice" && op.Domain == "localhost" {
				return session.Result{Credentials: &creds}
			}
			return session.Result{}
		}
		for _, user := range []string{"nobody", "alice"} {
			cfg := sasl.ClientConfig{Username: user, Password: secret}
			if strings.HasSuffix(mechanism, "-PLUS") {
				cfg.Binding = &bindings[0]
			}
			c, err := sasl.NewClient(mechanism, cfg)
			if err != nil {
				t.Fatal(err)
			}
			p.feed(auth(mechanism, base64.StdEncoding.EncodeToString(c.First())))
			answer, err := c.Next(content(t, p.sent, "challenge"))
			if err != nil {
				t.Fatal(err)
			}
			p.sent = ""
			p.feed("<response xmlns='" + stanza.NSSASL + "'>" + base64.StdEncoding.EncodeToString(answer) + "</response>")
			if user == "nobody" {
				p.expect(t, "<failure xmlns='"+stanza.NSSASL+"'><not-authorized/></failure>")
				continue
			}
			if err := c.Finish(content(t, p.sent, "success")); err != nil {
				t.Error(err)
			}
		}
		if p.JID().String() != "alice@localhost" || p.Mechanism() != mechanism {
			t.Errorf("%s by %s", p.JID(), p.Mechanism())
		}
	}
}

// content is what a SASL element of the server says.
func content(t *testing.T, sent, name string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(sent, "<"+name+" xmlns='"+stanza.NSSASL+"'>"), "</"+name+">"))
	if err != nil {
		t.Fatalf("%s: %v", sent, err)
	}
	return b
}

// TestEmptyInitialResponse: RFC 6120 §6.4.2 tells none from an empty one.
func TestEmptyInitialResponse(t *testing.T) {
	p := secured(t, config())
	p.feed("<auth xmlns='" + stanza.NSSASL + "' mechanism='PLAIN'/>")
	p.expect(t, "<challenge xmlns='"+stanza.NSSASL+"'>=</challenge>")
	p.feed("<response xmlns='" + stanza.NSSASL + "'>" + base64.StdEncoding.EncodeToString([]byte("\x00alice\x00"+secret)) + "</response>")
	p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
}

func TestLoginMayBeTriedAgain(t *testing.T) {
	p := secured(t, config())
	failure := "<failure xmlns='" + stanza.NSSASL + "'><not-authorized/></failure>"
	p.feed(plain("alice", "guess"))
	p.expect(t, failure)
	p.feed(plain("nobody", secret))
	p.expect(t, failure)
	p.feed(plain("alice", "again"))
	if !strings.HasPrefix(p.sent, failure+"<stream:error>") {
		t.Errorf("got %s", p.sent)
	}
	p.expectFailure(t, stanza.StreamPolicyViolation)

	p = secured(t, config())
	p.feed(plain("alice", "guess") + plain("alice", "guess") + plain("alice", secret))
	p.expect(t, failure+failure+"<success xmlns='"+stanza.NSSASL+"'/>")
}

func TestTemporaryFailure(t *testing.T) {
	p := secured(t, config())
	p.answers[session.OpVerify] = func(session.Op) session.Result { return session.Result{OK: true, Err: errors.New("disk")} }
	p.feed(plain("alice", secret))
	p.expect(t, "<failure xmlns='"+stanza.NSSASL+"'><temporary-auth-failure/></failure>")
}

// TestNothingIsConsumedWhileWaiting: stanzas are handled in order, RFC 6120 §10.1.
func TestNothingIsConsumedWhileWaiting(t *testing.T) {
	p := secured(t, config())
	delete(p.answers, session.OpVerify)
	p.feed(plain("alice", secret) + header)
	if !p.Waiting() || string(p.kept) != header || len(p.ops) != 1 {
		t.Fatalf("waiting %v with %q kept and %v to do", p.Waiting(), p.kept, p.ops)
	}
	if op := p.ops[0]; op != (session.Op{Kind: session.OpVerify, Local: "alice", Domain: "localhost", Password: secret}) {
		t.Errorf("asked %+v", op)
	}
	p.goOn()
	p.expect(t, "")
	p.complete(session.Result{OK: true})
	p.expect(t, "<success xmlns='"+stanza.NSSASL+"'/>")
	p.complete(session.Result{OK: true}) // nobody waits for this one
	p.expect(t, "")
	p.goOn()
	p.expect(t, answerHeader+offerBind)
}

func TestAnswerAfterTheEndIsDropped(t *testing.T) {
	p := secured(t, config())
	delete(p.answers, session.OpVerify)
	p.feed(plain("alice", secret))
	p.tick(p.Deadline())
	p.expectFailure(t, stanza.StreamConnectionTimeout)
	p.complete(session.Result{OK: true})
	p.expect(t, "")
	if !p.JID().IsZero() || p.Waiting() {
		t.Errorf("%s after the end", p.JID())
	}
}

func TestBind(t *testing.T) {
	bad := "<iq id='b' type='error'><error type='modify'><bad-request xmlns='" + stanza.NSStanzas + "'/><text xmlns='" + stanza.NSStanzas + "' xml:lang='en'>not a resource</text></error></iq>"
	p := binding(t, config())
	for _, resource := range []string{"a&#9;b", "a\u007fb", strings.Repeat("x", 1024)} {
		p.feed(bind("<resource>" + resource + "</resource>"))
		p.expect(t, bad)
	}
	p.feed("<iq type='set' id=\"it's\"><bind xmlns='" + stanza.NSBind + "'/></iq>")
	made := p.JID().Resource()
	if len(made) < 16 || !p.Bound() {
		t.Errorf("resource %q", made)
	}
	p.expect(t, "<iq id=\"it's\" type='result'><bind xmlns='"+stanza.NSBind+"'><jid>alice@localhost/"+made+"</jid></bind></iq>")
	p.feed(bind("<resource>other</resource>")) // to the account: the session does not bind again
	if p.JID().Resource() != made || len(p.stanzas) != 1 {
		t.Errorf("bound again as %s, stanzas %v", p.JID(), p.stanzas)
	}

	p = binding(t, config())
	p.feed(bind("<resource/>"))
	if p.JID().Resource() == "" {
		t.Error("an empty resource is not left to the server")
	}

	p = binding(t, config())
	p.answers[session.OpBind] = func(session.Op) session.Result {
		return session.Result{Err: stanza.Error{Condition: stanza.ResourceConstraint}}
	}
	p.feed(bind(""))
	p.expect(t, "<iq id='b' type='error'><error type='wait'><resource-constraint xmlns='"+stanza.NSStanzas+"'/></error></iq>")
	p.answers[session.OpBind] = func(session.Op) session.Result { return session.Result{Err: errors.New("disk")} }
	p.feed(bind(""))
	p.expect(t, "<iq id='b' type='error'><error type='cancel'><internal-server-error xmlns='"+stanza.NSStanzas+"'/></error></iq>")
	if p.Bound() || p.Closed() {
		t.Error("the session does not go on")
	}
}

func TestStanzaBeforeItsTime(t *testing.T) {
	for _, s := range []string{"<message/>", "<presence/>", "<iq type='get' id='1'><q xmlns='x'/></iq>"} {
		for _, stage := range []*peer{secured(t, config()), binding(t, config())} {
			stage.feed(s)
			stage.expectFailure(t, stanza.StreamNotAuthorized)
		}
	}
}

func TestFromIsChecked(t *testing.T) {
	for _, from := range []string{"alice@localhost/r", "alice@localhost", "ALICE@localhost/r", "al&#105;ce@localhost"} {
		p := bound(t, config())
		p.feed("<message from='" + from + "'/>")
		if len(p.stanzas) != 1 {
			t.Errorf("from %s: %s", from, p.sent)
		}
	}
	for _, from := range []string{"", "@", "bob@localhost", "alice@localhost/R", "alice@localhost/s", "localhost", "alice@other.example/r"} {
		p := bound(t, config())
		p.feed("<message from='" + from + "'/>")
		p.expectFailure(t, stanza.StreamInvalidFrom)
	}
}

func TestPeersStreamError(t *testing.T) {
	p := bound(t, config())
	p.feed("<stream:error><reset xmlns='" + stanza.NSStreams + "'/></stream:error>")
	p.expect(t, end)
	if p.reason != (stanza.PeerError{Condition: stanza.StreamReset}) {
		t.Errorf("reason %v", p.reason)
	}
	p = bound(t, config())
	p.feed("<stream:error/>")
	if p.reason != (stanza.PeerError{Condition: stanza.StreamUndefinedCondition}) {
		t.Errorf("reason %v", p.reason)
	}
}

func TestLoginTimesOut(t *testing.T) {
	for name, p := range map[string]*peer{"silent": newPeer(config()), "secured": secured(t, config()), "binding": binding(t, config())} {
		p.tick(p.Deadline() - 1)
		p.expect(t, "")
		p.feed(" ")
		if p.Deadline() != 1010*second {
			t.Errorf("%s: the deadline moved to %d", name, p.Deadline())
		}
		p.tick(p.Deadline())
		if name == "silent" && !strings.HasPrefix(p.sent, "<?xml") {
			t.Errorf("no header first: %s", p.sent)
		}
		p.expectFailure(t, stanza.StreamConnectionTimeout)
		p.tick(p.now + 1)
		p.expect(t, "")
	}
}

func TestKeepalive(t *testing.T) {
	p := bound(t, config())
	if p.Deadline() != p.now+60*second {
		t.Fatalf("deadline in %d", p.Deadline()-p.now)
	}
	p.tick(p.Deadline())
	p.expect(t, " ")
	p.now = p.Deadline() - 10*second
	p.feed("\n") // a sign of life
	p.tick(p.Deadline())
	p.expect(t, "")
	if want := p.now + 50*second; p.Deadline() != want {
		t.Errorf("next look in %d s, want 50", (p.Deadline()-p.now)/second)
	}
	p.tick(p.Deadline())
	p.expect(t, " ")

	never := config()
	never.IdleTime, never.PreAuthTime = 0, 0
	if d := newPeer(never).Deadline(); d != 0 {
		t.Errorf("deadline %d without PreAuthTime", d)
	}
	if d := bound(t, never).Deadline(); d != 0 {
		t.Errorf("deadline %d without IdleTime", d)
	}
}

func TestDeliver(t *testing.T) {
	for want, p := range map[bool]*peer{false: binding(t, config()), true: bound(t, config())} {
		p.out.Reset(nil)
		p.Deliver(p.now, nil, session.Alone, &p.out)
		if p.out.Pass != want {
			t.Errorf("bound %v: passed %v", p.Bound(), p.out.Pass)
		}
	}
	p := bound(t, config())
	p.out.Reset(nil)
	p.Fail(stanza.StreamError{Condition: stanza.StreamConflict}, &p.out)
	p.take()
	p.expectFailure(t, stanza.StreamConflict)
	p.out.Reset(nil)
	p.Fail(stanza.StreamError{Condition: stanza.StreamReset}, &p.out) // too late
	p.Deliver(p.now, nil, session.Alone, &p.out)
	if p.out.Pass || len(p.out.Bytes) > 0 || p.out.Close {
		t.Errorf("after the end: %+v", p.out)
	}
	p.Release(&p.out)
}
