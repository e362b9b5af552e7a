//go:build crash

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file system of 192 MiB; it needs root.
func disk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=192m,mode=700"); err != nil {
		t.Fatalf("no small file system: %v; run this test as root", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves so many MiB of a file system.
func fill(t *testing.T, dir string, left int64) (file string) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "filler")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-left<<20); err != nil {
		t.Fatal(err)
	}
	return file
}

// box is what a client got.
type box struct {
	mu     sync.Mutex
	ids    []string
	errors []string
}

func (b *box) take(e *element) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case e.XMLName.Local != "message":
	case e.Type == "error":
		b.errors = append(b.errors, e.ID)
	default:
		b.ids = append(b.ids, e.ID)
	}
}

func (b *box) got() (ids, errors int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ids), len(b.errors)
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so", what)
		}
	}
}

// On a full disk what would have to be stored is refused with an error, or is
// not acknowledged while its recipient has not acknowledged it; nothing that was
// acknowledged is lost, also when the server is killed then; and when there is
// room again all goes on.
func TestFullDisk(t *testing.T) {
	dir := disk(t)
	s := newServer(t, filepath.Join(dir, "data"), "alice@localhost", "bob@localhost", "carol@localhost")
	s.start()
	var clients sync.WaitGroup
	run := func(user string, slow time.Duration) (*peer, *box) {
		b := &box{}
		p := &peer{s: s, user: user, slow: slow, handle: b.take, trace: func(string) {}, acks: &acks{}}
		clients.Go(func() {
			if err := p.run(); err != nil {
				t.Error(err)
			}
		})
		return p, b
	}
	alice, answers := run("alice", 0)
	_, bob := run("bob", 5*time.Second)
	until(t, "alice is there", func() bool { return alice.unacked() == 0 && alice.isBound() })
	n := 0
	chat := func(to string, count int) {
		for range count {
			alice.send(n, fmt.Sprintf("<message id='%s-%d' to='%s@localhost' type='chat'><body>%d</body></message>", to, n, to, n))
			n++
		}
	}
	chat("carol", 10)
	until(t, "messages are stored", func() bool { return alice.unacked() == 0 })

	filler := fill(t, dir, 40) // the server keeps 128 MiB free, and looks every 100 ms
	until(t, "a message for who is offline is refused", func() bool {
		chat("carol", 1)
		_, e := answers.got()
		return e > 0
	})
	until(t, "the last of these is done with", func() bool { return alice.unacked() == 0 })
	_, refused := answers.got()
	refused += 10
	chat("carol", 10)
	until(t, "messages for who is offline are refused", func() bool { _, e := answers.got(); return e == refused })
	until(t, "and done with", func() bool { return alice.unacked() == 0 })
	chat("bob", 5)
	until(t, "a message for who is there arrives", func() bool { ids, _ := bob.got(); return ids == 5 })
	if alice.unacked() == 0 {
		t.Error("it was acknowledged, but neither stored nor acknowledged by its recipient")
	}
	until(t, "it is acknowledged when its recipient has", func() bool { return alice.unacked() == 0 })
	s.kill()
	s.start()
	until(t, "alice is there again", func() bool { return alice.unacked() == 0 && alice.isBound() })

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	const toBob = 5
	until(t, "a message is stored again", func() bool {
		chat("carol", 1)
		until(t, "it is stored or refused", func() bool { return alice.unacked() == 0 })
		_, e := answers.got()
		stored := e == refused
		refused = e
		return stored
	})
	chat("carol", 10)
	until(t, "messages are stored again", func() bool { return alice.unacked() == 0 })
	if _, e := answers.got(); e != refused {
		t.Errorf("%d errors, want those %d of when the disk was full: %v", e, refused, answers.errors)
	}
	_, carol := run("carol", 0)
	until(t, "carol has what was not refused", func() bool { ids, _ := carol.got(); return ids == n-toBob-refused })
	carol.mu.Lock()
	defer carol.mu.Unlock()
	answers.mu.Lock()
	defer answers.mu.Unlock()
	for _, id := range answers.errors {
		if slices.Contains(carol.ids, id) {
			t.Errorf("carol got %s, which was refused", id)
		}
	}
	if !slices.IsSortedFunc(carol.ids, func(a, b string) int { return number(a) - number(b) }) || number(carol.ids[len(carol.ids)-1]) != n-1 {
		t.Errorf("carol got %v", carol.ids)
	}
	s.finish()
	s.terminate()
	clients.Wait()
}

// number is n of the id user-n.
func number(id string) int {
	n, _ := strconv.Atoi(id[strings.IndexByte(id, '-')+1:])
	return n
}

// isBound tells whether the client has a session now.
func (p *peer) isBound() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bound
}
