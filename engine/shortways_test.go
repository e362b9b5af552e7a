package engine_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/blocking"
	"github.com/xylem-im/xylem/xep/carbons"
	"github.com/xylem-im/xylem/xep/offline"
	"github.com/xylem-im/xylem/xep/roster"
	"github.com/xylem-im/xylem/xep/stanzaid"
)

var shortWaySeed = flag.Uint64("shortways.seed", 0, "the one shortTalk of TestShortWays; 0: the usual ones")

// TestShortWays has random conversations twice, once with the short ways open (a row of
// messages to one address, runs of what one session gets, receipts in one go, plain
// elements of stream management) and once with all as by itself. Everybody gets the same
// in the same order, and the same is left in the store. Between the messages of a row,
// which one read of the sender has, its addressees change: they come, go, detach, resume,
// block, change priorities, carbons and client state. None reaches the limit of what it
// may leave without acknowledgement, which depends on when presence comes, too: see
// TestUnackedBound for that.
func TestShortWays(t *testing.T) {
	seeds := []uint64{*shortWaySeed}
	if *shortWaySeed == 0 {
		seeds = seeds[:0]
		for i := range 16 {
			seeds = append(seeds, uint64(i+1))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			short, plain := converse(t, seed, true), converse(t, seed, false)
			if different := differences(short, plain); different != "" {
				t.Errorf("seed %d\n%s\nwhat happened:\n%s", seed, different, strings.Join(short.told, "\n"))
			}
		})
	}
}

// shortTalk is one of the conversations, on an engine of its own, whose loop 0 has nothing but the
// sender: it stands still while the others change. These and all homes have one loop, as
// there is no order between what two of them have for a third.
type shortTalk struct {
	t      *testing.T
	s      *server
	r      *rand.Rand
	short  bool
	names  map[string]string // of accounts, by those in the script: at home on other loops than 0
	sender *party
	others []*party // all that there ever were, in the order of their logins
	rows   int
	from   int // the first loop that does not stand still
	told   []string
	got    map[string][]string // by who got it, from whom, to whom and in which part of which row
}

// party is one session.
type party struct {
	*client
	user, label, id string
	managed, lazy   bool // lazy: it does not acknowledge by itself
	in              int  // stanzas received
	connected       bool
	detached        bool
}

// differences tells what two conversations did not have in common.
func differences(a, b *shortTalk) string {
	var out strings.Builder
	for _, key := range sortedKeys(a.got, b.got) {
		if strings.Contains(key, "message error") { // who is refused at once hears so before who is when all is stored
			slices.Sort(a.got[key])
			slices.Sort(b.got[key])
		}
		if !slices.Equal(a.got[key], b.got[key]) {
			fmt.Fprintf(&out, "%s\nby short ways:\n\t%s\nby plain ones:\n\t%s\n", key, strings.Join(a.got[key], "\n\t"), strings.Join(b.got[key], "\n\t"))
		}
	}
	return out.String()
}

