package engine_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/session"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/xep/carbons"
)

const (
	nsSASL2 = session.NSSASL2
	nsBind2 = session.NSBind2
	nsFAST  = "urn:xmpp:fast:0"
)

// login2 connects over direct TLS, logs in by SASL2 with more in its
// <authenticate/>, and returns the answer.
func (s *server) login2(t testing.TB, user, more string) (*client, *node) {
	t.Helper()
	c := s.connect(t, "tls")
	c.open()
	return c, c.authenticate2(sasl.SCRAMSHA256, saslSecret(user), more)
}

// authenticate2 goes through SASL2 and returns what ended it.
func (c *client) authenticate2(mechanism string, cfg sasl.ClientConfig, more string) *node {
	c.t.Helper()
	ex, err := sasl.NewClient(mechanism, cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	c.send("<authenticate xmlns='%s' mechanism='%s'><initial-response>%s</initial-response>%s</authenticate>", nsSASL2, mechanism, b64(ex.First()), more)
	for {
		n := c.next()
		if n.XMLName.Local == "features" { // the header was sent along
			continue
		}
		if n.XMLName.Space != nsSASL2 {
			c.t.Fatalf("got %s", n)
		}
		switch n.XMLName.Local {
		case "challenge":
			data, err := base64.StdEncoding.DecodeString(n.Text)
			if err != nil {
				c.t.Fatal(err)
			}
			answer, err := ex.Next(data)
			if err != nil {
				c.t.Fatal(err)
			}
			c.send("<response xmlns='%s'>%s</response>", nsSASL2, b64(answer))
		case "success", "continue":
			data, err := base64.StdEncoding.DecodeString(n.child("additional-data").Text)
			if err != nil {
				c.t.Fatal(err)
			}
			if err := ex.Finish(data); err != nil {
				c.t.Fatal(err)
			}
			c.jid = n.child("authorization-identifier").Text
			return n
		default:
			return n
		}
	}
}

func bindWith(inside string) string { return "<bind xmlns='" + nsBind2 + "'>" + inside + "</bind>" }

func agentOf(id string) string {
	return "<user-agent id='" + id + "'><software>Test</software><device>Bench</device></user-agent>"
}

const (
	phone  = "d4565fa7-4d72-4749-b3d3-740edbf87770"
	tablet = "d4565fa7-4d72-4749-b3d3-740edbf87771"
)

// TestBind2WithCarbons: a session that asked for carbons as it was bound misses no
// message, on any loop.
func TestBind2WithCarbons(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Extensions = carbons.Register })
	bob := s.login(t, "pipe", "bob", "b")
	for range 8 { // some of them on the other loop
		first, n := s.login2(t, "alice", bindWith("<tag>one</tag>"))
		if n.child("bound").XMLName.Space != nsBind2 || !strings.HasPrefix(first.jid, "alice@localhost/one/") {
			t.Fatalf("got %s", n)
		}
		first.expect("features")
		second, _ := s.login2(t, "alice", bindWith("<enable xmlns='urn:xmpp:carbons:2'/>"))
		second.expect("features")
		bob.send("<message to='%s' type='chat'><body>x</body></message>", first.jid)
		if n := second.expect("message"); n.child("received").XMLName.Space != "urn:xmpp:carbons:2" {
			t.Fatalf("got %s", n)
		}
		first.expect("message")
		first.chats(bob, "y")
		if n := second.expect("message"); n.child("sent").XMLName.Space != "urn:xmpp:carbons:2" {
			t.Fatalf("got %s", n)
		}
		first.send("</stream:stream>")
		first.expectEnd()
		second.send("</stream:stream>")
		second.expectEnd()
	}
}

// TestXEP0386_4_2_EarlierSessionsOfTheClientEnd, whatever their tag; those of others
// stay.
func TestXEP0386_4_2_EarlierSessionsOfTheClientEnd(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	other, _ := s.login2(t, "alice", agentOf(tablet)+bindWith("<tag>App</tag>"))
	other.expect("features")
	nameless, _ := s.login2(t, "alice", bindWith("<tag>App</tag>"))
	nameless.expect("features")
	first, _ := s.login2(t, "alice", agentOf(phone)+bindWith("<tag>App</tag>"))
	first.expect("features")
	again, _ := s.login2(t, "alice", agentOf(phone)+bindWith("<tag>App</tag>"))
	again.expect("features")
	if again.jid != first.jid {
		t.Errorf("the resource changes from %s to %s", first.jid, again.jid)
	}
	first.expectStreamError("conflict")
	renamed, _ := s.login2(t, "alice", agentOf(phone)+bindWith("<tag>Other</tag>"))
	renamed.expect("features")
	again.expectStreamError("conflict")
	renamed.chats(other, "x")
	renamed.chats(nameless, "y")
}

