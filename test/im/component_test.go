package im_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// component connects one (XEP-0114); its secret is its domain.
func (s *server) component(domain string) *client {
	s.t.Helper()
	conn, err := s.PipeComponent()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	c := &client{t: s.t, jid: domain, conn: conn, dec: xml.NewDecoder(conn)}
	c.send("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='%s'>", domain)
	id := ""
	for id == "" {
		tok, err := c.dec.Token()
		if err != nil {
			s.t.Fatal(err)
		}
		if start, ok := tok.(xml.StartElement); ok {
			id = (&element{Attrs: start.Attr}).attr("id")
		}
	}
	sum := sha1.Sum([]byte(id + domain))
	c.send("<handshake>%s</handshake>", hex.EncodeToString(sum[:]))
	if e := c.next(); !e.is("handshake") {
		s.t.Fatalf("%s: %s", domain, e)
	}
	return c
}

func components(domains ...string) (list []engine.Component) {
	for _, d := range domains {
		list = append(list, engine.Component{Domain: d, Secret: d})
	}
	return list
}

// XEP-0030: a domain lists the components that are connected and below it, and
// those that are below no domain served here.
func TestComponentsInDiscovery(t *testing.T) {
	s := start(t, nil, engine.Config{Domains: []string{"a.example", "b.example", "sub.a.example"},
		Components: components("x.a.example", "y.sub.a.example", "z.b.example", "elsewhere.example", "away.a.example")})
	for _, c := range []string{"x.a.example", "y.sub.a.example", "z.b.example", "elsewhere.example"} {
		s.component(c)
	}
	s.account("alice@a.example")
	alice := s.login("alice@a.example/r", "")
	for domain, want := range map[string][]string{
		"a.example": {"elsewhere.example", "x.a.example"}, "b.example": {"elsewhere.example", "z.b.example"},
		"sub.a.example": {"elsewhere.example", "y.sub.a.example"},
	} {
		alice.send("<iq type='get' id='%s' to='%[1]s'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", domain)
		_, e := alice.until(withID(domain))
		var got []string
		for i := range e.child("query").Children {
			got = append(got, e.child("query").Children[i].attr("jid"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s lists %q, want %q", domain, got, want)
		}
	}
}

// What a component sends to one account arrives in order, although its home must
// deal with a part: the store takes the approval when the presence and the message
// behind it were read already.
func TestOrderFromAComponent(t *testing.T) {
	var running atomic.Pointer[server]
	var read atomic.Uint64 // stanzas of components that must have been read before anything is stored
	s := start(t, func(d storage.Driver) storage.Driver {
		return storagetest.NewFaulty(d, storagetest.Faults{Apply: func([]*storage.Op) error {
			for e := running.Load(); e != nil && read.Load() > e.Stats().ComponentInTotal; {
				runtime.Gosched()
			}
			return nil
		}})
	}, engine.Config{Components: components("x.localhost")})
	running.Store(s)
	c := s.component("x.localhost")
	for i := range 20 {
		account := fmt.Sprintf("user%d@localhost", i)
		s.account(account)
		user := s.login(account+"/r", "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq><presence/><presence type='subscribe' to='friend@x.localhost'/>")
		c.until(func(e *element) bool { return e.attr("type") == "subscribe" })
		read.Add(3)
		c.send("<presence from='friend@x.localhost' to='%s' type='subscribed'/><presence from='friend@x.localhost/r' to='%[1]s'/>"+
			"<message from='friend@x.localhost/r' to='%[1]s' id='m'><body>x</body></message>", account)
		var got []string
		before, _ := user.until(withID("m"))
		for _, e := range before {
			if e.is("presence") && bare(e.attr("from")) == "friend@x.localhost" {
				got = append(got, e.attr("type"))
			}
		}
		if !slices.Equal(got, []string{"subscribed", ""}) {
			t.Errorf("%s got presence %q before the message", account, got)
		}
	}
}