func sortedKeys(maps ...map[string][]string) (keys []string) {
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

const steps = 14

func converse(t *testing.T, seed uint64, short bool) *shortTalk {
	store := memory.New(memory.Options{})
	c := &shortTalk{t: t, short: short, r: rand.New(rand.NewPCG(seed, 198)), names: map[string]string{}, got: map[string][]string{}}
	c.s = serve(t, func(cfg *engine.Config) {
		cfg.Loops, cfg.DurableAck, cfg.Journal = 2, true, make([]byte, 1<<20)
		cfg.Auth, cfg.Store, cfg.Extensions = nil, store, forMessages
		cfg.Limits.UnackedStanzas, cfg.Limits.StanzasPerSecond, cfg.Limits.IdleTime = 10_000, 1_000_000, time.Hour
		if !short {
			cfg.Policy = lenient{}
		}
	})
	c.s.SetKeepAfter(time.Hour) // only what the conversation says
	if !short {
		c.s.TakeNoShortWays()
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		for i := 10; ; i++ {
			if name := fmt.Sprint(user, i); c.s.HomeLoop(name+"@localhost") != 0 {
				c.names[user] = name
				break
			}
		}
		op := &storage.Op{Kind: storage.Apply, Owner: c.names[user] + "@localhost"}
		op.Batch.Put(xep.CollectionAccount, []byte(xep.KeyCredentials), secretCredentials().Append(nil))
		errs := make([]error, 1)
		if store.Apply([]*storage.Op{op}, errs); errs[0] != nil {
			t.Fatal(errs[0])
		}
	}
	c.sender = c.enter("alice", "a", 0, c.r.IntN(3) > 0)
	c.others = nil
	for _, user := range []string{"bob", "carol", "bob"} {
		c.login(user)
	}
	for range steps {
		c.row()
		c.settle()
		if c.r.IntN(3) == 0 {
			c.change()
			c.settle()
		}
	}
	c.end()
	return c
}

// forMessages are the extensions that have a say in what becomes of messages. Of the
// others one writes a second later, which nobody is to wait for.
func forMessages(r *xep.Registry) error {
	return errors.Join(blocking.New(blocking.Options{})(r), roster.New(roster.Options{})(r), offline.New(offline.Options{})(r),
		carbons.Register(r), stanzaid.Register(r))
}

// lenient is a policy that has each message looked at.
type lenient struct{}

func (lenient) AllowBind(engine.SessionInfo) error    { return nil }
func (lenient) AllowMessage(engine.MessageView) error { return nil }

func (c *shortTalk) tell(format string, args ...any) {
	c.told = append(c.told, fmt.Sprintf(format, args...))
}

// connect gives somebody a connection to a loop.
func (c *shortTalk) connect(p *party, loop int) {
	ear := &ear{}
	ear.heard.L = &ear.mu
	wire, err := c.s.AttachOn(loop, (*earSink)(ear))
	if err != nil {
		c.t.Fatal(err)
	}
	ear.wire = wire
	p.client = newClient(c.t, ear)
}

// ear is the client's end of a connection that takes all at once, so that nothing depends
// on when the client reads.
type ear struct {
	net.Conn // nil
	wire     *engine.Wire
	mu       sync.Mutex
	heard    sync.Cond
	unread   []byte
	over     bool
}

// Write, Buffered, CloseWrite and Closed implement engine.Sink.
func (e *earSink) Write(b []byte) { e.change(func() { e.unread = append(e.unread, b...) }) }
func (e *earSink) Buffered() int  { return 0 }
func (e *earSink) CloseWrite()    { e.change(func() { e.over = true }) }
func (e *earSink) Closed()        { e.change(func() { e.over = true }) }

type earSink ear

func (e *earSink) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
	e.heard.Broadcast()
}

func (e *ear) Read(b []byte) (n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.unread) == 0 {
		if e.over {
			return 0, io.EOF
		}
		e.heard.Wait()
	}
	n = copy(b, e.unread)
	e.unread = e.unread[n:]
	return n, nil
}

func (e *ear) Write(b []byte) (int, error) {
	e.wire.Send(b)
	return len(b), nil
}

func (e *ear) Close() error {
	e.wire.Close()
	return nil
}

func (e *ear) SetDeadline(time.Time) error { return nil }

// enter logs somebody in on a loop.
func (c *shortTalk) enter(user, resource string, loop int, managed bool) *party {
	p := &party{user: user, managed: managed, connected: true}
	c.connect(p, loop)
	p.open()
	p.authenticate(c.names[user])
	p.bind(resource)
	p.label = fmt.Sprintf("%s/%s (login %d)", user, resource, len(c.others))
	c.others = append(c.others, p)
	if managed {
		p.send("<enable xmlns='%s' resume='true'/>", nsManage)
		n := p.next()
		for ; n.XMLName.Local != "enabled"; n = p.next() { // others may be faster
			c.noteStanza(p, n)
		}
		p.id = n.attr("id")
	}
	return p
}

func (c *shortTalk) login(user string) {
	resource, managed, lazy := fmt.Sprint("r", c.r.IntN(3)), c.r.IntN(4) > 0, c.r.IntN(3) == 0
	priority := c.priority()
	p := c.enter(user, resource, 1, managed)
	p.lazy = lazy
	c.tell("%s logs in, managed: %v, lazy: %v; %s", p.label, managed, lazy, priority)
	p.say(priority)
	c.settle()
}

func (c *shortTalk) priority() string {
	return []string{"", "<presence/>", "<presence/>", "<presence><priority>5</priority></presence>", "<presence><priority>-1</priority></presence>",
		"<presence type='unavailable'/>"}[c.r.IntN(6)]
}

// say is send to a connection that may have ended.
func (p *party) say(xml string) { _, _ = io.WriteString(p.conn, xml) }

// settle has all that is under way come to its end, and everybody take what he got.
func (c *shortTalk) settle() {
	for range 2 { // what is acknowledged may have something follow
		c.s.Quiesce(c.from)
		for _, p := range append(slices.Clip(c.others), c.sender) {
			if p.connected && (p != c.sender || c.from == 0) {
				c.take(p)
			}
		}
	}
	c.s.Quiesce(c.from)
}