// TestXEP0198_10_ResumeInlineAcrossLoops: one exchange logs in and resumes, wherever
// the session is; when there is none any more it binds.
func TestXEP0198_10_ResumeInlineAcrossLoops(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	bob := s.login(t, "pipe", "bob", "b")
	for range 8 { // some of them meet the other loop
		c, n := s.login2(t, "alice", bindWith("<enable xmlns='"+nsManage+"' resume='true'/>"))
		c.expect("features")
		id := n.child("bound").child("enabled").attr("id")
		bob.sendBodies(c.jid, 0, 3)
		c.expectBodies(0, 3)
		_ = c.conn.Close()
		s.waitDetached(t, 1)
		bob.sendBodies(c.jid, 3, 6)
		bob.expectNothing()
		again, n := s.login2(t, "alice", "<resume xmlns='"+nsManage+"' previd='"+id+"' h='2'/>"+bindWith(""))
		if r := n.child("resumed"); r.attr("previd") != id || r.attr("h") != "0" || again.jid != c.jid || n.child("bound").XMLName.Local != "" {
			t.Fatalf("got %s", n)
		}
		again.expectBodies(2, 6) // no features before them
		bob.sendBodies(again.jid, 6, 40)
		again.expectBodies(6, 40)
		again.send("<a xmlns='%s' h='40'/></stream:stream>", nsManage)
		for {
			if n, err := again.read(); err == errStreamEnd {
				break
			} else if err != nil || n.XMLName.Space != nsManage {
				t.Fatalf("got %v, %v", n, err)
			}
		}
		late, n := s.login2(t, "alice", "<resume xmlns='"+nsManage+"' previd='"+id+"' h='2'/>"+bindWith("<tag>new</tag>"))
		if n.child("failed").child("item-not-found").XMLName.Space != nsStanzas || !strings.HasPrefix(late.jid, "alice@localhost/new/") {
			t.Fatalf("got %s", n)
		}
		late.expect("features")
		late.chats(bob, "x")
		_ = late.conn.Close()
	}
}

// TestXEP0198_6_InlineTooHigh: who acknowledges more than there was is told, and not
// let in.
func TestXEP0198_6_InlineTooHigh(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c, n := s.login2(t, "alice", bindWith("<enable xmlns='"+nsManage+"' resume='true'/>"))
	c.expect("features")
	_ = c.conn.Close()
	s.waitDetached(t, 1)
	d := s.connect(t, "tls")
	d.open()
	d.send("%s", expand(with2("PLAIN", initial("{b64:\x00alice\x00secret}")+
		"<resume xmlns='"+nsManage+"' previd='"+n.child("bound").child("enabled").attr("id")+"' h='9'/>"+bindWith(""))))
	d.expectStreamError("undefined-condition")
}

// TestBind2BeyondTheBound: the account has as many sessions as it may, and the
// client hears why when it asks.
func TestBind2BeyondTheBound(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) { cfg.Limits.SessionsPerUser = 1 })
	s.login(t, "tls", "alice", "a")
	c, n := s.login2(t, "alice", bindWith(""))
	if n.child("bound").XMLName.Local != "" || c.jid != "alice@localhost" || c.expect("features").child("bind").XMLName.Space != nsBind {
		t.Fatalf("got %s", n)
	}
	c.send("<iq type='set' id='b'><bind xmlns='%s'/></iq>", nsBind)
	if n := c.expect("iq"); n.child("error").child("resource-constraint").XMLName.Space != nsStanzas {
		t.Fatalf("got %s", n)
	}
}

// TestTwoProfilesOneStream: a login that failed by SASL2 succeeds by the old profile.
func TestTwoProfilesOneStream(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.connect(t, "tls")
	c.open()
	wrong := saslSecret("alice")
	wrong.Password = "guess"
	if n := c.authenticate2(sasl.SCRAMSHA256, wrong, bindWith("")); n.child("not-authorized").XMLName.Space != nsSASL {
		t.Fatalf("got %s", n)
	}
	c.authenticate("alice")
	c.bind("r")
	c.chats(c, "x")
}
