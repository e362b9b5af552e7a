package im_test

import (
	"fmt"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// Accounts of one name in two domains have nothing in common: neither
// messages, stored or not, nor rosters, presence, or what extensions keep.
func TestLocalPartsAreApart(t *testing.T) {
	s := start(t, nil, engine.Config{Domains: []string{"one.example", "two.example"}})
	for _, account := range []string{"alice@one.example", "alice@two.example", "bob@one.example", "bob@two.example"} {
		s.account(account)
	}
	one := s.login("alice@one.example/r", "<presence/>")
	two := s.login("alice@two.example/r", "<presence/>")
	one.sync()
	two.sync()
	one.send("<iq type='set' id='item'><query xmlns='jabber:iq:roster'><item jid='bob@one.example' name='of one'/></query></iq>" +
		"<iq type='set' id='card'><vCard xmlns='vcard-temp'><FN>Alice of one</FN></vCard></iq>" +
		"<iq type='set' id='notes'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>of one</a></query></iq>" +
		"<iq type='set' id='block'><block xmlns='urn:xmpp:blocking'><item jid='carol@one.example'/></block></iq>" +
		"<message to='bob@one.example' type='chat' id='stored'/>")
	one.sync()
	for _, ask := range []struct {
		request string
		is      func(*element) bool
	}{
		{"<query xmlns='jabber:iq:roster'/>", func(e *element) bool { return len(e.child("query").Children) == 1 }},
		{"<vCard xmlns='vcard-temp'/>", func(e *element) bool { return e.child("vCard", "FN").Text == "Alice of one" }},
		{"<query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query>", func(e *element) bool { return e.child("query", "a").Text == "of one" }},
		{"<blocklist xmlns='urn:xmpp:blocking'/>", func(e *element) bool { return len(e.child("blocklist").Children) == 1 }},
	} {
		for _, c := range []*client{one, two} {
			c.send("<iq type='get' id='get'>%s</iq>", ask.request)
			if _, e := c.until(withID("get")); ask.is(e) != (c == one) {
				t.Errorf("%s: %s", c.jid, e)
			}
		}
	}
	other := s.login("bob@two.example/r", "<presence/>")
	if got := messages(other.sync()); len(got) > 0 {
		t.Errorf("%s: %s", other.jid, got[0])
	}
	same := s.login("bob@one.example/r", "<presence/>")
	same.until(withID("stored"))
	// A full address is one session's, though both have the resource r.
	same.send("<message to='alice@two.example/r' id='for-two'/><message to='alice@one.example' id='for-one'/>")
	if before, _ := two.until(withID("for-two")); len(messages(before)) > 0 {
		t.Errorf("%s: %s", two.jid, before[0])
	}
	if before, _ := one.until(withID("for-one")); len(messages(before)) > 0 {
		t.Errorf("%s: %s", one.jid, before[0])
	}
}

// Subscription, presence, messages and IQs pass between domains of one
// server; a domain that goes takes its sessions along, and its contacts see it.
func TestDomainsOfOneServer(t *testing.T) {
	s := start(t, nil, engine.Config{Domains: []string{"one.example"}})
	if err := s.AddDomain("two.example"); err != nil {
		t.Fatal(err)
	}
	s.account("alice@one.example")
	s.account("bob@two.example")
	alice := s.login("alice@one.example/a", "<presence/>")
	bob := s.login("bob@two.example/b", "<presence/>")
	is := func(kind, from string) func(*element) bool {
		return func(e *element) bool {
			return e.is("presence") && e.attr("type") == kind && e.attr("from") == from
		}
	}
	alice.send("<presence type='subscribe' to='bob@two.example'/>")
	bob.until(is("subscribe", "alice@one.example"))
	bob.send("<presence type='subscribed' to='alice@one.example'/>")
	alice.until(is("", "bob@two.example/b"))
	alice.send("<message to='bob@two.example' type='chat' id='m'/><iq to='bob@two.example/b' type='get' id='q'><x xmlns='urn:example:x'/></iq>")
	bob.until(withID("m"))
	bob.until(withID("q"))
	bob.send("<iq to='%s' type='result' id='q'/>", alice.jid)
	if _, e := alice.until(withID("q")); e.attr("from") != bob.jid || e.attr("type") != "result" {
		t.Errorf("answer: %s", e)
	}
	s.RemoveDomain("two.example")
	_, e := bob.until(func(e *element) bool { return e.is("error") })
	if e.child("host-gone").XMLName.Local == "" {
		t.Errorf("told to the sessions of a domain that goes: %s", e)
	}
	alice.send("<message to='bob@two.example' type='chat' id='late'/>")
	if _, e := alice.until(withID("late")); e.condition() != "remote-server-not-found" {
		t.Errorf("to a domain that has gone: %s", e)
	}
	// It comes back as it was.
	if err := s.AddDomain("two.example"); err != nil {
		t.Fatal(err)
	}
	s.login("bob@two.example/b", "<presence/>")
	alice.until(is("", "bob@two.example/b"))
}

// 10,000 domains come and go while the server runs, below 4 KB each, and a
// session in one of them works as in any.
func TestTenThousandDomains(t *testing.T) {
	s := start(t, nil, engine.Config{Domains: []string{"localhost"}})
	const count = 10_000
	name := func(n int) string { return fmt.Sprintf("customer-%05d.example.org", n) }
	before := heap()
	for n := range count {
		if err := s.AddDomain(name(n)); err != nil {
			t.Fatal(err)
		}
	}
	each := (int64(heap()) - int64(before)) / count
	t.Logf("%d bytes for each domain", each)
	if each > 4096 {
		t.Errorf("a domain takes %d bytes", each)
	}
	if got := s.Stats().Domains; got != count+1 {
		t.Errorf("%d domains are served, want %d", got, count+1)
	}
	alice := s.login("alice@"+name(0)+"/r", "")
	bob := s.login("bob@"+name(count-1)+"/r", "")
	alice.send("<message to='%s' id='m'/>", bob.jid)
	bob.until(withID("m"))
	for n := range count {
		if !s.RemoveDomain(name(n)) {
			t.Fatalf("%s was not served", name(n))
		}
	}
	for _, c := range []*client{alice, bob} {
		if _, e := c.until(func(e *element) bool { return e.is("error") }); e.child("host-gone").XMLName.Local == "" {
			t.Errorf("%s: %s", c.jid, e)
		}
	}
	if left := int64(heap()) - int64(before); left > 1<<20 {
		t.Errorf("%d bytes stay", left)
	}
}
