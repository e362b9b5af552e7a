package engine_test

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/internal/enginetest"
)

const nsAccept = "jabber:component:accept"

// withComponents adds two components and their ways in.
func withComponents(cfg *engine.Config) {
	cfg.Components = []engine.Component{{Domain: "bridge.localhost", Secret: "bridge's"}, {Domain: "Rooms.example", Secret: "rooms'"}}
	cfg.Listeners = append(cfg.Listeners,
		engine.Listener{Name: "component", Role: engine.RoleComponent, Address: "127.0.0.1:0"},
		engine.Listener{Name: "component-tls", Role: engine.RoleComponent, Address: "127.0.0.1:0", TLS: true})
}

// dialComponent opens a connection in the role of a component.
func (s *server) dialComponent(t testing.TB, transport string) *client {
	t.Helper()
	var conn net.Conn
	var err error
	switch transport {
	case "pipe":
		conn, err = s.PipeComponent()
	case "tcp":
		conn, err = net.DialTimeout("tcp", s.addr("component"), patience)
	case "tls":
		cfg := clientTLS("localhost")
		cfg.NextProtos = nil
		conn, err = tls.Dial("tcp", s.addr("component-tls"), cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, conn)
}

// openComponent sends a component's header and handshake.
func (c *client) openComponent(domain, secret string) {
	c.t.Helper()
	c.jid = domain
	c.send("<?xml version='1.0'?><stream:stream xmlns='%s' xmlns:stream='%s' to='%s'>", nsAccept, nsStream, domain)
	tok, err := c.dec.Token()
	for ; err == nil; tok, err = c.dec.Token() {
		if start, ok := tok.(xml.StartElement); ok {
			c.header = start.Copy()
			break
		}
	}
	if err != nil {
		c.t.Fatalf("%s: no header: %v", domain, err)
	}
	sum := sha1.Sum([]byte((&node{Attrs: c.header.Attr}).attr("id") + secret))
	c.send("<handshake>%s</handshake>", hex.EncodeToString(sum[:]))
}

// component connects one and comes back when it has its domain.
func (s *server) component(t testing.TB, transport, domain, secret string) *client {
	t.Helper()
	c := s.dialComponent(t, transport)
	c.openComponent(domain, secret)
	if n := c.expect("handshake"); n.XMLName.Space != nsAccept || n.Inner != "" {
		t.Fatalf("got %s in %s", n, n.XMLName.Space)
	}
	return c
}

// expectFrom takes a stanza between a component and others.
func (c *client) expectFrom(from, to, body string) *node {
	c.t.Helper()
	n := c.expect("message")
	if n.attr("from") != from || n.attr("to") != to || n.child("body").Text != body {
		c.t.Fatalf("%s: got %s, want %q from %s to %s", c.jid, n, body, from, to)
	}
	return n
}

func TestComponent(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := serve(t, withComponents)
			alice := s.login(t, transport, "alice", "a")
			bridge := s.component(t, transport, "bridge.localhost", "bridge's")

			alice.send("<message to='X@bridge.localhost/r' type='chat' id='1'><body>hi</body><y xmlns='urn:y'/></message>")
			n := bridge.expectFrom(alice.jid, "X@bridge.localhost/r", "hi")
			if n.XMLName.Space != nsAccept || n.child("body").XMLName.Space != nsAccept || n.child("y").XMLName.Space != "urn:y" || n.attr("id") != "1" {
				t.Errorf("got %s in %s", n, n.XMLName.Space)
			}
			bridge.send("<message from='X@Bridge.localhost/r' to='%s' id='2'><body>hello</body></message>", alice.jid)
			n = alice.expectFrom("x@bridge.localhost/r", alice.jid, "hello")
			if n.XMLName.Space != "jabber:client" || n.child("body").XMLName.Space != "jabber:client" {
				t.Errorf("got %s in %s", n, n.XMLName.Space)
			}
			bridge.send("<message xmlns='%[1]s' from='bridge.localhost' to='%[2]s'><body xmlns='%[1]s'>declared</body></message>", nsAccept, alice.jid)
			n = alice.expectFrom("bridge.localhost", alice.jid, "declared")
			if n.XMLName.Space != "jabber:client" || n.child("body").XMLName.Space != "jabber:client" {
				t.Errorf("got %s in %s", n, n.XMLName.Space)
			}
			alice.send("<iq to='bridge.localhost' type='get' id='q'><query xmlns='urn:q'/></iq>")
			if n := bridge.expect("iq"); n.child("query").XMLName.Space != "urn:q" || n.attr("from") != alice.jid {
				t.Errorf("got %s", n)
			}
			bridge.send("<iq from='bridge.localhost' to='%s' type='result' id='q'/>", alice.jid)
			if n := alice.expect("iq"); n.attr("type") != "result" || n.attr("from") != "bridge.localhost" {
				t.Errorf("got %s", n)
			}
			alice.send("<presence to='bridge.localhost' type='subscribe'/>")
			if n := bridge.expect("presence"); n.attr("type") != "subscribe" {
				t.Errorf("got %s", n)
			}
			bridge.send("<presence from='bridge.localhost' to='%s'><show>away</show></presence>", alice.jid)
			if n := alice.expect("presence"); n.child("show").Text != "away" {
				t.Errorf("got %s", n)
			}
			st := s.Stats()
			if st.Components != 1 || st.ComponentInTotal != 4 || st.ComponentOutTotal != 3 {
				t.Errorf("stats: %d connected, %d in, %d out", st.Components, st.ComponentInTotal, st.ComponentOutTotal)
			}
			list := s.Components()
			if len(list) != 2 || list[0].Domain != "bridge.localhost" || !list[0].Connected || list[0].In != 4 || list[0].Out != 3 || list[1].Connected || list[1].Domain != "rooms.example" {
				t.Errorf("components: %+v", list)
			}
			bridge.send("</stream:stream>")
			bridge.expectEnd()
			await.Equal(t, "components", func() int64 { return s.Stats().Components }, 0)
		})
	}
}

