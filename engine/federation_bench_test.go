package engine_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/xylem-im/xylem/engine"
)

// BenchmarkFederation compares a message between clients of two servers with one
// between clients of the same, all over TLS. cpu-ns/msg is that of the process:
// both clients and, of the remote case, both servers and the TLS between them. So
// a remote figure of twice the local one would mean that each of the two servers
// spends what the one does, if clients cost nothing.
func BenchmarkFederation(b *testing.B) {
	w := newWorld(b)
	wide := func(c *engine.Config) {
		c.Listeners = append(c.Listeners, engine.Listener{Name: "tls", Address: "127.0.0.1:0", TLS: true})
	}
	s, far := w.server(wide, "a.example"), w.server(wide, "b.example")
	overTLS := func(s *server, address string) *client {
		conn, err := tls.Dial("tcp", s.addr("tls"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			b.Fatal(err)
		}
		c := newClient(b, conn)
		user, domain, _ := strings.Cut(address, "@")
		c.openTo(domain)
		if n := c.auth("SCRAM-SHA-1", saslSecret(user)); n.XMLName.Local != "success" {
			b.Fatal(n)
		}
		c.openTo(domain)
		c.bind("r")
		return c
	}
	alice, carol, bob := overTLS(s, "alice@a.example"), overTLS(s, "carol@a.example"), overTLS(far, "bob@b.example")
	for _, inFlight := range []int{1, 16, 64} {
		for _, x := range []struct {
			name string
			to   *client
		}{{"local", carol}, {"remote", bob}} {
			b.Run(fmt.Sprintf("%s/in-flight-%d", x.name, inFlight), func(b *testing.B) {
				start := "<message to='" + x.to.jid + "' type='chat' id='3f1c9a52-77d0-4c1e-9f25-0d6a5b1f2c11'><body>"
				const end = "</body><request xmlns='urn:xmpp:receipts'/></message>"
				input := bytes.Repeat([]byte(start+strings.Repeat("x", 350-len(start)-len(end))+end), inFlight)
				got := make([]byte, 64<<10)
				before := cpu()
				for b.Loop() {
					if _, err := alice.conn.Write(input); err != nil {
						b.Fatal(err)
					}
					for n := 0; n < inFlight; {
						k, err := x.to.r.Read(got)
						if err != nil {
							b.Fatal(err)
						}
						n += bytes.Count(got[:k], endOfMessage) // one that is cut in two is seen with the next
						if tail := got[max(0, k-len(endOfMessage)+1):k]; k > 0 && bytes.ContainsRune(tail, '<') && !bytes.HasSuffix(got[:k], endOfMessage) {
							rest := make([]byte, len(endOfMessage)-len(tail)+bytes.LastIndexByte(tail, '<'))
							if _, err := io.ReadFull(x.to.r, rest); err != nil {
								b.Fatal(err)
							}
							n++
						}
					}
				}
				messages := float64(b.N * inFlight)
				b.ReportMetric(float64(cpu()-before)/messages, "cpu-ns/msg")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/messages, "ns/msg")
			})
		}
	}
}

// cpu is the time that the process has used, in nanoseconds.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkRemoteDomains is what a server holds for remote domains that it is
// connected to, each over TLS on a connection of its own that carries stanzas both
// ways: both ends of them are in this process. heap-B/domain is for both.
func BenchmarkRemoteDomains(b *testing.B) {
	const count = 2000
	for b.Loop() {
		w := newWorld(b)
		many := make([]string, count)
		for i := range many {
			many[i] = fmt.Sprintf("d%d.example", i)
		}
		far := w.server(nil, many...)
		s := w.server(nil, "a.example")
		alice := s.as(b, "alice@a.example/1")
		bob := far.as(b, "bob@d0.example/1")
		alice.chats(bob, "warm")
		before := heapInUse()
		for _, d := range many[1:] {
			alice.send("<iq type='get' id='%s' to='nobody@%s'><ping xmlns='urn:xmpp:ping'/></iq>", d, d)
		}
		for range many[1:] {
			if n := alice.expect("iq"); n.child("error").child("service-unavailable").XMLName.Local == "" {
				b.Fatalf("got %s", n)
			}
		}
		b.ReportMetric(float64(heapInUse()-before)/(count-1), "heap-B/domain")
		b.ReportMetric(float64(s.Stats().Connections+far.Stats().Connections), "connections")
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
