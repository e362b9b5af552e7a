package im_test

import (
	"bufio"
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/await"
	"github.com/xylem-im/xylem/storage"
	"github.com/xylem-im/xylem/storage/storagetest"
)

// faulty starts a server whose store misbehaves as faults say.
func faulty(t *testing.T, faults storagetest.Faults) *server {
	t.Helper()
	return start(t, func(d storage.Driver) storage.Driver { return storagetest.NewFaulty(d, faults) }, engine.Config{})
}

// requests are what a client may ask to have stored; %s is the id.
var requests = []struct{ name, text string }{
	{"message", "<message to='bob@localhost' type='chat' id='%s'><body>x</body></message>"},
	{"roster", "<iq type='set' id='%s'><query xmlns='jabber:iq:roster'><item jid='carol@localhost'/></query></iq>"},
	{"vcard", "<iq type='set' id='%s'><vCard xmlns='vcard-temp'><FN>A</FN></vCard></iq>"},
	{"private", "<iq type='set' id='%s'><query xmlns='jabber:iq:private'><a xmlns='urn:example:a'/></query></iq>"},
	{"subscription", "<presence type='subscribe' to='bob@localhost' id='%s'/>"},
}

// What cannot be stored is refused with the error that fits, and goes through
// when the fault is over.
func TestStoreRefuses(t *testing.T) {
	var broken, full atomic.Bool
	s := faulty(t, storagetest.Faults{
		Apply: func([]*storage.Op) error {
			if broken.Load() {
				return errDisk
			}
			return nil
		},
		Full: full.Load,
	})
	s.account("bob@localhost")
	for _, fault := range []struct {
		name, condition string
		active          *atomic.Bool
	}{
		{"broken", "internal-server-error", &broken},
		{"full", "resource-constraint", &full},
	} {
		for _, r := range requests {
			t.Run(fault.name+"/"+r.name, func(t *testing.T) {
				s := &server{s.Server, t, s.store, s.world}
				alice := s.login(fault.name+"-"+r.name+"@localhost/a", "") // which has nothing stored
				fault.active.Store(true)
				alice.send(r.text, "bad")
				if _, e := alice.until(withID("bad")); e.condition() != fault.condition {
					t.Errorf("got %s, want %s", e, fault.condition)
				}
				fault.active.Store(false)
				alice.send(r.text, "good")
				for _, e := range alice.sync() {
					if e.condition() != "" {
						t.Errorf("after the fault: %s", e)
					}
				}
			})
		}
	}
}

// What a full store holds can still be delivered and removed.
func TestFullStoreDrains(t *testing.T) {
	var full atomic.Bool
	s := faulty(t, storagetest.Faults{Full: full.Load})
	s.account("bob@localhost")
	alice := s.login("alice@localhost/a", "")
	const count = 300
	for n := range count {
		alice.send("<message to='bob@localhost' type='chat' id='%d'/>", n)
	}
	alice.sync()
	full.Store(true)
	bob := s.login("bob@localhost/b", "<presence/>")
	for n := range count {
		if _, m := bob.until(func(e *element) bool { return e.is("message") }); m.attr("id") != fmt.Sprint(n) {
			t.Fatalf("instead of %d: %s", n, m)
		}
	}
	s.empty("bob@localhost", "offline")
}

// empty waits until an account has nothing in a collection: removals follow
// what a client sees.
func (s *server) empty(owner, collection string) {
	s.t.Helper()
	await.Equal(s.t, collection+" of "+owner, func() int {
		res := s.store.Read(&storage.Op{Kind: storage.Scan, Owner: owner, Collection: collection})
		if res.Err != nil {
			s.t.Fatal(res.Err)
		}
		return len(res.Items)
	}, 0)
}

// Some writes fail, some are done though they are said to have failed. What
// brought no error arrives, in order and once.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	var groups atomic.Int64
	s := faulty(t, storagetest.Faults{
		Apply: func([]*storage.Op) error {
			if groups.Add(1)%3 == 0 {
				return errDisk
			}
			return nil
		},
		Applied: func([]*storage.Op) error {
			if groups.Load()%3 == 1 && groups.Load()%2 == 0 {
				return errDisk
			}
			return nil
		},
	})
	s.account("bob@localhost")
	const senders, each = 4, 100
	kept := make([][]string, senders)
	var work sync.WaitGroup
	for i := range senders {
		alice := s.login(fmt.Sprintf("alice%d@localhost/a", i), "")
		work.Go(func() {
			for n := range each {
				id := fmt.Sprintf("%d-%d", i, n)
				alice.send("<message to='bob@localhost' type='chat' id='%s'/>", id)
				if len(messages(alice.sync())) == 0 {
					kept[i] = append(kept[i], id)
				}
			}
		})
	}
	work.Wait()
	bob := s.login("bob@localhost/b", "<presence/>")
	var ids []string
	seen := map[string]bool{}
	waits := 0
	for _, list := range kept {
		waits += len(list)
	}
	for waits > 0 {
		_, m := bob.until(func(e *element) bool { return e.is("message") })
		id := m.attr("id")
		if seen[id] {
			t.Fatalf("%s came twice", id)
		}
		seen[id] = true
		ids = append(ids, id)
		for _, list := range kept {
			for _, k := range list {
				if k == id {
					waits--
				}
			}
		}
	}
	for i, list := range kept {
		at := 0
		for _, id := range ids {
			if at < len(list) && id == list[at] {
				at++
			}
		}
		if at != len(list) {
			t.Errorf("sender %d: only %d of %d in order: %q of %q", i, at, len(list), ids, list)
		}
		if len(list) == 0 || len(list) == each {
			t.Errorf("sender %d: %d of %d kept: the faults did not show", i, len(list), each)
		}
	}
}

