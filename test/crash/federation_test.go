//go:build crash

package crash

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A server that is killed while clients of another one write to its own loses
// nothing that those saw acknowledged: neither what its clients had not read, nor
// what it was storing. What has a stable id does not come twice. Every third time it
// is the senders' server that is killed; then they send again, and the other server,
// which knows nothing of that, delivers it again.
func TestCrashFederation(t *testing.T) {
	rng := random(t)
	near := newServer(t, t.TempDir(), accounts("s%d@near.test", senders)...)
	far := newServer(t, t.TempDir(), accounts("r%d@far.test", recipients)...)
	near.domain, far.domain = "near.test", "far.test"
	ways := freeAddresses(t, 2)
	file := filepath.Join(t.TempDir(), "xylem.toml")
	text := fmt.Sprintf("[s2s.static_hosts]\n\"near.test\" = %q\n\"far.test\" = %q\n", ways[0], ways[1])
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, s := range []*server{near, far} {
		s.args = append(roomy(), "--config", file, "--s2s", ways[i], "--s2s-tls", "", "--set", "limits.s2s_queue_stanzas=100000")
		s.start()
	}
	l := newLedger("far.test")
	l.apart = true
	c := l.begin(rng, near, far)
	var longest time.Duration
	for round := range *rounds {
		between := 1 + rng.IntN(mostBetween)
		if round%4 != 3 { // else the servers may be about to find each other
			longest = max(longest, l.flows())
		}
		l.goesOn(between)
		if round%3 == 2 {
			l.noteResent(c.from)
			near.kill()
			l.noteResent(c.from)
			l.tell("senders' server killed")
			near.start()
			l.tell("senders' server started")
		} else {
			far.kill()
			l.tell("killed")
			far.start()
			l.tell("started")
		}
		if l.failed() {
			break
		}
	}
	c.end(t)
	l.report(t)
	t.Logf("%d messages arrived, %d of them twice, %d came back, over %d kills of the recipients' server and %d of the senders'; "+
		"what was sent after a start arrived within %v", l.arrived, l.again, len(l.told), far.kills, near.kills, longest.Round(time.Millisecond))
	if l.arrived == 0 {
		t.Error("nothing arrived")
	}
}

// freeAddresses are some where nobody listens. They are of a host of this process, so
// that nobody comes in between.
func freeAddresses(t *testing.T, count int) (list []string) {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.1", 1+os.Getpid()%250, 1+os.Getpid()/250%250)
	for range count {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		list = append(list, l.Addr().String())
	}
	return list
}