// take has somebody take what there is.
func (c *shortTalk) take(p *party) {
	p.say("<iq type='get' id='sync' to='" + p.jid + "'><query xmlns='urn:example:sync'/></iq>")
	for {
		n, err := p.read()
		if err != nil {
			c.note(p, "end", fmt.Sprint(err))
			p.connected = false
			return
		}
		if n.XMLName.Space == nsManage {
			continue
		}
		if n.XMLName.Local != "error" {
			p.in++
		}
		if n.XMLName.Local == "iq" && n.attr("id") == "sync" {
			break
		}
		c.noteStanza(p, n)
	}
	if p.managed && !p.lazy {
		c.acknowledge(p, p.in)
	}
}

func (c *shortTalk) acknowledge(p *party, h int) {
	form := "<a xmlns='urn:xmpp:sm:3' h='%d'/>"
	if !c.short {
		form = "<a h='%d' xmlns='urn:xmpp:sm:3'/>"
	}
	p.say(fmt.Sprintf(form, h))
}

var random = regexp.MustCompile(`( id| stamp)=['"]([A-Za-z0-9_-]{22}|[0-9TZ:.-]{20,27})['"]`)

// noteStanza notes what somebody got. Order is promised within a part of a row.
func (c *shortTalk) noteStanza(p *party, n *node) {
	if n.XMLName.Local == "presence" {
		return // which of two sessions goes first is not the sender's doing
	}
	text := random.ReplaceAllString(n.String(), "$1=''")
	part := ""
	if at := strings.Index(text, "id='row"); at >= 0 {
		part, _, _ = strings.Cut(text[at+4:], "-")
	}
	kind := n.XMLName.Local + " " + n.attr("type")
	if n.has("sent") || n.has("received") {
		kind += " copied"
	}
	bare := func(address string) string {
		address, _, _ = strings.Cut(strings.ToLower(address), "/")
		return address
	}
	c.note(p, strings.Join([]string{kind, part, bare(n.attr("from")), strings.ToLower(n.attr("to"))}, " "), text)
}

func (c *shortTalk) note(p *party, what, text string) {
	key := p.label + ": " + what
	for user, name := range c.names {
		key, text = strings.ReplaceAll(key, name, user), strings.ReplaceAll(text, name, user)
	}
	c.got[key] = append(c.got[key], text)
}

// row has the sender send some messages in one read, with changes between them.
func (c *shortTalk) row() {
	c.rows++
	parts := make([]string, 1+c.r.IntN(4))
	st := ""
	for i := range parts {
		var b strings.Builder
		most := 6
		if c.r.IntN(12) == 0 {
			most = 90
		}
		for n := range 1 + c.r.IntN(most) {
			if st == "" || c.r.IntN(8) == 0 {
				st = c.message()
			}
			fmt.Fprintf(&b, st, fmt.Sprintf("row%d.%d-%d", c.rows, i, n))
			if c.sender.managed && c.r.IntN(10) == 0 {
				b.WriteString("<r xmlns='urn:xmpp:sm:3'/>")
			}
		}
		parts[i] = b.String()
		c.tell("row%d.%d: %s", c.rows, i, parts[i])
	}
	for i := range parts {
		for user, name := range c.names {
			parts[i] = strings.ReplaceAll(parts[i], "{"+user+"}", name)
		}
	}
	c.from = 1
	c.s.FeedRow(c.sender.conn.(*ear).wire, parts, func(int) {
		c.change()
		c.settle()
	})
	c.from = 0
}

