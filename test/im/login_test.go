package im_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

const (
	contacts = 200
	online   = 20
	stored   = 100
)

// BenchmarkLogin is a whole login: SCRAM with one round, binding, the roster of
// 200 contacts of which 20 are online, presence to them and from them, and 100
// messages that were stored. CPU time is that of the process, with the client and its XML decoder.

func BenchmarkLogin(b *testing.B) {
	s := start(b, nil, engine.Config{})
	contact := func(i int) string { return fmt.Sprintf("contact%03d@localhost", i) }
	s.account("bob@localhost")
	bob := s.login("bob@localhost/before", "<presence/>")
	for i := range contacts {
		bob.send("<iq type='set' id='item'><query xmlns='jabber:iq:roster'><item jid='%s' name='A Name'><group>Friends</group></item></query></iq>", contact(i))
	}
	for i := range online {
		befriend(bob, s.login(contact(i)+"/r", "<presence/>"))
	}
	bob.leave()
	alice := s.login("alice@localhost/a", "")
	message := "<message to='bob@localhost' type='chat'><body>" + strings.Repeat("x", 100) + "</body></message>"
	var spent int64
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		alice.send("%s", strings.Repeat(message, stored))
		alice.sync()
		b.StartTimer()
		before := cpu(b)
		bob = s.loginWhole()
		spent += cpu(b) - before
		b.StopTimer()
		s.empty("bob@localhost", "offline")
		bob.leave()
		b.StartTimer()
	}
	b.ReportMetric(float64(spent)/1e3/float64(b.N), "CPU-µs/login")
}

// loginWhole returns when bob has his roster, presence and messages.
func (s *server) loginWhole() *client {
	s.t.Helper()
	bob := s.login("bob@localhost/b", "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
	_, e := bob.until(withID("roster"))
	if n := len(e.child("query").Children); n != contacts {
		s.t.Fatalf("%d contacts", n)
	}
	for presences, texts := 0, 0; presences < online+1 || texts < stored; {
		switch e := bob.next(); {
		case e.is("presence"):
			presences++
		case e.is("message"):
			texts++
		}
	}
	return bob
}

// befriend subscribes two available clients to each other.
func befriend(one, two *client) {
	is := func(kind string, from *client) func(*element) bool {
		return func(e *element) bool {
			return e.is("presence") && e.attr("type") == kind && e.attr("from") == bare(from.jid)
		}
	}
	one.send("<presence type='subscribe' to='%s'/>", bare(two.jid))
	two.until(is("subscribe", one))
	two.send("<presence type='subscribed' to='%[1]s'/><presence type='subscribe' to='%[1]s'/>", bare(one.jid))
	one.until(is("subscribe", two))
	one.send("<presence type='subscribed' to='%s'/>", bare(two.jid))
	two.until(func(e *element) bool { return e.is("presence") && e.attr("type") == "" && e.attr("from") == one.jid })
}

// leave closes the stream and waits until the server has, too.
func (c *client) leave() {
	c.send("</stream:stream>")
	for err := error(nil); err == nil; {
		_, err = c.read()
	}
	_ = c.conn.Close()
}

// cpu is the CPU time of the process, in nanoseconds.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
