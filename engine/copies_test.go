package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/standard"
)

// TestMessagesInARowWithCopies: in a random conversation between accounts with several
// sessions, some with carbons, some with stream management, each session gets the very
// bytes that it gets when each stanza is read by itself, but for random ids.
func TestMessagesInARowWithCopies(t *testing.T) {
	for _, durable := range []bool{false, true} {
		t.Run(fmt.Sprintf("durable-%v", durable), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(8) {
				together := newConversation(t, durable, seed).run(false)
				apart := newConversation(t, durable, seed).run(true)
				for name, got := range together {
					if want := apart[name]; got != want {
						t.Fatalf("seed %d, %s:\n   in a row %s\none by one %s", seed, name, got, want)
					}
				}
				all := strings.Join([]string{together["a0"], together["a1"], together["b0"], together["b1"], together["b2"]}, "")
				if strings.Contains(all, "<stream:error") {
					t.Fatalf("seed %d: %s", seed, all)
				}
				for _, want := range []string{"<sent ", "<received ", "<message from='a@localhost/"} {
					if !strings.Contains(all, want) {
						t.Fatalf("seed %d: nobody got %s", seed, want)
					}
				}
			}
		})
	}
}

// conversation is one on a server of its own, the same for a seed.
type conversation struct {
	t       *testing.T
	server  *server
	random  *rand.Rand
	talkers []*talker
	written int // messages
}

// talker is a session of it.
type talker struct {
	*sinkClient
	name    string
	managed bool
	got     []byte // all that it was sent
	handled int    // stanzas of that since stream management is on
	seen    int    // of got
}

func newConversation(t *testing.T, durable bool, seed uint64) *conversation {
	t.Helper()
	c := &conversation{t: t, random: rand.New(rand.NewPCG(seed, 1))}
	c.server = serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.Extensions, cfg.DurableAck = 1, standard.Register, durable
		if durable {
			cfg.Journal = make([]byte, 1<<20)
		}
		withStore(cfg)
	})
	c.server.create(t, "a@localhost", "b@localhost", "c@localhost")
	for _, s := range []struct {
		name             string
		priority         int
		carbons, managed bool
	}{
		{"a0", 1, true, true}, {"a1", 0, true, false},
		{"b0", 2, true, true}, {"b1", 2, false, false}, {"b2", -1, true, true},
		{"c0", 0, true, c.random.IntN(2) == 0},
	} {
		c.join(s.name, s.priority, s.carbons, s.managed)
	}
	d := c.server.Table().Domain("localhost")
	await.Equal(t, "sessions behind stored messages", func() (held int) {
		for _, local := range []string{"a", "b", "c"} {
			for _, e := range d.Lookup(local, nil) {
				if xep.Mark(e.Flags)&xep.MarkHeld != 0 {
					held++
				}
			}
		}
		return held
	}, 0)
	return c
}

func (c *conversation) join(name string, priority int, carbons, managed bool) {
	c.t.Helper()
	sink := attachTo(c.t, c.server.Attach, nil, func(login *client) {
		login.open()
		login.authenticate(name[:1])
		login.bind(name)
		if carbons {
			login.send("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
			login.expect("iq")
		}
		login.send("<presence><priority>%d</priority></presence>", priority)
		login.sync()
		if managed {
			login.enable()
		}
	})
	s := &talker{sinkClient: sink, name: name, managed: managed}
	c.server.OnLoop(0, func(func([]engine.Input)) {
		s.keep = func(b []byte) { s.got = append(s.got, b...) }
	})
	c.talkers = append(c.talkers, s)
}

// run has the conversation: each turn one session sends several stanzas, in one read or
// apart. It returns what each session got.
func (c *conversation) run(apart bool) map[string]string {
	got := map[string]string{}
	c.server.OnLoop(0, func(turn func([]engine.Input)) {
		for range 60 {
			turn(c.inputs(apart))
		}
		ids := regexp.MustCompile(` id='[A-Za-z0-9_-]{22}'`) // of stanza-ids, which are random
		for _, s := range c.talkers {
			got[s.name] = ids.ReplaceAllString(string(s.got), " id='random'")
			s.keep = func([]byte) {} // the server says goodbye
		}
	})
	return got
}

// inputs is what a session sends in a turn: mostly messages to the same address.
func (c *conversation) inputs(apart bool) (list []engine.Input) {
	s := c.talkers[c.random.IntN(len(c.talkers))]
	var stanzas [][]byte
	if s.managed && c.random.IntN(2) == 0 {
		stanzas = append(stanzas, s.acknowledge())
	}
	to := c.address()
	for range 1 + c.random.IntN(16) {
		if c.random.IntN(6) == 0 {
			to = c.address()
		}
		stanzas = append(stanzas, c.message(to))
		if s.managed && c.random.IntN(9) == 0 {
			stanzas = append(stanzas, []byte("<r xmlns='urn:xmpp:sm:3'/>"))
		}
	}
	if !apart {
		return []engine.Input{{From: s.Wire, Bytes: bytes.Join(stanzas, nil)}}
	}
	for _, st := range stanzas {
		list = append(list, engine.Input{From: s.Wire, Bytes: st})
	}
	return list
}

func (c *conversation) address() string {
	return []string{
		"a@localhost", "b@localhost", "b@localhost", "c@localhost", "a@localhost/a0", "a@localhost/a1",
		"b@localhost/b0", "b@localhost/b1", "b@localhost/b2", "B@localhost", "b@localhost/none", "c@localhost/c0",
	}[c.random.IntN(12)]
}

// message is mostly one of a chat that is copied; its content and type change now and then.
func (c *conversation) message(to string) []byte {
	pick := func(usual string, others ...string) string {
		if c.random.IntN(4) > 0 {
			return usual
		}
		return others[c.random.IntN(len(others))]
	}
	c.written++
	typ := pick(" type='chat'", "", " type='normal'", " type='x'", ` type="it's"`, " type='headline'", " type='error'")
	content := pick("<body>hi</body>", "<body>hi</body><private xmlns='urn:xmpp:carbons:2'/>", "<body>hi</body><no-copy xmlns='urn:xmpp:hints'/>",
		"<x xmlns='urn:x'/>", "<active xmlns='http://jabber.org/protocol/chatstates'/>", "<x xmlns='jabber:x:conference' jid='r@muc'/>",
		"<x xmlns='http://jabber.org/protocol/muc#user'/><body>hi</body>", "<sent xmlns='urn:xmpp:carbons:2'/>",
		"<stanza-id xmlns='urn:xmpp:sid:0' by='b@localhost' id='1'/><body>hi</body>")
	extra := pick("", " xmlns:e='urn:e' e:a='b'", " xml:lang='de'", " xmlns='jabber:client'")
	return fmt.Appendf(nil, "<message to='%s'%s id='%d'%s>%s</message>", to, typ, c.written, extra, content)
}

// acknowledge says how many stanzas the session got since stream management is on.
func (s *talker) acknowledge() []byte {
	now := s.got[s.seen:]
	s.seen = len(s.got)
	s.handled += bytes.Count(now, []byte("</message>")) - bytes.Count(now, []byte("</forwarded>")) + bytes.Count(now, []byte("<presence"))
	return fmt.Appendf(nil, "<a xmlns='urn:xmpp:sm:3' h='%d'/>", s.handled)
}
