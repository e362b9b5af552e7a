package roster_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/internal/testsasl"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/session/sasl"
	"github.com/xylem-im/xylem/stanza"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/memory"
	"github.com/xylem-im/xylem/xep"
	"github.com/xylem-im/xylem/xep/roster"
)

// everybody has the same credentials.
type everybody struct{ credentials *sasl.Credentials }

func (e everybody) Credentials(_, _ string, done func(*sasl.Credentials, error)) {
	done(e.credentials, nil)
}
func (everybody) Verify(_, _, _ string, done func(bool, error)) { done(false, nil) }

// peer is the client's end of an in-process connection: it counts marks in
// what it gets.
type peer struct {
	*engine.Wire
	mark  []byte
	seen  *atomic.Int64
	want  *atomic.Int64
	ready chan struct{}
	login chan []byte // what comes, until the client is in
}

func (p *peer) Write(b []byte) {
	if p.login != nil {
		p.login <- bytes.Clone(b)
	}
	if n := int64(bytes.Count(b, p.mark)); n > 0 {
		if p.seen.Add(n) == p.want.Load() {
			p.ready <- struct{}{}
		}
	}
}
func (p *peer) Buffered() int { return 0 }
func (p *peer) CloseWrite()   {}
func (p *peer) Closed()       {}

// crowd is alice and n contacts who are subscribed to her.
type crowd struct {
	server     *enginetest.Server
	alice      *peer
	seen, want atomic.Int64
	ready      chan struct{}
}

const mark = "</status>"

func newCrowd(b testing.TB, n int) *crowd {
	creds, err := sasl.Derive("secret", 0, nil)
	if err != nil {
		b.Fatal(err)
	}
	store := memory.New(memory.Options{})
	put := func(owner, contact string, s roster.State) {
		op := &storage.Op{Kind: storage.Apply, Owner: owner}
		op.Batch.Put(roster.CollectionItems, []byte(contact), roster.Stored(s|roster.Listed, "", "Friends"))
		errs := make([]error, 1)
		if store.Apply([]*storage.Op{op}, errs); errs[0] != nil {
			b.Fatal(errs[0])
		}
	}
	name := func(i int) string { return fmt.Sprintf("contact%04d", i) }
	for i := range n {
		put("alice@localhost", name(i)+"@localhost", roster.From)
		put(name(i)+"@localhost", "alice@localhost", roster.To)
	}
	c := &crowd{ready: make(chan struct{}, 1)}
	c.server = enginetest.StartConfig(b, engine.Config{Domains: []string{"localhost"}, Store: store, Auth: everybody{&creds}, Extensions: roster.New(roster.Options{})})
	for i := range n {
		c.join(b, name(i), 1)
	}
	c.alice = c.join(b, "alice", int64(n)+1)
	return c
}

// join logs a client in and makes it available, which so many hear.
func (c *crowd) join(b testing.TB, local string, hear int64) *peer {
	p := &peer{mark: []byte(mark), seen: &c.seen, want: &c.want, ready: c.ready, login: make(chan []byte, 64)}
	w, err := c.server.Attach(p)
	if err != nil {
		b.Fatal(err)
	}
	p.Wire = w
	const open = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"
	p.Send([]byte(open))
	send := func(xml string) error {
		p.Send([]byte(xml))
		return nil
	}
	answers := []string{"challenge", "success"}
	next := func() (name, text string, err error) {
		name, answers = answers[0], answers[1:]
		return name, p.element(name), nil
	}
	if err := testsasl.Login(sasl.SCRAMSHA1, sasl.ClientConfig{Username: local, Password: "secret"}, send, next); err != nil {
		b.Fatal(err)
	}
	p.Send([]byte(open + "<iq type='set' id='b'><bind xmlns='" + stanza.NSBind + "'><resource>r</resource></bind></iq>"))
	p.element("jid")
	p.login = nil // the server has nothing to say until the next round
	c.round(p, hear, "<presence><status>here</status></presence>")
	return p
}

// element waits for an element and returns its text.
func (p *peer) element(name string) string {
	var text []byte
	for {
		text = append(text, <-p.login...)
		if _, rest, found := strings.Cut(string(text), "<"+name); found {
			if inner, _, found := strings.Cut(rest, "</"+name+">"); found {
				return inner[strings.IndexByte(inner, '>')+1:]
			}
		}
	}
}

// round sends input and waits until n marks have arrived.
func (c *crowd) round(p *peer, n int64, input string) {
	c.want.Store(c.seen.Load() + n)
	p.Send([]byte(input))
	<-c.ready
}

// BenchmarkBroadcast compares a presence for 1,000 contacts with as many
// messages of the same size. CPU time is that of the process, with the clients
// that count what they get.
func BenchmarkBroadcast(b *testing.B) {
	const contacts = 1000
	c := newCrowd(b, contacts)
	text := "<show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://example.org/client' " +
		"ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/><x xmlns='vcard-temp:x:update'><photo>01b87fcd030b72895ff8e88db57ec525450f000d</photo></x><status>" +
		strings.Repeat("x", 120) + mark
	var messages strings.Builder
	for i := range contacts {
		fmt.Fprintf(&messages, "<message to='contact%04d@localhost' type='chat'>%s</message>", i, text)
	}
	fmt.Fprintf(&messages, "<message to='alice@localhost' type='chat'>%s</message>", text)
	for _, k := range []struct{ name, input string }{
		{"message", messages.String()},
		{"presence", "<presence>" + text + "</presence>"},
	} {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				c.round(c.alice, contacts+1, k.input)
			}
			spent := cpu(b) - before
			b.ReportMetric(float64(spent)/1e3/float64(b.N*(contacts+1)), "CPU-µs/delivery")
		})
	}
}

// cpu is the CPU time of the process, in nanoseconds.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkAccountMemory tells what an account in use takes here, with a
// roster of 20 and one available resource.
func BenchmarkAccountMemory(b *testing.B) {
	const accounts = 2000
	h := newHost(b, roster.Options{})
	name := func(i int) string { return fmt.Sprintf("account%05d@example.com", i) }
	for i := range accounts {
		for k := range 20 {
			h.put(name(i), roster.CollectionItems, name(i+k+1), roster.Stored(roster.Both|roster.Listed, "A Name", "Friends"))
		}
	}
	for i := range accounts { // what others keep of them is not counted
		h.open(name(i)+"/resource", uint64(i+1))
	}
	var before, after runtime.MemStats
	for b.Loop() {
		clear(h.homes)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range accounts {
			a := h.home(name(i))
			ref := xep.SessionRef{JID: jid.MustParse(name(i) + "/resource"), ID: uint64(i + 1)}
			a.Enter(ref)
			h.registry.SessionOpened(a, ref, func() {})
			h.send(ref, "<presence from='"+ref.JID.String()+"' id='a1b2c3'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://example.org/client' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>")
			h.forget()
			h.later, h.casts = nil, nil
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/accounts, "B/account")
	}
}
