package engine_test

import (
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// A hostile case is bad input at some point of a stream, with all that the
// server may say to it. After each case the server must serve others, and the
// sender too unless its stream was to end.
type hostile struct {
	name string
	at   stage
	send string // {b64:TEXT} is TEXT in base64
	// want is what comes back, in order, divided by ", ":
	//
	//	stream CONDITION  a stream error, </stream:stream>, the end of the connection
	//	stanza TYPE/CONDITION  a stanza error
	//	sasl CONDITION    a SASL failure
	//	sasl2 CONDITION   a SASL2 failure
	//	challenge         a SASL challenge
	//	tls failure       the failure of STARTTLS, with the end as above
	//	end               </stream:stream> and the end of the connection
	//	nothing           nothing, and the stream goes on
	want string
	over string // transports it is for, by commas; empty: all
}

// stage is how far the client has come when it turns hostile.
type stage int

const (
	connected     stage = iota // nothing was sent
	opened                     // features were received
	authenticated              // <success/> was received
	binding                    // features with <bind/> were received
	bound                      // a resource is bound
)

// clear are the transports without TLS.
const unencrypted = "pipe,tcp"

func TestHostileTableIsLarge(t *testing.T) {
	n := len(hostileXML) + len(hostileStream) + len(hostileSASL) + len(hostileSASL2) + len(hostileFAST) + len(hostileStanza) + len(hostileSize) + len(slowCases)
	if n < 80 {
		t.Errorf("%d cases, want at least 80", n)
	}
	seen := map[string]bool{}
	for _, table := range [][]hostile{hostileXML, hostileStream, hostileSASL, hostileSASL2, hostileFAST, hostileStanza, hostileSize} {
		for _, h := range table {
			if seen[h.name] {
				t.Errorf("two cases are called %q", h.name)
			}
			seen[h.name] = true
		}
	}
}

func TestHostileXML(t *testing.T)    { runHostile(t, hostileXML) }
func TestHostileStream(t *testing.T) { runHostile(t, hostileStream) }
func TestHostileSASL(t *testing.T)   { runHostile(t, hostileSASL) }
func TestHostileSASL2(t *testing.T)  { runHostile(t, hostileSASL2) }
func TestHostileFAST(t *testing.T) {
	runHostileAt(t, hostileFAST, withStore, "mallory@localhost", "alice@localhost", "bob@localhost")
}
func TestHostileStanza(t *testing.T) { runHostile(t, hostileStanza) }
func TestHostileSize(t *testing.T)   { runHostile(t, hostileSize) }

func runHostile(t *testing.T, table []hostile) {
	runHostileAt(t, table, func(cfg *engine.Config) { cfg.Auth = newAccounts("mallory", "alice", "bob") })
}

// runHostileAt is runHostile with a change to the configuration, and accounts to be
// made.
func runHostileAt(t *testing.T, table []hostile, change func(*engine.Config), users ...string) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		change(cfg)
		cfg.Limits.StanzaBytes = 20_000
		cfg.Limits.PreAuthBytes = 5_000
	})
	s.create(t, users...)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			witness := s.login(t, "pipe", "bob", transport)
			for _, h := range table {
				if h.over != "" && !slices.Contains(strings.Split(h.over, ","), transport) {
					continue
				}
				t.Run(h.name, func(t *testing.T) {
					h.run(t, s, transport)
					witness.renew(t)
					s.stillServes(t, transport, witness)
				})
			}
		})
	}
}

// stillServes has another client log in and chat with one that is there.
func (s *server) stillServes(t *testing.T, transport string, witness *client) {
	t.Helper()
	alice := s.login(t, transport, "alice", "")
	defer alice.conn.Close()
	alice.chats(witness, "do you hear me?")
	witness.chats(alice, "yes")
}

func (h *hostile) run(t *testing.T, s *server, transport string) {
	c := s.connect(t, transport)
	defer c.conn.Close()
	c.reach(h.at)
	sent := make(chan struct{})
	go func() { // beside reading: the server may end the stream in the middle of it
		defer close(sent)
		_, _ = io.WriteString(c.conn, expand(h.send))
	}()
	goesOn := true
	for _, want := range strings.Split(h.want, ", ") {
		goesOn = c.judge(t, want, h.at)
	}
	if !goesOn {
		return
	}
	<-sent
	c.goOn(h.at)
}

// reach brings the client to a stage.
func (c *client) reach(at stage) {
	c.t.Helper()
	if at >= opened {
		c.open()
	}
	if at == authenticated {
		if n := c.auth("SCRAM-SHA-1", saslSecret("mallory")); n.XMLName.Local != "success" {
			c.t.Fatalf("got %s", n)
		}
		c.dec = newDecoder(c)
	}
	if at >= binding {
		c.authenticate("mallory")
	}
	if at >= bound {
		c.bind("")
	}
}

// judge takes what was wanted and tells whether the stream goes on.
func (c *client) judge(t *testing.T, want string, at stage) (goesOn bool) {
	t.Helper()
	kind, what, _ := strings.Cut(want, " ")
	switch kind {
	case "nothing":
		if at == bound {
			c.expectNothing()
		}
		return true
	case "end":
		c.expectEnd()
		return false
	case "stream":
		c.expectStreamError(what)
		return false
	}
	n := c.next()
	switch kind {
	case "tls":
		if n.XMLName.Space != nsTLS || n.XMLName.Local != what {
			t.Fatalf("got %s, want %s", n, want)
		}
		c.expectEnd()
		return false
	case "challenge":
		if n.XMLName.Local != "challenge" {
			t.Fatalf("got %s, want %s", n, want)
		}
	case "sasl":
		if n.XMLName.Space != nsSASL || n.XMLName.Local != "failure" || n.child(what).XMLName.Space != nsSASL {
			t.Fatalf("got %s, want %s", n, want)
		}
	case "sasl2":
		if n.XMLName.Space != nsSASL2 || n.XMLName.Local != "failure" || n.child(what).XMLName.Space != nsSASL {
			t.Fatalf("got %s, want %s", n, want)
		}
	case "stanza":
		typ, condition, _ := strings.Cut(what, "/")
		e := n.child("error")
		if n.attr("type") != "error" || e.attr("type") != typ || e.child(condition).XMLName.Space != nsStanzas {
			t.Fatalf("got %s, want %s", n, want)
		}
	default:
		t.Fatalf("case wants %q", want)
	}
	return true
}

// goOn makes sure that the stream can be used as before.
func (c *client) goOn(at stage) {
	c.t.Helper()
	switch at {
	case opened:
		c.authenticate("mallory")
		c.bind("")
	case binding:
		c.bind("")
	}
	c.chats(c, "still here")
}

// expand replaces {b64:…}.
func expand(s string) string {
	for {
		i := strings.Index(s, "{b64:")
		if i < 0 {
			return s
		}
		n := strings.IndexByte(s[i:], '}')
		s = s[:i] + base64.StdEncoding.EncodeToString([]byte(s[i+5:i+n])) + s[i+n+1:]
	}
}