// TestComponentAway: senders hear of it, whoever they are, and the component can
// come back.
func TestComponentAway(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	alice := s.login(t, "tcp", "alice", "a")
	rooms := s.component(t, "tcp", "rooms.example", "rooms'")
	for range 3 {
		alice.send("<message to='x@bridge.localhost' id='1'><body>x</body></message>")
		alice.expectError("message", "1", "x@bridge.localhost", "wait", "remote-server-timeout")
		alice.send("<iq to='bridge.localhost' type='get' id='2'><x xmlns='urn:x'/></iq>")
		alice.expectError("iq", "2", "bridge.localhost", "wait", "remote-server-timeout")
		alice.send("<iq to='bridge.localhost' type='result' id='3'/><message type='error' to='bridge.localhost'/>")
		alice.expectNothing()
		rooms.send("<message from='r@rooms.example' to='x@bridge.localhost' id='4'><body>x</body></message>")
		rooms.expectError("message", "4", "x@bridge.localhost", "wait", "remote-server-timeout")

		bridge := s.component(t, "tcp", "bridge.localhost", "bridge's")
		rooms.send("<message from='r@rooms.example' to='x@bridge.localhost'><body>between</body></message>")
		bridge.expectFrom("r@rooms.example", "x@bridge.localhost", "between")
		bridge.send("<message from='x@bridge.localhost' to='x@bridge.localhost'><body>itself</body></message>")
		bridge.expectFrom("x@bridge.localhost", "x@bridge.localhost", "itself")
		_ = bridge.conn.Close() // as if it had crashed
		await.Equal(t, "components", func() int64 { return s.Stats().Components }, 1)
	}
	if c := s.Components()[0]; c.LastError == "" || c.Returned == 0 || c.Connected {
		t.Errorf("status %+v", c)
	}
}

