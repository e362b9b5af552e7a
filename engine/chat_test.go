package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
)

func TestChatBothWaysInOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, from := range transports {
		for _, to := range transports {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				alice := s.login(t, from, "alice", "a-"+from+to)
				bob := s.login(t, to, "bob", "b-"+from+to)
				const count = 300
				for i := range count {
					alice.send("<message to='%s' type='chat' id='a%d'><body>%d</body></message>", bob.jid, i, i)
					bob.send("<message to='%s' type='chat' id='b%d'><body>%d</body></message>", alice.jid, i, i)
				}
				for i := range count {
					for _, c := range []struct {
						to, from *client
						id       string
					}{{bob, alice, "a"}, {alice, bob, "b"}} {
						n := c.to.expect("message")
						if n.attr("id") != fmt.Sprint(c.id, i) || n.attr("from") != c.from.jid || n.child("body").Text != fmt.Sprint(i) {
							t.Fatalf("got %s at place %d", n, i)
						}
					}
				}
			})
		}
	}
}

func TestMessageToBareAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	alice := s.login(t, "tcp", "alice", "")
	desk, phone := s.login(t, "pipe", "bob", "desk"), s.login(t, "tls", "bob", "phone")
	silent := s.login(t, "tcp", "bob", "silent")
	desk.send("<presence><priority>5</priority></presence>")
	phone.send("<presence><priority>5</priority></presence>")
	silent.send("<presence><priority>-1</priority></presence>")
	for _, c := range []*client{desk, phone, silent} {
		c.sync()
	}
	for i := range 5 {
		alice.send("<message to='bob@localhost' id='m%d'><body>hello</body></message>", i)
	}
	for i := range 5 {
		for _, c := range []*client{desk, phone} {
			n := c.expect("message")
			if n.attr("id") != fmt.Sprint("m", i) || n.attr("to") != "bob@localhost" || n.attr("from") != alice.jid {
				t.Fatalf("%s got %s", c.jid, n)
			}
		}
	}
	silent.expectNothing()
}

func TestIQBetweenClients(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	alice, bob := s.login(t, "tcp", "alice", "a"), s.login(t, "pipe", "bob", "b")
	alice.send("<iq type='get' id='v1' to='%s'><query xmlns='jabber:iq:version'/></iq>", bob.jid)
	n := bob.expect("iq")
	if n.attr("from") != alice.jid || n.attr("id") != "v1" || n.child("query").XMLName.Space != "jabber:iq:version" {
		t.Fatalf("bob got %s", n)
	}
	bob.send("<iq type='result' id='v1' to='%s'><query xmlns='jabber:iq:version'><name>x</name></query></iq>", n.attr("from"))
	if n := alice.expect("iq"); n.attr("type") != "result" || n.attr("from") != bob.jid || n.child("query").child("name").Text != "x" {
		t.Fatalf("alice got %s", n)
	}
	bob.send("<iq type='error' id='v2' to='%s'><error type='cancel'><item-not-found xmlns='%s'/></error></iq>", alice.jid, nsStanzas)
	if n := alice.expect("iq"); n.attr("type") != "error" || n.child("error").child("item-not-found").XMLName.Space != nsStanzas {
		t.Fatalf("alice got %s", n)
	}
}

// expectError takes the error of that condition for the stanza with that id.
func (c *client) expectError(kind, id, from, typ, condition string) {
	c.t.Helper()
	n := c.expect(kind)
	e := n.child("error")
	if n.attr("type") != "error" || n.attr("id") != id || n.attr("from") != from ||
		e.attr("type") != typ || e.child(condition).XMLName.Space != nsStanzas {
		c.t.Fatalf("got %s, want %s of type %s for %s id %s from %q", n, condition, typ, kind, id, from)
	}
}

