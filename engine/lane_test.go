package engine_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/routing"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/standard"
)

// TestReadOfManyStanzas: what comes in one read has the same answers and arrives as
// what comes stanza by stanza, whatever stands beside what.
func TestReadOfManyStanzas(t *testing.T) {
	for name, change := range map[string]func(*engine.Config){"plain": nil, "durable": durable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			readOfManyStanzas(t, change)
		})
	}
}

// durable has clients with stream management acknowledge messages before they are.
func durable(cfg *engine.Config) {
	cfg.DurableAck, cfg.Journal = true, make([]byte, 1<<20)
	cfg.Extensions = standard.Register
	withStore(cfg)
}

// loginAs is login, with stream management if the engine is durable.
func (s *server) loginAs(t testing.TB, change func(*engine.Config), user, resource string) *client {
	t.Helper()
	c := s.login(t, "pipe", user, resource)
	if change != nil {
		c.enable()
	}
	return c
}

func readOfManyStanzas(t *testing.T, change func(*engine.Config)) {
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
	s := serve(t, change)
	if change != nil {
		s.create(t, "alice@localhost", "bob@localhost", "carol@localhost")
	}
	alice, bob, carol := s.loginAs(t, change, "alice", "a"), s.loginAs(t, change, "bob", "b"), s.loginAs(t, change, "carol", "c")
	for _, c := range []*client{alice, bob, carol} {
		c.send("<presence/>")
		c.sync()
	}
	ids := regexp.MustCompile(` id=['"][A-Za-z0-9_-]{22}['"]`) // of stanza-ids, which are random
	arrived := func() (all []string) {
		for _, c := range []*client{alice, bob, carol} {
			for _, n := range c.sync() {
				all = append(all, c.jid+" gets from "+n.attr("from")+": "+ids.ReplaceAllString(n.String(), ""))
			}
		}
		return all
	}
	alice.send("%s", strings.Join(stanzas, ""))
	together := arrived()
	bySender := func(all []string) { // between senders there is no order
		slices.SortStableFunc(all, func(a, b string) int {
			a, _, _ = strings.Cut(a, ": ")
			b, _, _ = strings.Cut(b, ": ")
			return strings.Compare(a, b)
		})
	}
	var apart []string
	for _, st := range stanzas {
		alice.send("%s", st)
		apart = append(apart, arrived()...)
	}
	bySender(together)
	bySender(apart)
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
			for _, config := range []func(*engine.Config){nil, durable} {
				s := serve(t, config)
				if config != nil {
					s.create(t, "alice@localhost", "bob@localhost")
				}
				desk, sofa := s.loginAs(t, config, "bob", "desk"), s.loginAs(t, config, "bob", "sofa")
				desk.send("<presence><priority>5</priority></presence>")
				sofa.send("<presence><priority>3</priority></presence>")
				desk.sync()
				sofa.sync()
				desk.sync() // it has heard of sofa
				alice := attachTo(t, s.Attach, endOfMessage, func(login *client) {
					login.open()
					login.authenticate("alice")
					login.bind("a")
					login.sync() // its home knows it
				})
				d := s.Table().Domain("localhost")
				await.Equal(t, "sessions behind stored messages", func() (held int) {
					for _, e := range d.Lookup("bob", nil) {
						if xep.Mark(e.Flags)&xep.MarkHeld != 0 {
							held++
						}
					}
					return held
				}, 0)
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
			}
		})
	}
}

// TestDurableMessagesOfARead: messages that come in one read are asked for by one <r/>
// behind them, and acknowledged to their sender in one go when the recipient has
// answered; those that nobody waits for between them are no part of that.
func TestDurableMessagesOfARead(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *engine.Config) {
		durable(cfg)
		cfg.Loops = 1
	})
	s.create(t, "alice@localhost", "bob@localhost")
	alice, bob := s.loginAs(t, durable, "alice", "a"), s.loginAs(t, durable, "bob", "b")
	for round := range 3 {
		var read strings.Builder
		for i := range 16 {
			hint := ""
			if i%5 == 3 {
				hint = "<no-store xmlns='urn:xmpp:hints'/>"
			}
			fmt.Fprintf(&read, "<message to='%s' type='chat' id='%d'><body>x</body>%s</message>", bob.jid, i, hint)
		}
		alice.send("%s<r xmlns='%s'/>", read.String(), nsManage)
		for i := range 16 {
			if n := bob.expect("message"); n.attr("id") != fmt.Sprint(i) || (n.child("stanza-id").XMLName.Local != "") != (i%5 != 3) {
				t.Fatalf("bob got %s, want message %d", n, i)
			}
		}
		if n := bob.next(); n.XMLName.Local != "r" || n.XMLName.Space != nsManage {
			t.Fatalf("bob got %s, want a request", n)
		}
		handled := 16 * (round + 1)
		bob.send("<a xmlns='%s' h='%d'/>", nsManage, handled)
		for h := 0; h != handled; { // on a slow machine the answer comes bit by bit
			n := alice.expect("a")
			if h, _ = strconv.Atoi(n.attr("h")); h > handled {
				t.Fatalf("alice got %s, want h=%d", n, handled)
			}
		}
	}
}