// TestComponentOrder: what one sender sends arrives in its order, whatever loop it
// is on, while others send too.
func TestComponentOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	const users, each = 3, 300
	bridge := s.component(t, "tcp", "bridge.localhost", "bridge's")
	for i, user := range []string{"alice", "bob", "carol"} {
		c := s.login(t, transports[i], user, "r")
		go func() {
			for n := range each {
				_, _ = fmt.Fprintf(c.conn, "<message to='%s@bridge.localhost' id='%d'><body>x</body></message>", user, n)
			}
		}()
	}
	next := map[string]int{}
	for range users * each {
		n := bridge.expect("message")
		if want := fmt.Sprint(next[n.attr("from")]); n.attr("id") != want {
			t.Fatalf("%s: got %s, want %s", n.attr("from"), n.attr("id"), want)
		}
		next[n.attr("from")]++
	}
}

// TestComponentConflict: the domain stays with who has it, who is asked whether it
// is alive.
func TestComponentConflict(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	alice := s.login(t, "pipe", "alice", "a")
	first := s.component(t, "pipe", "bridge.localhost", "bridge's")
	second := s.dialComponent(t, "tcp")
	second.openComponent("bridge.localhost", "bridge's")
	second.expectStreamError("conflict")
	ping := first.expect("iq")
	if ping.child("ping").XMLName.Space != "urn:xmpp:ping" || ping.attr("from") != "localhost" || ping.attr("to") != "bridge.localhost" {
		t.Fatalf("got %s", ping)
	}
	first.send("<iq from='bridge.localhost' to='localhost' type='result' id='%s'/>", ping.attr("id"))
	alice.send("<message to='bridge.localhost'><body>still there</body></message>")
	first.expectFrom(alice.jid, "bridge.localhost", "still there")
	if c := s.Components()[0]; !c.Connected || !strings.Contains(c.LastError, "conflict") {
		t.Errorf("status %+v", c)
	}
}

// TestComponentRefused: none of these gets a domain, and each hears why.
func TestComponentRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	for name, c := range map[string]struct {
		domain, secret string
		condition      string
	}{
		"unknown":          {"other.localhost", "bridge's", "host-unknown"},
		"domain of users":  {"localhost", "bridge's", "host-unknown"},
		"wrong secret":     {"bridge.localhost", "rooms'", "not-authorized"},
		"no secret at all": {"bridge.localhost", "", "not-authorized"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, transport := range transports {
				conn := s.dialComponent(t, transport)
				conn.openComponent(c.domain, c.secret)
				conn.expectStreamError(c.condition)
			}
		})
	}
	t.Run("a client", func(t *testing.T) {
		c := s.dialComponent(t, "tcp")
		c.send(streamHeader)
		c.expectStreamError("invalid-namespace")
	})
	t.Run("a client for the component's domain", func(t *testing.T) {
		c := s.connect(t, "tcp")
		c.send("%s", strings.ReplaceAll(streamHeader, "localhost", "bridge.localhost"))
		c.expectStreamError("host-unknown")
	})
	t.Run("another's address", func(t *testing.T) {
		alice := s.login(t, "tcp", "alice", "a")
		c := s.component(t, "tcp", "bridge.localhost", "bridge's")
		c.send("<message from='bob@localhost' to='%s'><body>send money</body></message>", alice.jid)
		c.expectStreamError("invalid-from")
		alice.expectNothing()
	})
	if n := s.Stats().AuthFailureTotal; n < 6 {
		t.Errorf("%d failures counted, want at least 6", n)
	}
}