func TestBounces(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	cases := []struct {
		name, send, kind, from, typ, condition string
	}{
		{"message to an account without sessions", "<message to='carol@localhost' id='1'><body>x</body></message>",
			"message", "carol@localhost", "cancel", "service-unavailable"},
		{"message to a resource that is not there", "<message to='carol@localhost/x' id='1'><body>x</body></message>",
			"message", "carol@localhost/x", "cancel", "service-unavailable"},
		{"iq to a resource that is not there", "<iq to='carol@localhost/x' id='1' type='get'><q xmlns='x'/></iq>",
			"iq", "carol@localhost/x", "cancel", "service-unavailable"},
		{"iq to the server", "<iq to='localhost' id='1' type='set'><q xmlns='x'/></iq>",
			"iq", "localhost", "cancel", "service-unavailable"},
		{"iq to another account", "<iq to='carol@localhost' id='1' type='get'><q xmlns='x'/></iq>",
			"iq", "carol@localhost", "cancel", "service-unavailable"},
		{"message to a remote domain", "<message to='x@elsewhere.example' id='1'><body>x</body></message>",
			"message", "x@elsewhere.example", "cancel", "remote-server-not-found"},
		{"iq to a remote domain", "<iq to='elsewhere.example' id='1' type='get'><q xmlns='x'/></iq>",
			"iq", "elsewhere.example", "cancel", "remote-server-not-found"},
	}
	for _, transport := range transports {
		alice := s.login(t, transport, "alice", transport)
		for _, c := range cases {
			t.Run(transport+"/"+c.name, func(t *testing.T) {
				alice.renew(t)
				alice.send("%s", c.send)
				alice.expectError(c.kind, "1", c.from, c.typ, c.condition)
			})
		}
	}
}

func TestUnanswerableIsNotBounced(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	alice := s.login(t, "tcp", "alice", "")
	for _, x := range []string{
		"<message to='carol@localhost/x' type='error'><error type='cancel'><gone xmlns='" + nsStanzas + "'/></error></message>",
		"<iq to='carol@localhost/x' type='result' id='1'/>",
		"<iq to='carol@localhost/x' type='error' id='1'><error type='cancel'/></iq>",
		"<iq to='elsewhere.example' type='result' id='1'/>",
		"<message to='x@elsewhere.example' type='error'/>",
		"<presence to='carol@localhost' type='error'/>",
		"<iq type='result' id='1' to='not @ valid'/>",
		"<message type='error' to='not @ valid'/>",
	} {
		alice.send("%s", x)
		alice.expectNothing()
	}
}

func TestWhatClientSendsIsStamped(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	alice := s.connect(t, "tcp")
	alice.open()
	alice.auth("SCRAM-SHA-1", saslSecret("alice"))
	alice.dec = newDecoder(alice)
	alice.send("<stream:stream xmlns='jabber:client' xmlns:stream='%s' xmlns:e='urn:example:e' xml:lang='cs' to='localhost' version='1.0'>", nsStream)
	alice.expect("features")
	alice.bind("a")
	bob := s.login(t, "pipe", "bob", "b")

	alice.send("<message to='%s' from='alice@localhost' id='&lt;1'><e:x e:y='z'/></message>", bob.jid)
	n := bob.expect("message")
	x := n.child("x")
	if n.attr("from") != alice.jid || n.attr("lang") != "cs" || n.attr("id") != "<1" || x.XMLName.Space != "urn:example:e" || x.attr("y") != "z" {
		t.Errorf("got %s", n)
	}
	alice.send("<message to='%s' xml:lang='de'/>", bob.jid)
	if n := bob.expect("message"); n.attr("lang") != "de" {
		t.Errorf("got %s", n)
	}
	alice.send("<message id='self' xmlns='jabber:client'/>") // RFC 6120 §10.3.1: for one's own account
	alice.expectError("message", "self", "alice@localhost", "cancel", "service-unavailable")
}

// TestNewSessionGetsWhatWasForTheOld: RFC 6120 §7.7.2.2, and nothing is lost
// between the two.
func TestNewSessionGetsWhatWasForTheOld(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			old := s.login(t, transport, "bob", transport)
			alice := s.login(t, "tcp", "alice", "conflict-"+transport)
			fresh := s.connect(t, transport)
			fresh.open()
			fresh.authenticate("bob")
			const count = 400
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for i := range count {
					_, _ = fmt.Fprintf(alice.conn, "<message to='%s' id='m%d'><body>x</body></message>", old.jid, i)
				}
			}()
			fresh.bind(transport)
			<-sent
			got := map[string]int{}
			for {
				n := old.next()
				if n.XMLName.Local == "error" {
					if n.child("conflict").XMLName.Space != nsStreams {
						t.Fatalf("old session got %s", n)
					}
					break
				}
				got[n.attr("id")]++
			}
			old.expectEnd()
			alice.sync()
			for until := time.Now().Add(patience); ; { // what was on its way to the old one takes a loop more
				for _, n := range fresh.sync() {
					got[n.attr("id")]++
				}
				if len(got) == count || time.Now().After(until) {
					break
				}
			}
			for i := range count {
				if k := fmt.Sprint("m", i); got[k] != 1 {
					t.Errorf("%s arrived %d times", k, got[k])
				}
			}
			if fresh.jid != old.jid {
				t.Errorf("bound %s, want %s", fresh.jid, old.jid)
			}
			alice.chats(fresh, "after")
		})
	}
}