// stall is how long the store stands still; -short makes it as short as can be.
func stall() time.Duration {
	if testing.Short() {
		return 0
	}
	return 5 * time.Second
}

// While the store stands still, those who need it wait, with bounded input;
// nobody else does. A turn of a loop that took long would show as a round trip
// that takes as long: one pair speaks over both loops all the time.
func TestStalledStoreStallsNobodyElse(t *testing.T) {
	var closed atomic.Bool
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	wait := func() {
		if closed.Load() {
			<-gate
		}
	}
	s := faulty(t, storagetest.Faults{
		Read:  func(*storage.Op) error { wait(); return nil },
		Apply: func([]*storage.Op) error { wait(); return nil },
	})
	t.Cleanup(open) // before the server is stopped
	s.account("bob@localhost")
	one, two := s.login("one@localhost/r", "<presence/>"), s.login("two@localhost/r", "<presence/>")
	const waiting = 100
	var clients []*client
	for i := range waiting {
		clients = append(clients, s.login(fmt.Sprintf("w%d@localhost/r", i), ""))
	}
	flooder := s.login("flooder@localhost/r", "")
	closed.Store(true)
	for i, c := range clients {
		c.send(requests[i%len(requests)].text, "x")
	}
	var written atomic.Int64
	flood := strings.Repeat("<message to='bob@localhost' type='chat'><body>"+strings.Repeat("x", 200)+"</body></message>", 8)
	var flooding sync.WaitGroup
	flooding.Go(func() {
		for range 1000 {
			if _, err := flooder.conn.Write([]byte(flood)); err != nil {
				return
			}
			written.Add(int64(len(flood)))
		}
	})
	longest, trips := converse(one, two, stall())
	t.Logf("%d round trips while the store stood still, the longest %v; the one that floods was let send %d bytes", trips, longest, written.Load())
	if most := 4 * time.Second; longest > most { // of those five; a busy machine may stand still for a moment itself
		t.Errorf("a round trip took %v, which is more than %v", longest, most)
	}
	if n := written.Load(); n > 1<<20 {
		t.Errorf("%d bytes were taken from a client whose first message is not stored", n)
	}
	open()
	for _, c := range clients {
		for _, e := range c.sync() {
			if e.condition() != "" {
				t.Errorf("%s: %s", c.jid, e)
			}
		}
	}
	_ = flooder.conn.Close()
	flooding.Wait()
	bob := s.login("bob@localhost/b", "<presence/>")
	for got := map[string]bool{}; len(got) < waiting/len(requests); {
		_, m := bob.until(func(e *element) bool { return e.is("message") && e.attr("id") == "x" })
		if from := bare(m.attr("from")); got[from] {
			t.Fatalf("twice: %s", m)
		} else {
			got[from] = true
		}
	}
}

// converse lets two clients answer each other for a while, and at least 2,000
// times.
func converse(one, two *client, least time.Duration) (longest time.Duration, trips int) {
	began := time.Now()
	for trips < 2000 || time.Since(began) < least {
		sent := time.Now()
		one.send("<message to='%s' id='there'/>", two.jid)
		two.until(withID("there"))
		two.send("<message to='%s' id='back'/>", one.jid)
		one.until(withID("back"))
		longest = max(longest, time.Since(sent))
		trips++
	}
	return longest, trips
}

// A flood for one offline account fills its quota; each message beyond is
// answered with an error, and memory stays as it is.
func TestFloodIsBounded(t *testing.T) {
	count, quota := 100_000, 1000
	if testing.Short() || raced {
		count = 10_000
	}
	s := start(t, nil, engine.Config{})
	s.account("bob@localhost")
	alice := s.login("alice@localhost/a", "")
	before := heap()
	var peak uint64
	go func() {
		w := bufio.NewWriterSize(alice.conn, 32<<10)
		for n := range count {
			fmt.Fprintf(w, "<message to='bob@localhost' type='chat' id='%d'><body>%s</body></message>", n, "0123456789012345678901234567890123456789")
		}
		_, _ = w.WriteString("<message to='alice@localhost/a' id='end'><body/></message>")
		_ = w.Flush()
	}()
	lines := bufio.NewScanner(alice.conn)
	lines.Split(untilEndOfMessage)
	refused := 0
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte("'end'")) || bytes.Contains(lines.Bytes(), []byte(`"end"`)) {
			break
		}
		if !bytes.Contains(lines.Bytes(), []byte("<service-unavailable")) {
			t.Fatalf("got %s", lines.Bytes())
		}
		if refused++; refused%(count/10) == 0 {
			peak = max(peak, heap())
		}
	}
	if err := lines.Err(); err != nil || refused != count-quota {
		t.Errorf("%d refused, want %d (%v)", refused, count-quota, err)
	}
	grown := int64(peak) - int64(before)
	t.Logf("%d messages: %d refused, heap grew by %d KiB", count, refused, grown>>10)
	if grown > 8<<20 {
		t.Errorf("heap grew by %d bytes", grown)
	}
	bob := s.login("bob@localhost/b", "<presence/>")
	for n := range quota {
		if _, m := bob.until(func(e *element) bool { return e.is("message") }); m.attr("id") != fmt.Sprint(n) {
			t.Fatalf("instead of %d: %s", n, m)
		}
	}
	if more := messages(bob.sync()); len(more) > 0 {
		t.Errorf("more than the quota: %s", more[0])
	}
}

// untilEndOfMessage splits at the ends of messages.
func untilEndOfMessage(data []byte, _ bool) (advance int, token []byte, err error) {
	const end = "</message>"
	if i := bytes.Index(data, []byte(end)); i >= 0 {
		return i + len(end), data[:i+len(end)], nil
	}
	return 0, nil, nil
}

// heap is what is in use after a collection, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