// TestSlowComponent: it costs ComponentBytes, who writes to it is told, and when it
// reads again all that was taken arrives in order.
func TestSlowComponent(t *testing.T) {
	t.Parallel()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			const bound = 256 << 10
			s := serve(t, func(cfg *engine.Config) {
				withComponents(cfg)
				cfg.Limits.ComponentBytes = bound
				cfg.Limits.StanzaBytes = 10_000
			})
			alice := s.login(t, "pipe", "alice", "a")
			bridge := s.component(t, transport, "bridge.localhost", "bridge's")
			body := strings.Repeat("x", 8<<10)
			taken := 0
			for s.Stats().BouncedTotal == 0 {
				alice.send("<message to='bridge.localhost' id='%d'><body>%s</body></message>", taken, body)
				await.True(t, "the message is taken or refused", func() bool { // one after the other: none is on its way when the first is refused
					now := s.Stats()
					return now.ComponentOutTotal+now.BouncedTotal == uint64(taken)+1
				})
				if held := s.Stats().OutboundBytes; held > 2*bound {
					t.Fatalf("%d bytes are held", held)
				}
				taken++
			}
			taken-- // the last was refused
			n := alice.expect("message")
			if e := n.child("error"); e.child("resource-constraint").XMLName.Local == "" || e.attr("type") != "wait" || n.attr("id") != strconv.Itoa(taken) {
				t.Fatalf("got %s", n)
			}
			bridge.renew(t)
			for i := range taken {
				bridge.expectRaw(fmt.Sprintf("<message from='%s' to='bridge.localhost' id='%d'><body>%s</body></message>", alice.jid, i, body))
			}
			await.Equal(t, "bytes held", func() int64 { return s.Stats().OutboundBytes }, 0)
			alice.renew(t)
			alice.send("<message to='bridge.localhost'><body>again</body></message>")
			if n := bridge.expect("message"); n.child("body").Text != "again" {
				t.Fatalf("got %s", n)
			}
		})
	}
}

// TestComponentsAtRunTime: they come and go, and a changed secret must be proved.
func TestComponentsAtRunTime(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	alice := s.login(t, "tcp", "alice", "a")
	for _, c := range []struct {
		engine.Component
		want error
	}{
		{engine.Component{Domain: "localhost", Secret: "x"}, engine.ErrDomainTaken},
		{engine.Component{Domain: "new.localhost"}, engine.ErrNoSecret},
		{engine.Component{Domain: "new.localhost", Secret: "x"}, nil},
	} {
		if err := s.AddComponent(c.Component); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.Domain, err, c.want)
		}
	}
	if err := s.AddComponent(engine.Component{Domain: "@", Secret: "x"}); err == nil {
		t.Error("@ is no domain")
	}
	if err := s.AddDomain("new.localhost"); !errors.Is(err, engine.ErrDomainTaken) {
		t.Errorf("a component's domain is given to accounts: %v", err)
	}
	c := s.component(t, "tcp", "new.localhost", "x")
	if err := s.AddComponent(engine.Component{Domain: "new.localhost", Secret: "x"}); err != nil {
		t.Error(err)
	}
	alice.send("<message to='new.localhost'><body>the same secret</body></message>")
	c.expectFrom(alice.jid, "new.localhost", "the same secret")
	if err := s.AddComponent(engine.Component{Domain: "new.localhost", Secret: "y"}); err != nil {
		t.Error(err)
	}
	c.expectStreamError("reset")
	old := s.dialComponent(t, "tcp")
	old.openComponent("new.localhost", "x")
	old.expectStreamError("not-authorized")
	c = s.component(t, "tcp", "new.localhost", "y")
	if !s.RemoveComponent("NEW.localhost") || s.RemoveComponent("new.localhost") {
		t.Error("RemoveComponent")
	}
	c.expectStreamError("host-gone")
	alice.send("<message to='new.localhost' id='1'><body>x</body></message>")
	alice.expectError("message", "1", "new.localhost", "cancel", "remote-server-not-found")
	if err := s.AddDomain("new.localhost"); err != nil {
		t.Error(err)
	}
}

