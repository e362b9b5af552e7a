package im_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/badger"
	"github.com/xylem-im/xylem/xep/standard"
)

// BenchmarkDetachedSession is the heap of a session without a connection, with
// presence, alone in its account, and of one with 100 unacknowledged messages of
// 350 bytes; what the store holds is not counted.
func BenchmarkDetachedSession(b *testing.B) {
	for _, unacked := range []int{0, 100} {
		b.Run(fmt.Sprint("unacked-", unacked), func(b *testing.B) {
			const sessions = 2000
			s := start(b, nil, engine.Config{Limits: engine.Limits{ResumeWindow: time.Hour}})
			alice := s.login("alice@localhost/a", "")
			for b.Loop() {
				before := heap()
				s.leaveDetached(sessions, 0)
				sendAll(alice, sessions, unacked)
				b.ReportMetric(float64(int64(heap())-int64(before))/sessions, "B/session")
				s.RemoveDomain("localhost")
				s.waitDetached(0)
				if err := s.AddDomain("localhost"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// leaveDetached makes sessions that wait to be resumed.
func (s *server) leaveDetached(n, from int) {
	s.t.Helper()
	gone, _ := net.Pipe()
	for i := from; i < from+n; i++ {
		full := fmt.Sprintf("user%d@localhost/resource", i)
		s.account(bare(full))
		c := s.login(full, "<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>")
		c.sync()
		_ = c.conn.Close()
		c.conn, c.dec = gone, nil // c itself is kept until the end of the test
	}
	s.waitDetached(int64(from + n))
}

// sendAll sends each of them messages of 350 bytes.
func sendAll(c *client, sessions, messages int) {
	c.t.Helper()
	const frame = len("<message to='user1000@localhost/resource' type='chat' id='12'><body></body></message>")
	body := strings.Repeat("x", 350-frame)
	for i := range sessions {
		for n := range messages {
			c.send("<message to='user%d@localhost/resource' type='chat' id='%d'><body>%s</body></message>", i, n, body)
		}
		c.sync()
	}
}

// BenchmarkRestart is what SIGTERM and the next start add for sessions that wait
// to be resumed, with three unacknowledged messages each, on a store on disk.
func BenchmarkRestart(b *testing.B) {
	const sessions = 5000
	for b.Loop() {
		dir := b.TempDir()
		run := func() *server {
			store, err := badger.Open(badger.Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			began := time.Now()
			s := start(b, func(storage.Driver) storage.Driver { return store }, engine.Config{Extensions: standard.Register})
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/start")
			return s
		}
		s := run()
		s.leaveDetached(sessions, 0)
		alice := s.login("alice@localhost/a", "")
		sendAll(alice, sessions, 3)
		_ = alice.conn.Close()
		began := time.Now()
		s.stop()
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/stop")
		s = run()
		s.waitDetached(sessions)
		s.stop()
	}
}
