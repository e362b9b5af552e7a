package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/routing"
)

// TestReadOfManyStanzas: what comes in one read has the same answers and arrives as
// what comes stanza by stanza, whatever stands beside what.
func TestReadOfManyStanzas(t *testing.T) {
	t.Parallel()
	const body = "<body>x</body></message>"
	stanzas := []string{
		"<message to='bob@localhost/b' type='chat'>" + body, "<message to='bob@localhost/b' type='chat'>" + body,
		"<message to='bob@localhost/b'>" + body, "<message to='bob@localhost/b'>" + body,
		"<message to='bob@localhost' type='chat'>" + body, "<message to='bob@localhost' type='chat'>" + body,
		"<message to='carol@localhost' type='chat'>" + body, "<message to='bob@localhost' type='chat'>" + body,
		"<message to='Bob@Localhost' type='chat'>" + body, "<message to='Bob@Localhost' type='chat' xml:lang='de'>" + body,
		"<message from='alice@localhost' to='bob@localhost' type='chat'>" + body,
		"<message to='bob@localhost' type='chat' from='alice@localhost/a'>" + body,
		"<message to='bob@localhost' type='chat'><stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='1'/>" + body,
		"<message to='bob@localhost' type='chat'><stanza-id xmlns='urn:xmpp:sid:0' by='other.example' id='1'/>" + body,
		"<message to='bob@localhost' type='chat' xmlns:e='urn:e' e:a='b'>" + body,
		"<message to='bob@localhost' type='headline'>" + body, "<message to='bob@localhost' type='headline'>" + body,
		"<message to='bob@localhost' type='groupchat'>" + body, "<message to='bob@localhost' type='groupchat'>" + body,
		"<message to='bob@localhost/gone'>" + body, "<message to='bob@localhost/gone' type='chat'>" + body,
		"<message to='@localhost'>" + body, "<message to='bob@localhost'>" + body,
		"<iq type='get' to='bob@localhost/b'><query xmlns='urn:e'/></iq>", "<message to='bob@localhost'>" + body,
		"<message to='nobody@localhost' type='chat'>" + body, "<message to='nobody@localhost' type='chat'>" + body,
		"<message>" + body, "<message>" + body, "<message to='alice@localhost'>" + body, "<message to='alice@localhost'>" + body,
		"<presence to='bob@localhost/b'/>", "<message to='bob@localhost/b'>" + body,
	}
	for i, st := range stanzas {
		end := strings.IndexAny(st, " >")
		stanzas[i] = fmt.Sprintf("%s id='%d'%s", st[:end], i, st[end:])
	}
	s := serve(t, nil)
	alice, bob, carol := s.login(t, "pipe", "alice", "a"), s.login(t, "pipe", "bob", "b"), s.login(t, "pipe", "carol", "c")
	for _, c := range []*client{alice, bob, carol} {
		c.send("<presence/>")
		c.sync()
	}
	arrived := func() (all []string) {
		for _, c := range []*client{alice, bob, carol} {
			for _, n := range c.sync() {
				all = append(all, c.jid+" gets "+n.String())
			}
		}
		return all
	}
	alice.send("%s", strings.Join(stanzas, ""))
	together := arrived()
	var apart []string
	for _, st := range stanzas {
		alice.send("%s", st)
		apart = append(apart, arrived()...)
	}
	slices.SortStableFunc(apart, func(a, b string) int { // by client, as they are in together
		a, _, _ = strings.Cut(a, " ")
		b, _, _ = strings.Cut(b, " ")
		return strings.Compare(a, b)
	})
	if !slices.Equal(together, apart) {
		t.Errorf("in one read:\n%s\n\nstanza by stanza:\n%s", strings.Join(together, "\n"), strings.Join(apart, "\n"))
	}
	if len(together) < len(stanzas)-6 {
		t.Errorf("only %d of %d stanzas arrived or were answered", len(together), len(stanzas))
	}
}

// TestTableChangesInARead: the second of two messages goes where the table says then.
func TestTableChangesInARead(t *testing.T) {
	for _, c := range []struct {
		name, to       string
		change         func(d *routing.Domain, desk routing.Entry)
		onDesk, onSofa int // messages that arrive
	}{
		{"nothing", "bob@localhost", func(*routing.Domain, routing.Entry) {}, 2, 0},
		{"nothing, full address", "bob@localhost/desk", func(*routing.Domain, routing.Entry) {}, 2, 0},
		{"another account", "bob@localhost", func(d *routing.Domain, _ routing.Entry) { d.Bind("carol", "c", 77) }, 2, 0},
		{"a lower priority", "bob@localhost", func(d *routing.Domain, desk routing.Entry) {
			d.SetPresence("bob", "desk", desk.Mailbox, true, 1)
		}, 1, 1},
		{"unavailable, full address", "bob@localhost/desk", func(d *routing.Domain, desk routing.Entry) {
			d.SetPresence("bob", "desk", desk.Mailbox, false, 0)
		}, 2, 0},
		{"unbound, full address", "bob@localhost/desk", func(d *routing.Domain, desk routing.Entry) {
			d.Unbind("bob", "desk", desk.Mailbox)
		}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil)
			desk, sofa := s.login(t, "pipe", "bob", "desk"), s.login(t, "pipe", "bob", "sofa")
			desk.send("<presence><priority>5</priority></presence>")
			sofa.send("<presence><priority>3</priority></presence>")
			desk.sync()
			sofa.sync()
			alice := s.attach(t, "alice", "a")
			d := s.Table().Domain("localhost")
			entry, _ := d.LookupFull("bob", "desk")
			message := fmt.Appendf(nil, "<message to='%s' type='chat'><body>x</body></message>", c.to)
			s.FeedBetween(alice.Wire, message, message, func() { c.change(d, entry) })
			for _, want := range []struct {
				c *client
				n int
			}{{desk, c.onDesk}, {sofa, c.onSofa}} {
				for range want.n {
					want.c.expect("message")
				}
			}
			sofa.expectNothing()
			if _, bound := d.LookupFull("bob", "desk"); bound { // else it would get no answer
				desk.expectNothing()
			}
		})
	}
}