// TestComponentShutdown: components go last, so that they hear of those who go.
func TestComponentShutdown(t *testing.T) {
	t.Parallel()
	s := serve(t, withComponents)
	bridge := s.component(t, "tcp", "bridge.localhost", "bridge's")
	waiting := s.dialComponent(t, "tcp") // has not proved itself
	alice := s.login(t, "tcp", "alice", "a")
	await.Equal(t, "connections", func() int64 { return s.Stats().Connections }, 3)
	done := make(chan struct{})
	go func() {
		s.shutdown(t)
		close(done)
	}()
	alice.expectStreamError("system-shutdown")
	bridge.expectStreamError("system-shutdown")
	if n := waiting.expect("error"); n.child("system-shutdown").XMLName.Local == "" {
		t.Errorf("got %s", n)
	}
	_ = alice.conn.Close()
	_ = bridge.conn.Close()
	_ = waiting.conn.Close()
	<-done
}

// TestComponentConfig: each fault is named.
func TestComponentConfig(t *testing.T) {
	cfg := newConfig()
	cfg.Components = []engine.Component{{Domain: "localhost", Secret: "x"}, {Domain: "a.localhost"}, {Domain: "b c", Secret: "x"}}
	_, err := engine.New(cfg)
	for _, want := range []string{`Components[0]: "localhost"`, `Components[1]: "a.localhost"`, `Components[2]: "b c"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// TestComponentFederation: users of other servers reach a component and are
// reached by it, with a certificate and without, as it comes and goes.
func TestComponentFederation(t *testing.T) {
	for name, trust := range map[string]func(*engine.Config){
		"certificate": nil, "untrusted certificate": untrusted(t, "a.example", "bridge.a.example"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.server(func(c *engine.Config) {
				withComponents(c)
				c.Components = []engine.Component{{Domain: "bridge.a.example", Secret: "bridge's"}}
				c.Certificates = enginetest.Shown{"": w.CA.For(t, "a.example", "bridge.a.example")}
				if trust != nil {
					trust(c)
				}
			}, "a.example")
			w.Point("bridge.a.example", enginetest.Target(a.addr("s2s"), false))
			b := w.server(nil, "b.example")
			bob := b.as(t, "bob@b.example/2")
			bob.send("<message to='x@bridge.a.example' id='1'><body>x</body></message>")
			bob.expectError("message", "1", "x@bridge.a.example", "wait", "remote-server-timeout")
			for i := range 2 {
				bridge := a.component(t, "tcp", "bridge.a.example", "bridge's")
				for n := range 20 {
					bob.send("<message to='x@bridge.a.example'><body>%d</body></message>", n)
				}
				for n := range 20 {
					bridge.expectFrom("bob@b.example/2", "x@bridge.a.example", fmt.Sprint(n))
				}
				bridge.send("<message xmlns='%s' from='X@bridge.a.example/y' to='bob@b.example/2'><body>back</body></message>", nsAccept)
				if n := bob.expectFrom("x@bridge.a.example/y", "bob@b.example/2", "back"); n.XMLName.Space != "jabber:client" || n.child("body").XMLName.Space != "jabber:client" {
					t.Errorf("got %s in %s", n, n.XMLName.Space)
				}
				bridge.send("<iq type='get' id='2' from='x@bridge.a.example' to='nobody@b.example/3'><q xmlns='urn:q'/></iq>")
				bridge.expectError("iq", "2", "nobody@b.example/3", "cancel", "service-unavailable")
				bridge.send("<message id='3' from='x@bridge.a.example' to='x@nowhere.example'><body>x</body></message>")
				bridge.expectError("message", "3", "x@nowhere.example", "cancel", "remote-server-not-found")
				if i == 0 {
					bridge.send("</stream:stream>")
					bridge.expectEnd()
					await.Equal(t, "components", func() int64 { return a.Stats().Components }, 0)
				}
			}
		})
	}
}
