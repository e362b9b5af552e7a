package engine_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xylem-im/xylem/engine"
)

// childEnv makes the test binary a server with few file descriptors.
const childEnv = "XYLEM_TEST_SERVER"

func TestMain(m *testing.M) {
	if path := os.Getenv(engine.JournalChild); path != "" {
		fmt.Fprintln(os.Stderr, engine.WriteJournal(path))
		os.Exit(1)
	}
	if os.Getenv(childEnv) != "" {
		if err := serveStarved(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveStarved is a server that may open 64 files. It says where it listens
// and serves until its input ends.
func serveStarved() error {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		return err
	}
	cfg := newConfig()
	cfg.Limits = engine.Limits{}
	e, err := engine.New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-e.Ready():
			for _, a := range e.Addrs() {
				fmt.Println(a.Name, a.Addr)
			}
			_, _ = io.Copy(io.Discard, os.Stdin)
		case <-ctx.Done():
		}
		cancel()
	}()
	return e.Run(ctx)
}

// starved starts such a server and returns where it listens.
func starved(t *testing.T) (plain, direct string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	addr := map[string]string{}
	for lines := bufio.NewScanner(stdout); len(addr) < 2; {
		if !lines.Scan() {
			t.Fatal("the server did not start")
		}
		name, a, _ := strings.Cut(lines.Text(), " ")
		addr[name] = a
	}
	return addr["plain"], addr["tls"]
}

// TestFewFileDescriptors: with 64 file descriptors and 200 connections on each
// listener the surplus is refused, the others are served, and it recovers.
func TestFewFileDescriptors(t *testing.T) {
	plain, direct := starved(t)
	for _, c := range []struct {
		name, addr string
		reason     bool // the refusal is a stream error
	}{{"plain", plain, true}, {"direct TLS", direct, false}} {
		t.Run(c.name, func(t *testing.T) {
			alice := dialLogin(t, plain, "alice")
			defer alice.conn.Close()
			bob := dialLogin(t, plain, "bob")
			defer bob.conn.Close()
			alice.chats(bob, "before")

			const count = 200
			conns := make([]net.Conn, count)
			for i := range conns {
				conn, err := net.DialTimeout("tcp", c.addr, patience)
				if err != nil {
					t.Fatalf("connection %d: %v", i, err)
				}
				conns[i] = conn
			}
			refused := 0
			var wait sync.WaitGroup
			for i, conn := range conns {
				wait.Go(func() {
					if isRefused(t, conn, c.reason) {
						_ = conn.Close()
						conns[i] = nil
					}
				})
			}
			wait.Wait()
			for _, conn := range conns {
				if conn == nil {
					refused++
				}
			}
			if refused < count-64 || refused == count {
				t.Errorf("%d of %d refused; want those beyond 64 descriptors, and not all", refused, count)
			}
			alice.chats(bob, "during")
			bob.chats(alice, "during")

			for _, conn := range conns {
				if conn != nil {
					_ = conn.Close()
				}
			}
			// The server hears of the closes in its own time: try until it has room.
			for deadline := time.Now().Add(patience); ; {
				carol, err := tryLogin(t, plain, "carol")
				if err == nil {
					carol.chats(alice, "after")
					_ = carol.conn.Close()
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("it does not recover: %v", err)
				}
			}
		})
	}
}

// isRefused tells whether a connection was closed by the server, which says
// why where reason is set. One that it serves answers what is said to it: a
// stream header, or the beginning of a handshake.
func isRefused(t *testing.T, conn net.Conn, reason bool) bool {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if !reason {
		return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake() != nil // with a certificate of the other process
	}
	_, _ = io.WriteString(conn, streamHeader) // to whom has closed: that shows in what is read
	var b strings.Builder
	for !strings.Contains(b.String(), "</stream:features>") {
		var piece [1024]byte
		n, err := conn.Read(piece[:])
		b.Write(piece[:n])
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Error("neither served nor refused")
		}
		if err == nil {
			continue
		}
		if b.Len() > 0 && !strings.Contains(b.String(), "<resource-constraint xmlns='"+nsStreams+"'/>") {
			t.Errorf("refused with %s", &b)
		}
		return true
	}
	return false
}

func dialLogin(t *testing.T, addr, user string) *client {
	t.Helper()
	c, err := tryLogin(t, addr, user)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tryLogin logs in unless the connection is refused.
func tryLogin(t *testing.T, addr, user string) (*client, error) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := newClient(t, conn)
	if _, err := io.WriteString(conn, streamHeader); err != nil {
		return nil, err
	}
	c.dec = xml.NewDecoder(c.r)
	n, err := c.read()
	if err != nil || n.XMLName.Local != "features" {
		_ = conn.Close()
		return nil, fmt.Errorf("refused: %v %v", n, err)
	}
	c.authenticate(user)
	c.bind("")
	return c, nil
}
