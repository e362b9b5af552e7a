//go:build crash

package crash

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	rounds    = flag.Int("rounds", 5, "how often the server is ended, by kill -9 and by SIGTERM in turns")
	traceFile = flag.String("trace", "", "file for what happened")
	seed      = flag.Uint64("seed", 0, "of all that is random; 0: another one each time")
)

// patience is the deadline of every wait; it is reached in failures only.
const patience = 90 * time.Second

// random is a generator whose seed is told.
func random(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", s)
	return rand.New(rand.NewPCG(s, 198))
}

var building struct {
	once sync.Once
	path string
	err  error
}

// TestMain removes the server that was built.
func TestMain(m *testing.M) {
	code := m.Run()
	if building.path != "" {
		_ = os.RemoveAll(filepath.Dir(building.path))
	}
	os.Exit(code)
}

// binary is the server, built once.
func binary(t *testing.T) string {
	t.Helper()
	building.once.Do(func() {
		dir, err := os.MkdirTemp("", "xylem-crash-")
		if err != nil {
			building.err = err
			return
		}
		building.path = filepath.Join(dir, "xylem")
		out, err := exec.Command("go", "build", "-o", building.path, "github.com/xylem-im/xylem/cmd/xylem").CombinedOutput()
		if err != nil {
			building.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if building.err != nil {
		t.Fatal(building.err)
	}
	return building.path
}

// server is a process of the server on a data folder, started again and again.
type server struct {
	t      *testing.T
	domain string
	dir    string
	args   []string
	wrap   []string // a command that runs the server
	log    *os.File

	cmd *exec.Cmd

	mu    sync.Mutex
	up    *sync.Cond
	addr  string // of c2s; "": it does not run
	kills int    // how many were killed before it
	over  bool   // nobody waits for it any more
}

// newServer has accounts with the password "secret" in a new data folder.
func newServer(t *testing.T, dir string, accounts ...string) *server {
	t.Helper()
	s := &server{t: t, domain: "localhost", dir: dir}
	s.up = sync.NewCond(&s.mu)
	var list strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&list, "%s,secret\n", a)
	}
	file := filepath.Join(t.TempDir(), "accounts.csv")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary(t), "user", "import", file, "--data", s.dir).CombinedOutput(); err != nil {
		t.Fatalf("user import: %v: %s", err, out)
	}
	var err error
	if s.log, err = os.Create(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
		s.forget()
		if t.Failed() {
			if b, err := os.ReadFile(s.log.Name()); err == nil {
				t.Logf("the server's last words:\n%s", b[max(0, len(b)-4000):])
			}
		}
		_ = s.log.Close()
	})
	return s
}

// forget removes the journal of a server that was killed, which it keeps for the next
// one on its data folder.
func (s *server) forget() {
	sum := sha256.Sum256([]byte(s.dir))
	file := fmt.Sprintf("/dev/shm/xylem-%d-%x", os.Getuid(), sum[:8])
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Error(err)
	}
}

// start runs the server and returns when it is ready.
func (s *server) start() {
	s.t.Helper()
	args := append(s.wrap[:len(s.wrap):len(s.wrap)], binary(s.t), "serve", "--domain", s.domain, "--data", s.dir, "--c2s", "127.0.0.1:0", "--c2s-tls", "",
		"--s2s", "", "--http", "", "--allow-plaintext", "--loops", "2", "--set", "limits.drain_time=10s",
		"--set", "stream_management.journal_bytes=1048576") // which fits where /dev/shm is small
	args = append(args, s.args...)
	s.cmd = exec.Command(args[0], args[1:]...)
	s.cmd.Stderr = s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if strings.HasPrefix(line, "ready ") {
				ready <- line
			}
			if err != nil {
				close(ready)
				return
			}
		}
	}()
	select {
	case line, ok := <-ready:
		if !ok {
			s.t.Fatal("the server does not start")
		}
		for _, field := range strings.Fields(line) {
			if a, ok := strings.CutPrefix(field, "c2s="); ok {
				s.setAddr(a)
			}
		}
	case <-time.After(patience):
		s.t.Fatal("the server does not get ready")
	}
}

func (s *server) setAddr(a string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = a
	s.up.Broadcast()
}

// kill ends the server at this instant.
func (s *server) kill() {
	s.t.Helper()
	s.setAddr("")
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait()
	s.cmd = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kills++
}

// killed is how many were killed before the one that runs, or runs next.
func (s *server) killed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kills
}

// terminate ends it in good order.
func (s *server) terminate() {
	s.t.Helper()
	s.setAddr("")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("after SIGTERM: %v", err)
	}
	s.cmd = nil
}

// wait returns the address once the server runs, "" when nobody shall wait
// any more, and how many were killed before it.
func (s *server) wait() (addr string, kills int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.addr == "" && !s.over {
		s.up.Wait()
	}
	if s.over {
		return "", s.kills
	}
	return s.addr, s.kills
}

// finish lets nobody wait any more.
func (s *server) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.up.Broadcast()
}
