package offline_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/xylem-im/xylem/engine"
	"github.com/xylem-im/xylem/internal/enginetest"
	"github.com/xylem-im/xylem/jid"
	"github.com/xylem-im/xylem/storage/badger"
	"github.com/xylem-im/xylem/xep/offline"
)

var bobJID = jid.MustParse("bob@localhost")

// childDir makes the test binary a server that is killed, with its store there.
const childDir = "XYLEM_TEST_OFFLINE_DIR"

// serveDir runs a server on a store on disk, with accounts if it is new.
func serveDir(t testing.TB, dir string) *enginetest.Server {
	store, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s := enginetest.StartConfig(t, engine.Config{Domains: []string{"localhost"}, Store: store,
		Extensions: enginetest.All(presence, offline.New(many))})
	for _, user := range []string{"alice@localhost", "bob@localhost"} {
		err := s.Accounts().Create(context.Background(), jid.MustParse(user), "secret")
		if err != nil && !errors.Is(err, engine.ErrAccountExists) {
			t.Fatal(err)
		}
	}
	return s
}

// TestChild is the server that TestKill kills: alice sends, and each number
// that the server has dealt with is printed.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return // not a child
	}
	alice := login(t, serveDir(t, dir).Dial(), "alice", "a")
	first, err := strconv.Atoi(os.Getenv(childDir + "_FIRST"))
	if err != nil {
		t.Fatal(err)
	}
	for n := first; ; n++ {
		alice.chat("bob@localhost", n, n+1, "hello")
		alice.sync()
		fmt.Println("dealt with", n)
	}
}

// What the sender got no error for survives kill -9 at any instant.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	next := 0
	for round := range 4 {
		acked := killAfter(t, dir, next, 20+37*round)
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			s := serveDir(t, dir)
			bob := login(t, s.Dial(), "bob", "b")
			bob.send("<presence/>")
			r := bob.next()
			first, err := strconv.Atoi(r.ID) // what the last one took may come again
			if err != nil || first > next {
				t.Fatalf("the first is %+v, want %d or what was before", r, next)
			}
			bob.expect(first+1, acked+1)
			bob.send("<iq type='get' id='end' to='localhost'><x xmlns='urn:x'/></iq>")
			r = bob.next() // one more may have been stored without an answer
			if r.ID == strconv.Itoa(acked+1) {
				acked++
				r = bob.next()
			}
			if r.ID != "end" {
				t.Fatalf("after %d came %+v", acked, r)
			}
		})
		if t.Failed() {
			return
		}
		next = acked + 1
	}
}

// killAfter runs a child until it has dealt with so many messages, kills it
// and returns the last number that it told.
func killAfter(t *testing.T, dir string, first, count int) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, childDir+"_FIRST="+strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	last = first - 1
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(line, "dealt with %d\n", &last); err != nil {
			t.Fatalf("child: %s", line)
		}
		if last == first+count {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return last
}