func TestInject(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	bob := s.login(t, "tcp", "bob", "b")
	if err := s.Inject([]byte("<message from='news.localhost' to='bob@localhost/b' id='1'><body>x</body></message>")); err != nil {
		t.Fatal(err)
	}
	if n := bob.expect("message"); n.attr("from") != "news.localhost" || n.attr("id") != "1" || n.child("body").Text != "x" {
		t.Errorf("got %s", n)
	}
	for _, bad := range []string{
		"", "x", "<message", "<message from='a' to='b'/><message from='a' to='b'/>",
		"<message to='bob@localhost/b'/>", "<message from='localhost'/>",
		"<message from='@' to='bob@localhost/b'/>", "<x from='a' to='b'/>",
		"<message xmlns='jabber:server' from='localhost' to='bob@localhost/b'/>",
	} {
		if err := s.Inject([]byte(bad)); err == nil {
			t.Errorf("Inject(%q) was taken", bad)
		}
	}
	bob.expectNothing()
}

// watcher keeps what hooks and policy were told.
type watcher struct {
	opened   chan engine.SessionInfo
	closed   chan error
	messages chan string
	refuse   stanza.Error
}

func (w *watcher) AllowBind(i engine.SessionInfo) error {
	if i.JID.Resource() == "forbidden" || i.Mechanism != sasl.SCRAMSHA1 {
		return stanza.Error{Condition: stanza.NotAllowed}
	}
	return nil
}

func (w *watcher) AllowMessage(m engine.MessageView) error {
	if m.To.Resource() == "refused" {
		return w.refuse
	}
	return nil
}

func TestHooksAndPolicy(t *testing.T) {
	t.Parallel()
	w := &watcher{opened: make(chan engine.SessionInfo, 9), closed: make(chan error, 9), messages: make(chan string, 9),
		refuse: stanza.Error{Type: stanza.Auth, Condition: stanza.Forbidden, Text: "no"}}
	s := serve(t, func(cfg *engine.Config) {
		cfg.Policy = w
		cfg.Hooks = engine.Hooks{
			SessionOpened: func(i engine.SessionInfo) { w.opened <- i },
			SessionClosed: func(i engine.SessionInfo, reason error) { w.closed <- reason },
			Message:       func(m engine.MessageView) { w.messages <- m.From.String() + ">" + m.To.String() },
		}
	})
	alice := s.connect(t, "tls")
	alice.open()
	alice.authenticate("alice")
	alice.send("<iq type='set' id='b'><bind xmlns='%s'><resource>forbidden</resource></bind></iq>", nsBind)
	if n := alice.expect("iq"); n.child("error").child("not-allowed").XMLName.Space != nsStanzas {
		t.Fatalf("got %s", n)
	}
	alice.bind("a")
	if i := <-w.opened; i.JID != jid.MustParse(alice.jid) || !i.TLS || i.Mechanism != "SCRAM-SHA-1" || i.Remote.String() != alice.conn.LocalAddr().String() {
		t.Errorf("opened: %+v", i)
	}
	alice.send("<message to='bob@localhost/refused' id='1'/>")
	alice.expectError("message", "1", "bob@localhost/refused", "auth", "forbidden")
	if m := <-w.messages; m != "alice@localhost/a>bob@localhost/refused" {
		t.Errorf("message hook got %s", m)
	}
	alice.chats(alice, "self")
	<-w.messages
	alice.send("</stream:stream>")
	alice.expectEnd()
	if err := <-w.closed; err != nil {
		t.Errorf("closed because of %v", err)
	}
}