// message is one without an id.
func (c *shortTalk) message() string {
	pick := func(of ...string) string { return of[c.r.IntN(len(of))] }
	to := pick("{bob}@localhost", "{bob}@localhost", "{bob}@localhost", "{bob}@localhost", "{bob}@localhost", "{bob}@localhost", "{bob}@localhost", "{bob}@localhost/r0", "{bob}@localhost/r1", "{carol}@localhost", "{carol}@localhost",
		"{carol}@localhost/r0", "{bob}@LOCALHOST", "{bob}&#64;localhost", "{alice}@localhost", "{alice}@localhost/r1", "{alice}@localhost/a", "nobody@localhost", "localhost")
	typ := pick("", " type='chat'", " type='chat'", " type='chat'", " type='normal'", " type='headline'", " type='groupchat'", " type='error'", " type='other'")
	from := pick("", "", "", " from='{alice}@localhost/a'", " from='{alice}@localhost'")
	body := pick("<body>x</body>", "<body>x</body>", "<body>x</body>", "<body>x</body><no-store xmlns='urn:xmpp:hints'/>", "<body>x</body><no-copy xmlns='urn:xmpp:hints'/>",
		"<active xmlns='http://jabber.org/protocol/chatstates'/>", "<body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>",
		"<body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='other.example' id='1'/>", "<body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='{bob}@localhost' id='1'/>",
		"<x xmlns='urn:example:other'/>", "<body>x</body><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
	start := pick("<message id='%%s' to='"+to+"'"+typ+from, "<message"+typ+from+" to='"+to+"' id='%%s'", "<message"+from+" to=\""+to+"\" id='%%s'"+typ)
	if c.r.IntN(12) == 0 {
		start = "<message id='%%s'" + typ
	}
	return strings.ReplaceAll(start+">"+body+"</message>", "%%s", "%s")
}

// change has something change.
func (c *shortTalk) change() {
	pick := func(is func(*party) bool) *party {
		var list []*party
		for _, p := range c.others {
			if is(p) {
				list = append(list, p)
			}
		}
		if len(list) == 0 {
			return nil
		}
		return list[c.r.IntN(len(list))]
	}
	connected := func(p *party) bool { return p.connected }
	what := c.r.IntN(16)
	switch what {
	case 0, 1:
		c.login([]string{"bob", "bob", "carol", "alice"}[c.r.IntN(4)])
		return
	case 2:
		c.tell("all is kept")
		c.s.KeepAll(c.from)
		return
	case 3:
		if p := pick(func(p *party) bool { return p.detached }); p != nil {
			c.resume(p)
		}
		return
	}
	p := pick(connected)
	if p == nil {
		return
	}
	xml := ""
	switch what {
	case 4, 5, 6:
		xml = c.priority()
	case 7:
		xml = "<inactive xmlns='urn:xmpp:csi:0'/>"
	case 8:
		xml = "<active xmlns='urn:xmpp:csi:0'/>"
	case 9:
		xml = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
	case 10:
		xml = "<iq type='set' id='c'><disable xmlns='urn:xmpp:carbons:2'/></iq>"
	case 11:
		xml = "<iq type='set' id='b'><block xmlns='" + blocking.NS + "'><item jid='" + c.names["alice"] + "@localhost'/></block></iq>"
	case 12:
		xml = "<iq type='set' id='b'><unblock xmlns='" + blocking.NS + "'/></iq>"
	case 13:
		xml = "</stream:stream>"
	case 14:
		c.tell("%s loses its connection", p.label)
		_ = p.conn.Close()
		p.connected, p.detached = false, p.managed
		for {
			n, err := p.read()
			if err != nil {
				return
			}
			if n.XMLName.Space != nsManage && n.XMLName.Local != "error" {
				p.in++
				c.noteStanza(p, n)
			}
		}
	case 15:
		if p.managed {
			h := p.in - c.r.IntN(3)
			c.tell("%s acknowledges %d of %d", p.label, h, p.in)
			c.acknowledge(p, max(h, 0))
		}
		return
	}
	c.tell("%s says %s", p.label, xml)
	p.say(xml)
}

// resume has a session go on that is detached, or may have ended.
func (c *shortTalk) resume(p *party) {
	c.tell("%s resumes", p.label)
	full := p.jid
	c.connect(p, 1)
	p.jid, p.detached = full, false
	p.open()
	p.authenticate(c.names[p.user])
	p.send("<resume xmlns='%s' previd='%s' h='%d'/>", nsManage, p.id, p.in)
	n := p.next()
	c.note(p, "resumption", n.XMLName.Local)
	if p.connected = n.XMLName.Local == "resumed"; !p.connected {
		_ = p.conn.Close()
	}
}

// end has everybody leave and come once more for what was stored.
func (c *shortTalk) end() {
	for _, p := range c.others {
		if p.detached {
			c.resume(p)
		}
		c.settle()
	}
	for _, p := range append(slices.Clip(c.others), c.sender) {
		if p.connected {
			p.say("</stream:stream>")
			c.settle()
		}
	}
	for _, user := range []string{"alice", "bob", "carol"} {
		p := c.enter(user, "last", 1, false)
		p.say("<iq type='set' id='b'><unblock xmlns='" + blocking.NS + "'/></iq><presence/>")
		c.settle()
		p.say("</stream:stream>")
		c.settle()
	}
}
