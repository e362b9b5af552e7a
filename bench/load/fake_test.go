package load_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// fake is a server of the harness's own tests: it lets everybody in by PLAIN
// and forwards messages by bare JID, after fate had its say.
type fake struct {
	address string
	// fate returns what is delivered instead of message number n to a
	// receiver, one stanza each, in order. It is called under the lock.
	fate func(n int, message string) []string
	// copied is the same for the sessions of an account but its first: they get what the
	// first gets, and copies of what it sends. nil: as it is.
	copied func(stanza string) []string
	// end stops the server and waits until nothing of it runs any more: what fate
	// wrote may then be read. Clients must have left.
	end func()

	mu     sync.Mutex
	online map[string][]*fakeSession // by user, in the order of their logins
}

type fakeSession struct {
	conn  net.Conn
	count int
}

func startFake(t *testing.T, fate func(n int, message string) []string) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{address: l.Addr().String(), fate: fate, online: map[string][]*fakeSession{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				f.serve(c)
			})
		}
	})
	f.end = func() {
		_ = l.Close()
		group.Wait()
	}
	t.Cleanup(f.end)
	return f
}

const fakeHeader = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='localhost' id='1'>"

var (
	toPattern = regexp.MustCompile(` to='([^'/@]+)@`)
	idPattern = regexp.MustCompile(` id='([^']*)'`)
)

// serve reads tag by tag: all that the harness sends begins with a tag whose
// name tells enough.
func (f *fake) serve(c net.Conn) {
	in := bufio.NewReader(c)
	user := ""
	until := func(end string) string {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), end) {
			piece, err := in.ReadString('>')
			if err != nil {
				return ""
			}
			b.WriteString(piece)
		}
		return b.String()
	}
	for {
		tag, err := in.ReadString('>')
		if err != nil {
			return
		}
		switch {
		case strings.HasPrefix(tag, "<?xml"):
		case strings.HasPrefix(tag, "<stream:stream"):
			features := "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
			if user != "" {
				features = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
			}
			fmt.Fprint(c, fakeHeader+"<stream:features>"+features+"</stream:features>")
		case strings.HasPrefix(tag, "<auth"):
			data, _ := base64.StdEncoding.DecodeString(strings.TrimSuffix(until("</auth>"), "</auth>"))
			if user = strings.Split(string(data), "\x00")[1]; user == "nobody" {
				fmt.Fprint(c, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
				return
			}
			fmt.Fprint(c, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
		case strings.HasPrefix(tag, "<iq type='set' id='bind'"):
			until("</iq>")
			f.mu.Lock()
			f.online[user] = append(f.online[user], &fakeSession{conn: c})
			f.mu.Unlock()
			fmt.Fprintf(c, "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s@localhost/r</jid></bind></iq>", user)
		case strings.HasPrefix(tag, "<iq"):
			until("</iq>")
			fmt.Fprintf(c, "<iq type='result' id='%s'/>", idPattern.FindStringSubmatch(tag)[1])
		case strings.HasPrefix(tag, "<message"):
			f.deliver(user, tag+until("</message>"))
		case tag == "</stream:stream>":
			fmt.Fprint(c, tag)
			return
		}
	}
}

func (f *fake) deliver(from, message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	to := f.online[toPattern.FindStringSubmatch(message)[1]]
	if len(to) == 0 {
		return
	}
	for _, m := range f.fate(to[0].count, message) {
		fmt.Fprint(to[0].conn, m)
	}
	to[0].count++
	f.copy(to[1:], message)
	f.copy(f.online[from][1:], "<message from='"+from+"@localhost' type='chat'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"+
		strings.Replace(message, "<message", "<message xmlns='jabber:client'", 1)+"</forwarded></sent></message>")
}

func (f *fake) copy(to []*fakeSession, stanza string) {
	for _, s := range to {
		list := []string{stanza}
		if f.copied != nil {
			list = f.copied(stanza)
		}
		for _, m := range list {
			fmt.Fprint(s.conn, m)
		}
	}
}
