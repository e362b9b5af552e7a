package im_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/standard"
)

// What passes the quota of an account comes back to senders at other servers as
// to those of its own; what was taken is there, in order.
func TestQuotaForRemoteSenders(t *testing.T) {
	servers := federated(t, "far.example")
	near := startIn(t, servers["far.example"].world, func(c *engine.Config) {
		c.Extensions = standard.Options{Offline: offline.Options{MaxMessages: 3}}.Register
	}, "near.example")
	near.account("bob@near.example")
	alice := servers["far.example"].login("alice@far.example/r", "<presence/>")
	for i := range 5 {
		alice.send("<message to='bob@near.example' type='chat' id='m%d'><body>x</body></message>", i)
	}
	for i := 3; i < 5; i++ {
		_, e := alice.until(func(e *element) bool { return e.is("message") })
		if e.attr("id") != fmt.Sprintf("m%d", i) || e.condition() != "service-unavailable" || e.attr("from") != "bob@near.example" {
			t.Errorf("got %s", e)
		}
	}
	bob := near.login("bob@near.example/r", "<presence/>")
	for i := range 3 {
		if _, e := bob.until(func(e *element) bool { return e.is("message") }); e.attr("id") != fmt.Sprintf("m%d", i) {
			t.Errorf("got %s", e)
		}
	}
}

// RFC 6121 §4.3.2 rule 1: an account that believes to be subscribed to a contact
// whose server knows nothing of it learns that by its next probe.
func TestRFC6121_4_3_2_1_StatesAreMended(t *testing.T) {
	servers := federated(t, "near.example", "far.example")
	near, far := servers["near.example"], servers["far.example"]
	near.account("bob@near.example")
	bob := near.login("bob@near.example/r", "<presence/>")
	bob.sync()
	believes(far, "alice@far.example", "bob@near.example")

	const roster = "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"
	alice := far.login("alice@far.example/r", roster)
	if _, e := alice.until(withID("roster")); e.child("query", "item").attr("subscription") != "to" {
		t.Fatalf("the roster is not as prepared: %s", e)
	}
	alice.send("<presence/>")
	_, e := alice.until(func(e *element) bool { return e.attr("type") == "unsubscribed" })
	if e.attr("from") != "bob@near.example" || e.attr("to") != "alice@far.example" {
		t.Errorf("got %s", e)
	}
	_, e = alice.until(func(e *element) bool { return e.is("iq") })
	if item := e.child("query", "item"); item.attr("jid") != "bob@near.example" || item.attr("subscription") != "none" {
		t.Errorf("got %s", e)
	}
}

// rosterItems is where package xep/roster keeps contacts.
const rosterItems = "roster"

// believes stores that an account is subscribed to a contact: what the roster of
// another account says after it was.
func believes(s *server, account, contact string) {
	s.t.Helper()
	s.account(account)
	s.account("model@far.example")
	s.account("contact@far.example")
	model := s.login("model@far.example/r", "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq><presence type='subscribe' to='contact@far.example'/>")
	model.sync()
	other := s.login("contact@far.example/r", "<presence/><presence type='subscribed' to='model@far.example'/>")
	other.sync()
	model.until(func(e *element) bool { return e.child("query", "item").attr("subscription") == "to" })
	res := s.store.Read(&storage.Op{Kind: storage.Get, Owner: "model@far.example", Collection: rosterItems, Key: []byte("contact@far.example")})
	if res.Err != nil {
		s.t.Fatal(res.Err)
	}
	op := &storage.Op{Kind: storage.Apply, Owner: account}
	op.Batch.Put(rosterItems, []byte(contact), res.Items[0].Value)
	s.apply(op)
}

// A stanza that the other server finds too large ends its stream there. The sender
// hears of it, and what follows gets through: it is not sent again and again.
func TestStanzaTooLargeForTheOtherServer(t *testing.T) {
	servers := federated(t, "far.example")
	far := servers["far.example"]
	near := startIn(t, far.world, func(c *engine.Config) { c.Limits.StanzaBytes = 10_000 }, "near.example")
	near.account("bob@near.example")
	bob := near.login("bob@near.example/r", "<presence/>")
	bob.sync()
	alice := far.login("alice@far.example/r", "<presence/>")
	alice.send("<message to='bob@near.example/r' id='small'><body>x</body></message>")
	bob.until(withID("small"))
	alice.send("<message to='bob@near.example/r' id='large'><body>%s</body></message>", strings.Repeat("x", 20_000))
	alice.send("<message to='bob@near.example/r' id='behind'><body>x</body></message>")
	before, _ := bob.until(withID("behind"))
	for _, e := range before {
		if e.is("message") {
			t.Errorf("bob got %s", e)
		}
	}
	if _, e := alice.until(withID("large")); e.condition() == "" {
		t.Errorf("alice got %.200s", e)
	}
}
